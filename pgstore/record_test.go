package pgstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/pgstore"
)

func TestForeignRecordsAreNamedAndNotOverwritten(t *testing.T) {
	for name, test := range map[string]struct{ change, says string }{
		"a newer format":   {"format = 2", "has format 2"},
		"no version":       {"version = 0", "invalid version"},
		"torn":             {`record = '{"token":{"access_token":"s3cret'`, "not a record in JSON"},
		"no token in it":   {`record = '{"token":{"access_token":3}}'`, "not a record in JSON"},
		"record too large": {"record = repeat(' ', 2000000)", "not a record in JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			pool, opts := connect(t, services.Postgres(t)), fresh(0)
			store := open(t, pool, opts)
			version := storecheck.Swap(t, store, 0, "one")
			do(t, pool, "UPDATE {table} SET "+test.change, opts)

			expect := func(err error) {
				t.Helper()
				var mismatch *spotipie.RecordMismatchError
				if !errors.As(err, &mismatch) || !strings.Contains(err.Error(), opts.Table) ||
					!strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("got error %v; want a RecordMismatchError that says %q", err, test.says)
				}
			}
			_, _, err := store.Load(t.Context(), storecheck.Key())
			expect(err)
			_, err = store.Swap(t.Context(), storecheck.Key(), 0, storecheck.Record(t, "two"))
			expect(err)
			if name == "a newer format" {
				_, err = store.Swap(t.Context(), storecheck.Key(), version, storecheck.Record(t, "two"))
				expect(err)
			}
			if err := store.Delete(t.Context(), storecheck.Key()); err != nil {
				t.Fatal(err)
			}
			storecheck.Swap(t, store, 0, "one")
		})
	}
}

func TestVersionsGoOnIfTheClockIsSetBack(t *testing.T) {
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	store := open(t, pool, opts)
	storecheck.Swap(t, store, 0, "one")
	future := time.Now().Add(24 * time.Hour).UnixMicro()
	do(t, pool, "UPDATE {table} SET version = $1", opts, future)
	if got := storecheck.Swap(t, store, uint64(future), "two"); got != uint64(future)+1 {
		t.Errorf("version %d after %d", got, future)
	}
	if err := store.Delete(t.Context(), storecheck.Key()); err != nil {
		t.Fatal(err)
	}
	if got := storecheck.Swap(t, store, 0, "three"); got <= uint64(future)+1 || got > uint64(future)+10 {
		t.Errorf("version %d after a deleted %d", got, future+1)
	}
}

func TestRowsOfDeletedRecordsAreClearedAfterAWeek(t *testing.T) {
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	store := open(t, pool, opts)
	rows := func() (n int) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), fmt.Sprintf("SELECT count(*) FROM %q", opts.Table)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, profile := range []string{"ada", "grace"} {
		key := spotipie.Key{ClientID: "client", Profile: profile}
		if _, err := store.Swap(t.Context(), key, 0, storecheck.Record(t, profile)); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Delete(t.Context(), storecheck.Key()); err != nil || rows() != 2 {
		t.Errorf("%d rows, error %v; want the deleted record's to stay", rows(), err)
	}
	do(t, pool, "UPDATE {table} SET updated_at = updated_at - interval '8 days'", opts)
	if err := store.Delete(t.Context(), spotipie.Key{Profile: "grace"}); err != nil || rows() != 2 {
		t.Errorf("%d rows, error %v; want the deleted record's to go, and no other", rows(), err)
	}
}

// The details of a server's error may quote the row.
func TestErrorsDoNotQuoteTheRecord(t *testing.T) {
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	store := open(t, pool, opts)
	do(t, pool, "ALTER TABLE {table} ADD CHECK (length(record) < 10)", opts)
	_, err := store.Swap(t.Context(), storecheck.Key(), 0, storecheck.Record(t, "s3cret"))
	var answer *pgconn.PgError
	if !errors.As(err, &answer) || strings.Contains(fmt.Sprintf("%v %+v %#v", err, answer, answer), "s3cret") {
		t.Errorf("got %v; want the server's error without the token", err)
	}
}

func TestNewRefuses(t *testing.T) {
	pool := connect(t, "postgres://127.0.0.1:1/none")
	for name, test := range map[string]struct {
		opts *pgstore.Options
		says string
	}{
		"a short lease":    {&pgstore.Options{Lease: time.Millisecond}, "Options.Lease"},
		"a negative lease": {&pgstore.Options{Lease: -time.Hour}, "Options.Lease"},
		"three names":      {&pgstore.Options{Table: "a.b.c"}, "Options.Table"},
		"no name":          {&pgstore.Options{Table: "a."}, "Options.Table"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := pgstore.New(pool, test.opts); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got error %v, want one that says %q", err, test.says)
			}
		})
	}
	if _, err := pgstore.New(nil, nil); err == nil {
		t.Error("New without a pool: no error")
	}
}
