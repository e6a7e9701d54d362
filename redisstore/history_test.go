package redisstore_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

// unreliable returns stores on the same records, each behind a proxy of its own.
func unreliable(t *testing.T, n int, lease time.Duration) (stores []spotipie.Checker, proxies []*testservices.Proxy) {
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
	storecheck.LinearizableUnderTrouble(t, testservices.Count(t, "SPOTIPIE_TEST_HISTORIES", 5), unreliable)
}

func TestLocksUnderTrouble(t *testing.T) { storecheck.LocksUnderTrouble(t, unreliable) }
