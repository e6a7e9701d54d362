package redisstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/redisstore"
)

// unreliable returns stores on the same records, each behind a proxy of its own.
func unreliable(t *testing.T, n int, lease time.Duration) (stores []*redisstore.Store, proxies []*testservices.Proxy) {
	address, opts := services.Redis(t), fresh(lease)
	for range n {
		proxy := testservices.NewProxy(t, address)
		client := connect(t, &redis.Options{Addr: proxy.Address, ReadTimeout: 50 * time.Millisecond, WriteTimeout: 50 * time.Millisecond})
		stores, proxies = append(stores, open(t, client, opts)), append(proxies, proxy)
	}
	return stores, proxies
}

// The client repeats commands, with its defaults.
func TestLinearizable(t *testing.T) {
	storecheck.Linearizable(t, testservices.Count(t, "SPOTIPIE_TEST_HISTORIES", 5), func(t *testing.T) (clients []spotipie.Store, trouble func(context.Context)) {
		stores, proxies := unreliable(t, 8, 0)
		for _, s := range stores {
			clients = append(clients, s)
		}
		return clients, func(ctx context.Context) { storecheck.Unreliable(ctx, proxies) }
	})
}

func TestLocksUnderTrouble(t *testing.T) {
	stores, proxies := unreliable(t, 3, 300*time.Millisecond)
	var checkers []spotipie.Checker
	for _, s := range stores {
		checkers = append(checkers, s)
	}
	storecheck.LocksUnderTrouble(t, checkers, proxies, 300*time.Millisecond)
}
