package pgstore_test

import (
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/pgstore"
)

// unreliable returns stores on the same records, each behind a proxy of its own.
// Every second one uses the statement for many keys.
func unreliable(t *testing.T, n int, lease time.Duration) (stores []spotipie.Checker, proxies []*testservices.Proxy) {
	dsn, opts := services.Postgres(t), fresh(lease)
	open(t, connect(t, dsn), opts)
	for i := range n {
		proxy := testservices.NewProxy(t, address(t, dsn))
		store, err := pgstore.New(connect(t, testservices.PostgresDSN(proxy.Address)+"&pool_max_conns=4"), opts)
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 1 {
			store.GatherEachLoad()
		}
		stores, proxies = append(stores, store), append(proxies, proxy)
	}
	return stores, proxies
}

func TestLinearizable(t *testing.T) {
	storecheck.LinearizableUnderTrouble(t, testservices.Count(t, "SPOTIPIE_TEST_HISTORIES", 5), unreliable)
}

func TestLocksUnderTrouble(t *testing.T) { storecheck.LocksUnderTrouble(t, unreliable) }
