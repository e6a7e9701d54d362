//go:build unix

package pgstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
)

// outageFleet returns an authorization in the PostgreSQL at address.
func outageFleet(t *testing.T, address string, pool *pgxpool.Pool) *fleet.Fleet {
	t.Helper()
	opts := fresh(time.Second) // a lost unlock costs this time
	return fleet.New(t, open(t, pool, opts), fleet.Config{Address: address, Place: opts.Table, Lease: opts.Lease}, true)
}

func outage(begin, end func()) fleet.Outage {
	return fleet.Outage{StoreName: "pgstore: ", Begin: begin, End: end}
}

func TestServerThatIsRestarted(t *testing.T) {
	t.Parallel()
	server := testservices.StartPostgres(t)
	outageFleet(t, server.Address, connect(t, testservices.PostgresDSN(server.Address))).TestOutage(t, outage(server.Stop, func() {
		server.Stop()
		server.Start(t)
	}))
}

// A session waits ten seconds for a save, so these tests run in parallel.
func TestServerOutOfReach(t *testing.T) {
	t.Parallel()
	server := address(t, services.Postgres(t))
	var all sync.WaitGroup
	for name, fail := range map[string]func(*testservices.Proxy){
		"connections cut":  (*testservices.Proxy).Cut,
		"connections hang": (*testservices.Proxy).Hang,
		"far too slow":     func(p *testservices.Proxy) { p.Slow(15 * time.Second) },
	} {
		all.Go(func() {
			t.Run(name, func(t *testing.T) {
				proxy := testservices.NewProxy(t, server)
				outageFleet(t, proxy.Address, connect(t, testservices.PostgresDSN(proxy.Address))).TestOutage(t, outage(func() { fail(proxy) }, proxy.Pass))
			})
		})
	}
	all.Wait()
}

func TestServerThatDoesNotWrite(t *testing.T) {
	t.Parallel()
	server := testservices.StartPostgres(t)
	dsn := testservices.PostgresDSN(server.Address)
	admin := connect(t, dsn+"&default_transaction_read_only=off")
	stores := connect(t, dsn+"&pool_max_conns=1")
	set := func(readOnly string) func() {
		return func() {
			for _, statement := range []string{
				"ALTER SYSTEM SET default_transaction_read_only = " + readOnly, "SELECT pg_reload_conf()",
			} {
				if _, err := admin.Exec(t.Context(), statement); err != nil {
					t.Error(err)
				}
			}
			for is := ""; is != readOnly && !t.Failed(); { // a connection gets the setting a little later
				if err := stores.QueryRow(t.Context(), "SHOW default_transaction_read_only").Scan(&is); err != nil {
					t.Error(err)
				}
			}
		}
	}
	outageFleet(t, server.Address, stores).TestOutage(t, outage(set("on"), set("off")))
}

// A slow server is not an error: only calls that need it wait.
func TestSlowServerServes(t *testing.T) {
	t.Parallel()
	proxy := testservices.NewProxy(t, address(t, services.Postgres(t)))
	f := outageFleet(t, proxy.Address, connect(t, testservices.PostgresDSN(proxy.Address)))
	proxy.Slow(20 * time.Millisecond)
	f.TestOneRefresh(t, []*fleet.Member{f.Start(t, f.Config), f.Start(t, f.Config)}, 5, 1)
}

func TestMethodsEndWithTheirContexts(t *testing.T) {
	proxy := testservices.NewProxy(t, address(t, services.Postgres(t)))
	store := open(t, connect(t, testservices.PostgresDSN(proxy.Address)), fresh(0))
	storecheck.MethodsEndWithTheirContexts(t, store, proxy)
	proxy.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := store.Migrate(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Migrate: %v", err)
	}
	proxy.Cut()
	proxy.Pass()
}
