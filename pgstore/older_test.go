package pgstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie/internal/storecheck"
)

// The statements of the version without turns. It may run beside this one while a fleet is
// being updated.
const (
	olderAcquire = `
INSERT INTO {table} AS t (client_id, profile, lock_owner, lock_until)
SELECT 'client', 'ada', $1::text, clock_timestamp() + interval '1 minute'
WHERE NOT EXISTS (
	SELECT FROM {table}
	WHERE client_id = 'client' AND profile = 'ada' AND lock_owner <> $1::text AND lock_until > clock_timestamp())
ON CONFLICT (client_id, profile) DO UPDATE
SET lock_owner = $1::text, lock_until = clock_timestamp() + interval '1 minute'
WHERE t.lock_until IS NULL OR t.lock_until <= clock_timestamp() OR t.lock_owner = $1::text`
	olderRelease = `
UPDATE {table} SET lock_owner = NULL, lock_until = NULL
WHERE client_id = 'client' AND profile = 'ada' AND lock_owner = $1::text`
	olderDelete = `
UPDATE {table} SET record = NULL, updated_at = clock_timestamp()
WHERE client_id = 'client' AND profile = 'ada' AND record IS NOT NULL`
)

func TestBesideAnOlderVersion(t *testing.T) {
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	store := open(t, pool, opts)
	older := func(statement string, arguments ...any) bool {
		t.Helper()
		tag, err := pool.Exec(t.Context(), strings.ReplaceAll(statement, "{table}", `"`+opts.Table+`"`), arguments...)
		if err != nil {
			t.Fatal(err)
		}
		return tag.RowsAffected() > 0
	}
	for range 2 {
		if !older(olderAcquire, "OLDOWNER") {
			t.Fatal("the older version does not get a lock that is free")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if _, err := store.Lock(ctx, storecheck.Key()); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Lock of what the older version holds: %v", err)
		}
		cancel()
		if !older(olderRelease, "OLDOWNER") {
			t.Fatal("the older version has lost its lock to one who waited")
		}
		unlock, err := store.Lock(t.Context(), storecheck.Key())
		if err != nil {
			t.Fatal(err)
		}
		if older(olderAcquire, "OLDOWNER") {
			t.Fatal("the older version gets a lock that is held")
		}
		if err := unlock(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	version := storecheck.Swap(t, store, 0, "one")
	older(olderDelete)
	if rec, found, err := store.Load(t.Context(), storecheck.Key()); found || err != nil || rec.Version != version {
		t.Errorf("Load: %v, %t, %v; want the deletion of version %d", rec, found, err, version)
	}
}
