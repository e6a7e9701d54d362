package seal_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
	"github.com/spotipie/spotipie/pgstore"
	"github.com/spotipie/spotipie/redisstore"
	"github.com/spotipie/spotipie/seal"
	"github.com/spotipie/spotipie/sqlitestore"
)

var services testservices.Services

func TestMain(m *testing.M) {
	fleet.RunMember(openForMember)
	logging.Disable() // connections fail on purpose
	goleak.VerifyTestMain(m, goleak.Cleanup(services.Exit))
}

// place tells fleet members where the records are, and which keys they are sealed with.
type place struct{ kind, name, keys string }

func (p place) String() string { return p.kind + "|" + p.name + "|" + p.keys }

func openForMember(c fleet.Config) (spotipie.Store, error) {
	parts := strings.Split(c.Place, "|")
	keys, err := seal.ParseKeys(parts[2])
	if err != nil {
		return nil, err
	}
	var inner spotipie.Store
	switch parts[0] {
	case "redis":
		inner, err = redisstore.New(redis.NewClient(&redis.Options{Addr: c.Address}), &redisstore.Options{Prefix: parts[1], Lease: c.Lease})
	case "postgres":
		var pool *pgxpool.Pool
		if pool, err = pgxpool.New(context.Background(), testservices.PostgresDSN(c.Address)); err == nil {
			inner, err = pgstore.New(pool, &pgstore.Options{Table: parts[1], Lease: c.Lease})
		}
	case "sqlite":
		inner, err = sqlitestore.Open(context.Background(), parts[1], &sqlitestore.Options{Lease: c.Lease})
	default:
		err = fmt.Errorf("there is no store %q", parts[0])
	}
	if err != nil {
		return nil, err
	}
	return seal.New(inner, keys, nil)
}

// ada is the key of storecheck.
var ada = storecheck.Key()

// newKeys returns the keys with these texts.
func newKeys(t testing.TB, texts ...string) seal.Keys {
	t.Helper()
	if len(texts) == 0 {
		texts = []string{seal.GenerateKey()}
	}
	keys, err := seal.ParseKeys(strings.Join(texts, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// nameOf returns the name of the key that encrypts.
func nameOf(t testing.TB, keys seal.Keys) string {
	t.Helper()
	name, _, err := keys.Wrap(t.Context(), make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// over returns a store that seals the records in inner.
func over(t testing.TB, inner spotipie.Store, keys seal.Keys, opts *seal.Options) *seal.Store {
	t.Helper()
	s, err := seal.New(inner, keys, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// openRedis returns a plain store with a prefix, on a server at an address.
func openRedis(t testing.TB, opts *redis.Options, prefix string, lease time.Duration) *redisstore.Store {
	t.Helper()
	client := redis.NewClient(opts)
	t.Cleanup(func() { _ = client.Close() })
	store, err := redisstore.New(client, &redisstore.Options{Prefix: prefix, Lease: lease})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// openPostgres returns a plain store whose table exists.
func openPostgres(t testing.TB, dsn, table string, lease time.Duration) *pgstore.Store {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store, err := pgstore.New(pool, &pgstore.Options{Table: table, Lease: lease})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

// newDatabase returns a path for a new SQLite database.
func newDatabase(t testing.TB) string { return filepath.Join(t.TempDir(), "spotipie", "store.db") }

// openSQLite returns a plain store in a database.
func openSQLite(t testing.TB, path string, lease time.Duration) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), path, &sqlitestore.Options{Lease: lease})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func openFiles(t testing.TB) *filestore.Store {
	t.Helper()
	s, err := filestore.Open(filepath.Join(t.TempDir(), "spotipie"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fresh returns a name that nobody else uses.
func fresh() string { return "test_" + strings.ToLower(rand.Text()) }

// address returns the address of a PostgreSQL server from its connection string.
func address(t testing.TB, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// stored returns the record of a key in a store, which must exist.
func stored(t testing.TB, s spotipie.Store, key spotipie.Key) spotipie.Record {
	t.Helper()
	rec, found, err := s.Load(t.Context(), key)
	if err != nil || !found {
		t.Fatalf("Load of %s: found %t, error %v", key, found, err)
	}
	return rec
}

// put replaces the record of a key in a store.
func put(t testing.TB, s spotipie.Store, key spotipie.Key, rec spotipie.Record) (version uint64) {
	t.Helper()
	old, found, err := s.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		old.Version = 0 // it may be the version of a deletion
	}
	if version, err = s.Swap(t.Context(), key, old.Version, rec); err != nil {
		t.Fatal(err)
	}
	return version
}

// expectError fails the test unless err is an [*seal.Error] about ada's record that
// wraps want and contains the words.
func expectError(t *testing.T, err, want error, words ...string) {
	t.Helper()
	var failed *seal.Error
	if !errors.As(err, &failed) || !errors.Is(err, want) || failed.Key != ada || failed.Problem == "" || failed.Advice == "" {
		t.Fatalf("got error %v, want a *seal.Error about %s that wraps %v", err, ada, want)
	}
	for _, word := range append(words, ada.String()) {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error lacks %q: %v", word, err)
		}
	}
}
