package pgstore_test

import (
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
	"github.com/spotipie/spotipie/pgstore"
)

var services testservices.Services

func TestMain(m *testing.M) {
	fleet.RunMember(func(c fleet.Config) (spotipie.Store, error) {
		pool, err := pgxpool.New(context.Background(), testservices.PostgresDSN(c.Address))
		if err != nil {
			return nil, err
		}
		store, err := pgstore.New(pool, &pgstore.Options{Table: c.Place, Lease: c.Lease})
		if err != nil {
			return nil, err
		}
		return store, store.Migrate(context.Background())
	})
	goleak.VerifyTestMain(m, goleak.Cleanup(services.Exit))
}

// connect returns a pool that is closed when the test ends.
func connect(t testing.TB, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// open returns a store whose table exists.
func open(t testing.TB, pool *pgxpool.Pool, opts *pgstore.Options) *pgstore.Store {
	t.Helper()
	store := openWithoutMigrate(t, pool, opts)
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

// openWithoutMigrate returns a store whose table exists or is not needed.
func openWithoutMigrate(t testing.TB, pool *pgxpool.Pool, opts *pgstore.Options) *pgstore.Store {
	t.Helper()
	store, err := pgstore.New(pool, opts)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// address returns the address of a server from its connection string.
func address(t testing.TB, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// fresh returns options for a store with a table that nobody else uses.
func fresh(lease time.Duration) *pgstore.Options {
	return &pgstore.Options{Table: "Test " + strings.ToLower(rand.Text()), Lease: lease}
}

// do executes a statement on a store's table.
func do(t testing.TB, pool *pgxpool.Pool, statement string, opts *pgstore.Options, arguments ...any) {
	t.Helper()
	statement = strings.ReplaceAll(statement, "{table}", pgx.Identifier{opts.Table}.Sanitize())
	if _, err := pool.Exec(t.Context(), statement, arguments...); err != nil {
		t.Fatal(err)
	}
}
