package redisstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

// The client repeats commands, with its defaults.
func TestLinearizable(t *testing.T) {
	address := services.Redis(t)
	storecheck.Linearizable(t, testservices.Count(t, "SPOTIPIE_TEST_HISTORIES", 5), func(t *testing.T) ([]spotipie.Store, func(context.Context)) {
		opts := fresh(0)
		var stores []spotipie.Store
		var proxies []*testservices.Proxy
		for range 8 {
			proxy := testservices.NewProxy(t, address)
			client := connect(t, &redis.Options{Addr: proxy.Address, ReadTimeout: 50 * time.Millisecond, WriteTimeout: 50 * time.Millisecond})
			stores, proxies = append(stores, open(t, client, opts)), append(proxies, proxy)
		}
		return stores, func(ctx context.Context) { storecheck.Unreliable(ctx, proxies) }
	})
}
