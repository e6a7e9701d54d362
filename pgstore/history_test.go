package pgstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/pgstore"
)

// unreliable returns stores on the same records, each behind a proxy of its own.
func unreliable(t *testing.T, n int, lease time.Duration) (stores []*pgstore.Store, proxies []*testservices.Proxy) {
	dsn, opts := services.Postgres(t), fresh(lease)
	open(t, connect(t, dsn), opts)
	for range n {
		proxy := testservices.NewProxy(t, address(t, dsn))
		store, err := pgstore.New(connect(t, testservices.PostgresDSN(proxy.Address)+"&pool_max_conns=4"), opts)
		if err != nil {
			t.Fatal(err)
		}
		stores, proxies = append(stores, store), append(proxies, proxy)
	}
	return stores, proxies
}

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
