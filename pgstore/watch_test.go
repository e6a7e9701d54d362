package pgstore_test

import (
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

func TestWatchersOfARestartedServer(t *testing.T) {
	t.Parallel()
	server := testservices.StartPostgres(t)
	store := open(t, connect(t, testservices.PostgresDSN(server.Address)), fresh(0))
	storecheck.WatchersOutliveARestart(t, store, func() {
		server.Stop()
		server.Start(t)
	})
}

func TestWatchersShareAConnection(t *testing.T) {
	t.Parallel()
	server := testservices.StartPostgres(t)
	pool := connect(t, testservices.PostgresDSN(server.Address))
	storecheck.WatchersShareAConnection(t, open(t, pool, fresh(0)), func() (n int) {
		err := pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	})
}

func TestWatchThroughAPoolerSaysThatItCannot(t *testing.T) {
	t.Parallel()
	store := open(t, connect(t, services.PgBouncer(t)), fresh(0))
	if _, err := store.Watch(t.Context(), storecheck.Key()); err == nil || !strings.Contains(err.Error(), "Options.Listen") {
		t.Errorf("Watch: %v, want an error that names Options.Listen", err)
	}
}

func TestSessionLearnsOfATokenThatAnotherGot(t *testing.T) {
	dsn, opts := services.Postgres(t), fresh(0)
	storecheck.SessionLearnsOfANewToken(t, func() spotipie.Store { return open(t, connect(t, dsn), opts) })
}
