package pgstore_test

import (
	"context"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/pgstore"
)

func TestLinearizable(t *testing.T) {
	dsn := services.Postgres(t)
	storecheck.Linearizable(t, testservices.Count(t, "SPOTIPIE_TEST_HISTORIES", 5), func(t *testing.T) ([]spotipie.Store, func(context.Context)) {
		opts := fresh(0)
		open(t, connect(t, dsn), opts)
		var stores []spotipie.Store
		var proxies []*testservices.Proxy
		for range 8 {
			proxy := testservices.NewProxy(t, address(t, dsn))
			store, err := pgstore.New(connect(t, testservices.PostgresDSN(proxy.Address)+"&pool_max_conns=2"), opts)
			if err != nil {
				t.Fatal(err)
			}
			stores, proxies = append(stores, store), append(proxies, proxy)
		}
		return stores, func(ctx context.Context) { storecheck.Unreliable(ctx, proxies) }
	})
}
