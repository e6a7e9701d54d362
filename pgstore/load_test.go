package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/pgstore"
	"github.com/spotipie/spotipie/storetest"
)

// The statement that loads many keys keeps the contract too.
func TestStoreThatGathersEachLoad(t *testing.T) {
	dsn := services.Postgres(t)
	storetest.Run(t, func(t *testing.T) spotipie.Store {
		store := open(t, connect(t, dsn), fresh(0))
		store.GatherEachLoad()
		return store
	})
}

func userKey(n int) spotipie.Key {
	return spotipie.Key{ClientID: fmt.Sprint("app-", n%3), Profile: fmt.Sprint("user-", n)}
}

// addUsers saves a record for each of n users.
func addUsers(t *testing.T, store *pgstore.Store, n int) {
	t.Helper()
	for i := range n {
		if _, err := store.Swap(t.Context(), userKey(i), 0, storecheck.Record(t, fmt.Sprint("token-", i))); err != nil {
			t.Fatal(err)
		}
	}
}

// loadUsers loads all users at the same time.
func loadUsers(ctx context.Context, store *pgstore.Store, n int, check func(i int, rec spotipie.Record, found bool, err error)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			rec, found, err := store.Load(ctx, userKey(i))
			check(i, rec, found, err)
		})
	}
	all.Wait()
}

// statements counts those of a pool.
type statements struct{ n atomic.Int32 }

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	s.n.Add(1)
	return ctx
}

func (s *statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func TestLoadsAtTheSameTimeShareStatements(t *testing.T) {
	const users = 300
	direct, inTransactions := services.Postgres(t), services.PgBouncer(t)
	inStatements := testservices.StartPgBouncer(t, address(t, direct), "statement")
	for name, test := range map[string]struct {
		dsn     string
		prepare bool
	}{
		"directly":                     {direct, false},
		"with prepared statements":     {direct, true},
		"with the simple protocol":     {direct + "&default_query_exec_mode=simple_protocol", true},
		"with one connection":          {direct + "&pool_max_conns=1", false},
		"PgBouncer, transaction mode":  {inTransactions, false},
		"PgBouncer, statement mode":    {testservices.PostgresDSN(inStatements.Address), false},
		"transactions in strict order": {direct + "&default_transaction_isolation=serializable", false},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := pgxpool.ParseConfig(test.dsn)
			if err != nil {
				t.Fatal(err)
			}
			var count statements
			config.ConnConfig.Tracer = &count
			pool, err := pgxpool.NewWithConfig(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			opts := fresh(0)
			addUsers(t, open(t, connect(t, direct), opts), users)
			opts.Prepare = test.prepare
			store := openWithoutMigrate(t, pool, opts)
			loadUsers(t.Context(), store, users, func(i int, rec spotipie.Record, found bool, err error) {
				if err != nil || !found || rec.Token.AccessToken() != fmt.Sprint("token-", i) {
					t.Errorf("Load of user %d: %v, %t, %v", i, rec.Token, found, err)
				}
			})
			if n := count.n.Load(); n > users/2 {
				t.Errorf("%d users took %d statements", users, n)
			}
		})
	}
}

// What is wrong with one key is the error of its user alone.
func TestBadRowIsTheErrorOfItsUserAlone(t *testing.T) {
	const users = 60
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	store := open(t, pool, opts)
	addUsers(t, store, users)
	for i, change := range []string{
		"format = 2", "version = 0", "record = 'torn'", "record = repeat(' ', 2000000)", "record = NULL",
	} {
		do(t, pool, "UPDATE {table} SET "+change+" WHERE profile = $1", opts, userKey(i).Profile)
	}
	do(t, pool, "DELETE FROM {table} WHERE profile = $1", opts, userKey(5).Profile)
	says := []string{"has format 2", "invalid version", "not a record in JSON", "not a record in JSON"}
	check := func(i int, rec spotipie.Record, found bool, err error) {
		var mismatch *spotipie.RecordMismatchError
		switch {
		case i < len(says):
			if !errors.As(err, &mismatch) || mismatch.Key != userKey(i) || !strings.Contains(err.Error(), says[i]) {
				t.Errorf("Load of user %d: %v; want a RecordMismatchError that says %q", i, err, says[i])
			}
		case i < 6:
			if err != nil || found || (rec.Version == 0) != (i == 5) {
				t.Errorf("Load of user %d: %v, %t, %v; want that there is no record", i, rec.Version, found, err)
			}
		case err != nil || !found || rec.Token.AccessToken() != fmt.Sprint("token-", i):
			t.Errorf("Load of user %d: %v, %t, %v", i, rec.Token, found, err)
		}
	}
	loadUsers(t.Context(), store, users, check)
}

// PostgreSQL refuses a statement that has a key which is no text of the database.
func TestBadKeyIsTheErrorOfItsUserAlone(t *testing.T) {
	const users = 60
	dsn, simple := services.Postgres(t), "&default_query_exec_mode=simple_protocol"
	do(t, connect(t, dsn), "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0", fresh(0))
	latin := dsn + "&database=latin&client_encoding=UTF8"
	for name, test := range map[string]struct{ dsn, profile, code string }{
		"NUL":                                  {dsn, "\x00", "22021"},
		"NUL, simple protocol":                 {dsn + simple, "\x00", "08P01"},
		"not UTF-8":                            {dsn, "\xff", "22021"},
		"not UTF-8, simple protocol":           {dsn + simple, "\xff", "22021"},
		"not in the encoding":                  {latin, "歌", "22P05"},
		"not in the encoding, simple protocol": {latin + simple, "歌", "22P05"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := fresh(0)
			opts.Prepare = strings.HasSuffix(test.dsn, simple)
			store := open(t, connect(t, test.dsn), opts)
			addUsers(t, store, users)
			var all sync.WaitGroup
			for i := range 20 {
				all.Go(func() {
					_, _, err := store.Load(t.Context(), spotipie.Key{ClientID: "app", Profile: fmt.Sprint(test.profile, i)})
					expectRefusal(t, "Load", err, test.code, opts.Table)
				})
			}
			loadUsers(t.Context(), store, users, func(i int, rec spotipie.Record, found bool, err error) {
				if err != nil || !found || rec.Token.AccessToken() != fmt.Sprint("token-", i) {
					t.Errorf("Load of user %d: %v, %t, %v", i, rec.Token, found, err)
				}
			})
			all.Wait()
		})
	}
}

// As with a statement for one key: the next attempt may be made on another server, and
// the pool has room for it.
func TestGatheredLoadsGiveUpAServerThatHangs(t *testing.T) {
	t.Parallel()
	proxy := testservices.NewProxy(t, address(t, services.Postgres(t)))
	pool := connect(t, testservices.PostgresDSN(proxy.Address))
	store := open(t, pool, fresh(0))
	store.GatherEachLoad()
	proxy.Hang()
	began := time.Now()
	if _, _, err := store.Load(t.Context(), userKey(0)); err == nil {
		t.Error("Load has an answer of a server that hangs")
	}
	eventually(t, func() bool { return pool.Stat().TotalConns() == 0 })
	if took := time.Since(began); took > 9*time.Second {
		t.Errorf("the connection left the pool after %s", took)
	}
}

// Everybody has the server's error, about their own record.
func TestErrorOfAStatementReachesAll(t *testing.T) {
	store := openWithoutMigrate(t, connect(t, services.Postgres(t)), fresh(0))
	loadUsers(t.Context(), store, 50, func(i int, _ spotipie.Record, found bool, err error) {
		var refused *pgconn.PgError
		if found || !errors.As(err, &refused) || refused.Code != "42P01" || !strings.HasPrefix(err.Error(), "pgstore: loading "+userKey(i).String()) {
			t.Errorf("Load of user %d: %t, %v; want that there is no table", i, found, err)
		}
	})
}

// Whoever has saved a record loads it, or a newer one, while many others load.
func TestGatheredLoadReturnsWhatWasSaved(t *testing.T) {
	const users = 50
	store := open(t, connect(t, services.Postgres(t)), fresh(0))
	addUsers(t, store, users)
	loadUsers(t.Context(), store, users, func(i int, rec spotipie.Record, _ bool, err error) {
		for range 10 {
			saved := uint64(0)
			if err == nil {
				saved, err = store.Swap(t.Context(), userKey(i), rec.Version, rec)
			}
			if err == nil {
				rec, _, err = store.Load(t.Context(), userKey(i))
			}
			if err != nil || rec.Version != saved {
				t.Errorf("user %d: version %d was saved and %d loaded, error %v", i, saved, rec.Version, err)
			}
		}
	})
}

func TestGatheredLoadsEndWithTheirContexts(t *testing.T) {
	const users = 100
	direct := services.Postgres(t)
	proxy := testservices.NewProxy(t, address(t, direct))
	store := open(t, connect(t, testservices.PostgresDSN(proxy.Address)), fresh(0))
	addUsers(t, store, users)
	proxy.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	began := time.Now()
	loadUsers(ctx, store, users, func(i int, _ spotipie.Record, _ bool, err error) {
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "pgstore: loading ") || took > 5*time.Second {
			t.Errorf("Load of user %d: %v after %s", i, err, took)
		}
	})
	proxy.Pass()
	ctx, cancel = context.WithTimeout(t.Context(), storecheck.Patience)
	defer cancel()
	loadUsers(ctx, store, users, func(i int, rec spotipie.Record, _ bool, err error) {
		if err != nil || rec.Token.AccessToken() != fmt.Sprint("token-", i) {
			t.Errorf("Load of user %d: %v, %v", i, rec.Token, err)
		}
	})
}
