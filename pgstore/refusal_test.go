package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

// expectRefusal fails the test unless err is a server's error with this code. It must name the
// store and the table, but no token.
func expectRefusal(t *testing.T, doing string, err error, code, table string) {
	t.Helper()
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != code || !strings.HasPrefix(err.Error(), "pgstore: ") || !strings.Contains(err.Error(), table) {
		t.Errorf("%s: %v, want the server's error %s about %s", doing, err, code, table)
	}
	if err != nil && strings.Contains(err.Error(), "refresh-") {
		t.Errorf("%s: the error has a token: %v", doing, err)
	}
}

// blockRow makes another transaction lock the row of the record until end is called.
func blockRow(t *testing.T, pool *pgxpool.Pool, table string) (end func()) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT FROM "+pgx.Identifier{table}.Sanitize()+" FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	return sync.OnceFunc(func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) })
}

// A statement that the server cancels because it takes too long has no effect, and a wait for
// the lock continues.
func TestStatementTimeout(t *testing.T) {
	admin := connect(t, services.Postgres(t))
	for setting, code := range map[string]string{"statement_timeout": "57014", "lock_timeout": "55P03"} {
		t.Run(setting, func(t *testing.T) {
			opts := fresh(0)
			store := open(t, connect(t, fmt.Sprintf("%s&%s=100", services.Postgres(t), setting)), opts)
			version := storecheck.Swap(t, store, 0, "one")
			end := blockRow(t, admin, opts.Table)
			defer end()
			_, err := store.Swap(t.Context(), storecheck.Key(), version, storecheck.Record(t, "two"))
			expectRefusal(t, "Swap", err, code, opts.Table)
			expectRefusal(t, "Delete", store.Delete(t.Context(), storecheck.Key()), code, opts.Table)
			storecheck.Expect(t, store, "one", version)

			time.AfterFunc(300*time.Millisecond, end)
			ctx, cancel := context.WithTimeout(t.Context(), storecheck.Patience)
			defer cancel()
			unlock, err := store.Lock(ctx, storecheck.Key())
			if err != nil {
				t.Fatalf("Lock: %v", err)
			}
			if err := unlock(t.Context()); err != nil {
				t.Error(err)
			}
			version = storecheck.Swap(t, store, version, "two")
			storecheck.Expect(t, store, "two", version)
		})
	}
}

// If the server has no connection left, the error says so, and nothing is overwritten. If the
// pool has none left, calls end with their contexts.
func TestNoConnectionLeft(t *testing.T) {
	server := testservices.StartPostgres(t)
	dsn := testservices.PostgresDSN(server.Address)
	admin, opts := connect(t, dsn), fresh(0)
	store := open(t, admin, opts)
	version := storecheck.Swap(t, store, 0, "one")
	apply(t, admin, `CREATE ROLE app LOGIN CONNECTION LIMIT 1`)
	apply(t, admin, store.Grants("app"))
	dsn = strings.Replace(dsn, "spotipie@", "app@", 1)
	taken, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close(context.WithoutCancel(t.Context()))

	pool := connect(t, dsn+"&pool_max_conns=1")
	refused := openWithoutMigrate(t, pool, opts)
	_, _, err = refused.Load(t.Context(), storecheck.Key())
	expectRefusal(t, "Load", err, "53300", opts.Table)
	_, err = refused.Swap(t.Context(), storecheck.Key(), version, storecheck.Record(t, "two"))
	expectRefusal(t, "Swap", err, "53300", opts.Table)
	storecheck.Expect(t, store, "one", version)
	waiting := make(chan error, 1)
	go func() { // gets the lock when there is a connection again
		ctx, cancel := context.WithTimeout(t.Context(), storecheck.Patience)
		defer cancel()
		unlock, err := refused.Lock(ctx, storecheck.Key())
		if err == nil {
			err = unlock(ctx)
		}
		waiting <- err
	}()
	if err := taken.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-waiting; err != nil {
		t.Errorf("Lock: %v", err)
	}

	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for doing, call := range map[string]func(context.Context) error{
		"Load": func(ctx context.Context) error { _, _, err := refused.Load(ctx, storecheck.Key()); return err },
		"Swap": func(ctx context.Context) error {
			_, err := refused.Swap(ctx, storecheck.Key(), version, storecheck.Record(t, "two"))
			return err
		},
		"Delete": func(ctx context.Context) error { return refused.Delete(ctx, storecheck.Key()) },
		"Lock":   func(ctx context.Context) error { _, err := refused.Lock(ctx, storecheck.Key()); return err },
		"List":   func(ctx context.Context) error { _, err := refused.List(ctx); return err },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		start := time.Now()
		err := call(ctx)
		cancel()
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took > time.Second {
			t.Errorf("%s with a pool that has no connection left: %v after %s", doing, err, took)
		}
	}
	conn.Release()
	storecheck.Expect(t, refused, "one", version)
}

// For a role that may not use the schema all methods fail at once, even Lock, and change
// nothing.
func TestSchemaWithoutRights(t *testing.T) {
	server := testservices.StartPostgres(t)
	admin, opts := connect(t, testservices.PostgresDSN(server.Address)), fresh(0)
	apply(t, admin, `CREATE ROLE app LOGIN; CREATE SCHEMA closed`)
	opts.Table = "closed." + opts.Table
	store := open(t, admin, opts)
	version := storecheck.Swap(t, store, 0, "one")
	_, table, _ := strings.Cut(opts.Table, ".")
	stranger := openWithoutMigrate(t, connect(t, strings.Replace(testservices.PostgresDSN(server.Address), "spotipie@", "app@", 1)), opts)
	ctx, cancel := context.WithTimeout(t.Context(), storecheck.Patience)
	defer cancel()
	_, _, loadErr := stranger.Load(ctx, storecheck.Key())
	_, swapErr := stranger.Swap(ctx, storecheck.Key(), version, storecheck.Record(t, "two"))
	_, lockErr := stranger.Lock(ctx, storecheck.Key())
	_, listErr := stranger.List(ctx)
	for doing, err := range map[string]error{
		"Load": loadErr, "Swap": swapErr, "Lock": lockErr, "List": listErr,
		"Delete": stranger.Delete(ctx, storecheck.Key()), "Migrate": stranger.Migrate(ctx),
	} {
		expectRefusal(t, doing, err, "42501", table)
	}
	storecheck.Expect(t, store, "one", version)
}
