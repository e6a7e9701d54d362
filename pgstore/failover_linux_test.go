package pgstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/pgstore"
)

// bothDSN names two servers.
func bothDSN(first, second *testservices.Server, more string) string {
	return fmt.Sprintf("postgres://spotipie@%s,%s/postgres?sslmode=disable&%s", first.Address, second.Address, more)
}

// onReplica waits until a replica has a table.
func onReplica(t *testing.T, replica *testservices.Server, opts *pgstore.Options) {
	t.Helper()
	pool := connect(t, testservices.PostgresDSN(replica.Address))
	defer pool.Close()
	eventually(t, func() bool {
		var found bool
		_ = pool.QueryRow(t.Context(), `SELECT count(*) > 0 FROM pg_class WHERE relname = $1`, opts.Table).Scan(&found)
		return found
	})
}

func TestReplicaThatIsNamedFirst(t *testing.T) {
	t.Parallel()
	primary := testservices.StartPostgres(t)
	replica := testservices.StartPostgresReplica(t, primary.Address)
	opts := fresh(0)
	open(t, connect(t, testservices.PostgresDSN(primary.Address)), opts)
	onReplica(t, replica, opts)

	store, err := pgstore.New(connect(t, bothDSN(replica, primary, "")), opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Swap(t.Context(), storecheck.Key(), 0, storecheck.Record(t, "one")); err == nil || !strings.Contains(err.Error(), "target_session_attrs=read-write") {
		t.Errorf("Swap on a replica: %v, want what to do", err)
	}
	storecheck.Swap(t, open(t, connect(t, bothDSN(replica, primary, "target_session_attrs=read-write")), opts), 0, "one")
}

// The store leaves a primary that was made a replica, as by a switch-over.
func TestPrimaryThatBecomesReadOnly(t *testing.T) {
	t.Parallel()
	primary := testservices.StartPostgres(t)
	replica := testservices.StartPostgresReplica(t, primary.Address)
	opts := fresh(0)
	store := open(t, connect(t, bothDSN(primary, replica, "target_session_attrs=read-write")), opts)
	version := storecheck.Swap(t, store, 0, "one")
	onReplica(t, replica, opts)
	admin := connect(t, testservices.PostgresDSN(primary.Address))
	apply(t, admin, "ALTER SYSTEM SET default_transaction_read_only = on")
	apply(t, admin, "SELECT pg_reload_conf()")
	testservices.PromotePostgres(t, replica)
	start := time.Now()
	eventually(t, func() bool {
		_, err := store.Swap(t.Context(), storecheck.Key(), version, storecheck.Record(t, "two"))
		return err == nil
	})
	t.Logf("saved again after %s", time.Since(start).Round(time.Millisecond))
}

// A primary that is gone, or hangs without breaking its connections, delays renewals only for
// some seconds.
func TestReplicaThatIsPromoted(t *testing.T) { replicaIsPromoted(t, false) }

// A synchronous replica has everything that was saved.
func TestSynchronousReplicaThatIsPromoted(t *testing.T) { replicaIsPromoted(t, true) }

func replicaIsPromoted(t *testing.T, synchronous bool) {
	t.Helper()
	for name, trouble := range map[string]func(t *testing.T, primary *testservices.Server){
		"the primary was killed": func(_ *testing.T, primary *testservices.Server) { primary.Kill() },
		"the primary hangs":      func(t *testing.T, primary *testservices.Server) { primary.Freeze(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primary := testservices.StartPostgres(t)
			replica := testservices.StartPostgresReplica(t, primary.Address)
			opts := fresh(2 * time.Second)
			store := open(t, connect(t, bothDSN(primary, replica, "target_session_attrs=read-write&connect_timeout=2")), opts)
			store.SetSilence(time.Second)
			onReplica(t, replica, opts)
			if synchronous {
				admin := connect(t, testservices.PostgresDSN(primary.Address))
				apply(t, admin, "ALTER SYSTEM SET synchronous_standby_names = '*'")
				apply(t, admin, "SELECT pg_reload_conf()")
				eventually(t, func() bool {
					var state string
					_ = admin.QueryRow(t.Context(), "SELECT sync_state FROM pg_stat_replication").Scan(&state)
					return state == "sync"
				})
				admin.Close()
			}
			version := storecheck.Swap(t, store, 0, "one")
			changes, err := store.Watch(t.Context(), storecheck.Key())
			if err != nil {
				t.Fatal(err)
			}

			trouble(t, primary)
			testservices.PromotePostgres(t, replica)
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			unlock, err := store.Lock(ctx, storecheck.Key())
			if err != nil {
				t.Fatalf("Lock: %v", err)
			}
			if err := store.Check(ctx, storecheck.Key()); err != nil {
				t.Errorf("Check: %v", err)
			}
			locked := time.Since(start)
			rec, found, err := store.Load(ctx, storecheck.Key())
			switch {
			case err != nil:
				t.Errorf("Load: %v", err)
			case synchronous && (!found || rec.Version != version):
				t.Errorf("what was saved is lost: %t, version %d, want %d", found, rec.Version, version)
			case !found:
				version = 0
			}
			version = storecheck.Swap(t, store, version, "two")
			storecheck.Expect(t, store, "two", version)
			if err := unlock(ctx); err != nil {
				t.Errorf("unlock: %v", err)
			}
			select {
			case <-changes:
			case <-ctx.Done():
				t.Error("who watches was not told")
			}
			t.Logf("locked %s after the promotion, told of it after %s", locked.Round(time.Millisecond), time.Since(start).Round(time.Millisecond))
			if locked > 15*time.Second {
				t.Errorf("locked after %s", locked)
			}
		})
	}
}
