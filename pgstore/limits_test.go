package pgstore_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/puddle/v2"

	"github.com/spotipie/spotipie/internal/lease"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/pgstore"
)

func TestRecordThatLoadWouldRefuseIsNotWritten(t *testing.T) {
	opts := fresh(0)
	store := open(t, connect(t, services.Postgres(t)), opts)
	version := storecheck.Swap(t, store, 0, "one")
	large := storecheck.Record(t, "two")
	large.Rejected = strings.Repeat("x", 1<<20)
	_, err := store.Swap(t.Context(), storecheck.Key(), version, large)
	if err == nil || !strings.Contains(err.Error(), opts.Table) || !strings.Contains(err.Error(), "the store accepts at most 1048576") {
		t.Errorf("Swap: %v; want an error with the table and the limit", err)
	}
	storecheck.Expect(t, store, "one", version)
}

// PostgreSQL cuts longer names, so that two names could become the same.
func TestTableNamesAsLongAsPostgreSQLTakesThem(t *testing.T) {
	pool := connect(t, services.Postgres(t))
	long := strings.Repeat("ü", 31) + "x" // 63 bytes
	for name, refused := range map[string]bool{
		long: false, long + "x": true,
		"public." + long: false, long + "." + long: false, long + "x.a": true, "public." + long + "x": true,
	} {
		if _, err := pgstore.New(pool, &pgstore.Options{Table: name}); (err != nil) != refused {
			t.Errorf("New with the table %q: %v; want it refused: %t", name, err, refused)
		}
	}
}

// Nobody has noticed the loss: the lease is extended every 20 s.
func TestOldUnlockLeavesTheNextHoldersLock(t *testing.T) {
	pool, opts := connect(t, services.Postgres(t)), fresh(time.Minute)
	a, b := open(t, pool, opts), open(t, pool, opts)
	old, err := a.Lock(t.Context(), storecheck.Key())
	if err != nil {
		t.Fatal(err)
	}
	do(t, pool, "UPDATE {table} SET lock_owner = NULL, lock_until = NULL", opts)
	next, err := b.Lock(t.Context(), storecheck.Key())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{lease.ErrLost, nil} {
		if err := old(t.Context()); !errors.Is(err, want) {
			t.Errorf("the old unlock no. %d: %v, want %v", i+1, err, want)
		}
	}
	if count(t, opts, "lock_owner IS NOT NULL AND lock_until > clock_timestamp()") != 1 {
		t.Error("an old unlock has freed the next holder's lock")
	}
	if err := next(t.Context()); err != nil {
		t.Errorf("the next unlock: %v", err)
	}
}

// count returns how many rows of a store's table match a condition.
func count(t *testing.T, opts *pgstore.Options, where string) (n int) {
	t.Helper()
	pool := connect(t, services.Postgres(t))
	query := `SELECT count(*) FROM "` + opts.Table + `" WHERE ` + where
	if err := pool.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDeleteClearsAFewOldRowsAtATime(t *testing.T) {
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	store := open(t, pool, opts)
	do(t, pool, `INSERT INTO {table} (client_id, profile, version, updated_at, lock_owner, lock_until)
		SELECT 'old', g::text, 1, now() - interval '8 days', NULL, NULL FROM generate_series(1, 150) g
		UNION ALL SELECT 'locked', '', 1, now() - interval '8 days', 'x', now() + interval '1 hour'
		UNION ALL SELECT 'young', '', 1, now() - interval '6 days', NULL, NULL`, opts)
	for _, want := range []int{50, 0, 0} {
		if err := store.Delete(t.Context(), storecheck.Key()); err != nil {
			t.Fatal(err)
		}
		if left := count(t, opts, "client_id = 'old'"); left != want {
			t.Errorf("%d old rows left, want %d", left, want)
		}
	}
	if left := count(t, opts, "client_id IN ('locked', 'young')"); left != 2 {
		t.Errorf("%d of the two rows left that are locked or young", left)
	}
}

func TestDeleteWaitsForNobodyElsesRow(t *testing.T) {
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	store := open(t, pool, opts)
	storecheck.Swap(t, store, 0, "one")
	do(t, pool, "INSERT INTO {table} (client_id, profile, updated_at) VALUES ('old', '', now() - interval '8 days')", opts)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), `SELECT FROM "`+opts.Table+`" WHERE client_id = 'old' FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := store.Delete(ctx, storecheck.Key()); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if left := count(t, opts, "client_id = 'old'"); left != 1 {
		t.Error("the row that somebody was at work on is gone")
	}
}

// A table as the first version made it gets its index and columns once.
func TestManyMigrateATableOfTheFirstSchema(t *testing.T) {
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	store := open(t, pool, opts)
	storecheck.Swap(t, store, 0, "one")
	var index string
	if err := pool.QueryRow(t.Context(), "SELECT quote_ident(indexname) FROM pg_indexes WHERE tablename = $1 AND indexdef LIKE '%NULL)'", opts.Table).Scan(&index); err != nil {
		t.Fatal(err)
	}
	do(t, pool, "DROP INDEX "+index, opts)
	do(t, pool, "ALTER TABLE {table} DROP COLUMN last_owner, DROP COLUMN next_owner, DROP COLUMN next_until,"+
		"DROP COLUMN authorized_at, DROP COLUMN rejected, DROP COLUMN summarized", opts)
	do(t, pool, "COMMENT ON TABLE {table} IS 'spotipie authorizations, schema 1'", opts)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if err := store.Migrate(t.Context()); err != nil {
				t.Errorf("Migrate: %v", err)
			}
		})
	}
	all.Wait()
	var indexes int
	err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_indexes WHERE tablename = $1 AND indexdef LIKE '%(updated_at) WHERE (record IS NULL)'", opts.Table).Scan(&indexes)
	if err != nil || indexes != 1 {
		t.Errorf("%d indexes, want 1; error %v", indexes, err)
	}
	unlock, err := store.Lock(t.Context(), storecheck.Key())
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWatchEndsWithThePool(t *testing.T) {
	for name, own := range map[string]bool{"the store's pool": true, "Options.Listen": false} {
		t.Run(name, func(t *testing.T) {
			opts := fresh(0)
			pool, listen := connect(t, services.Postgres(t)), connect(t, services.Postgres(t))
			opts.Listen = listen
			store := open(t, pool, opts)
			store.SetSilence(50 * time.Millisecond)
			changes, err := store.Watch(t.Context(), storecheck.Key())
			if err != nil {
				t.Fatal(err)
			}
			if own {
				pool.Close()
			} else {
				listen.Close()
			}
			storecheck.WatchEnds(t, changes)
			if _, err := store.Watch(t.Context(), storecheck.Key()); !errors.Is(err, puddle.ErrClosedPool) {
				t.Errorf("a new Watch: %v, want that the pool is closed", err)
			}
		})
	}
}
