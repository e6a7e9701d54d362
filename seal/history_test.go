package seal_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

// unreliableRedis returns sealed stores on the same records, each behind its own
// proxy.
func unreliableRedis(t *testing.T, n int, lease time.Duration) (stores []spotipie.Checker, proxies []*testservices.Proxy) {
	address, prefix, keys := services.Redis(t), fresh(), newKeys(t)
	for range n {
		proxy := testservices.NewProxy(t, address)
		opts := &redis.Options{Addr: proxy.Address, ReadTimeout: 50 * time.Millisecond, WriteTimeout: 50 * time.Millisecond}
		stores = append(stores, over(t, openRedis(t, opts, prefix, lease), keys, nil))
		proxies = append(proxies, proxy)
	}
	return stores, proxies
}

func unreliablePostgres(t *testing.T, n int, lease time.Duration) (stores []spotipie.Checker, proxies []*testservices.Proxy) {
	dsn, table, keys := services.Postgres(t), fresh(), newKeys(t)
	for range n {
		proxy := testservices.NewProxy(t, address(t, dsn))
		inner := openPostgres(t, testservices.PostgresDSN(proxy.Address)+"&pool_max_conns=4", table, lease)
		stores, proxies = append(stores, over(t, inner, keys, nil)), append(proxies, proxy)
	}
	return stores, proxies
}

func TestLinearizableOnRedis(t *testing.T) {
	storecheck.LinearizableUnderTrouble(t, testservices.Count(t, "SPOTIPIE_TEST_HISTORIES", 5), unreliableRedis)
}

func TestLinearizableOnPostgres(t *testing.T) {
	storecheck.LinearizableUnderTrouble(t, testservices.Count(t, "SPOTIPIE_TEST_HISTORIES", 5), unreliablePostgres)
}

func TestLinearizableOnSQLite(t *testing.T) {
	storecheck.Linearizable(t, testservices.Count(t, "SPOTIPIE_TEST_HISTORIES", 3), func(t *testing.T) ([]spotipie.Store, func(context.Context)) {
		path, keys := newDatabase(t), newKeys(t)
		var stores []spotipie.Store
		for range 8 {
			stores = append(stores, over(t, openSQLite(t, path, 0), keys, nil))
		}
		return stores, func(ctx context.Context) { <-ctx.Done() }
	})
}
