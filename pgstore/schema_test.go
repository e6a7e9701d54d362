package pgstore_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/pgstore"
	"github.com/spotipie/spotipie/storetest"
)

// apply executes statements as a database administrator.
func apply(t *testing.T, pool *pgxpool.Pool, statements string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), statements, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%v\n%s", err, statements)
	}
}

// The program's role has only the rights that Grants names, in a schema of the administrator,
// and cannot create anything.
func TestRoleThatMayDoWhatTheStoreNeeds(t *testing.T) {
	server := testservices.StartPostgres(t)
	admin := connect(t, testservices.PostgresDSN(server.Address))
	dsn := strings.Replace(testservices.PostgresDSN(server.Address), "spotipie@", "app@", 1)
	apply(t, admin, `CREATE ROLE app LOGIN; CREATE SCHEMA "The App"; REVOKE CREATE ON SCHEMA public FROM PUBLIC`)
	storetest.Run(t, func(t *testing.T) spotipie.Store {
		opts := fresh(0)
		opts.Table = "The App." + opts.Table
		store, err := pgstore.New(connect(t, dsn), opts)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Fatalf("Migrate: %v, want that it has no permission", err)
		}
		for range 2 {
			apply(t, admin, store.Schema())
			apply(t, admin, store.Grants("app"))
		}
		if err := store.Migrate(t.Context()); err != nil {
			t.Errorf("Migrate of what is there: %v", err)
		}
		return store
	})
}

// Without the right to notify, other processes only learn of changes later.
func TestRoleThatMayNotNotify(t *testing.T) {
	server := testservices.StartPostgres(t)
	admin, opts := connect(t, testservices.PostgresDSN(server.Address)), fresh(0)
	apply(t, admin, `CREATE ROLE app LOGIN; REVOKE EXECUTE ON FUNCTION pg_notify(text, text) FROM PUBLIC`)
	store := open(t, admin, opts)
	apply(t, admin, store.Grants("app"))
	store = open(t, connect(t, strings.Replace(testservices.PostgresDSN(server.Address), "spotipie@", "app@", 1)), opts)
	version := storecheck.Swap(t, store, 0, "one")
	version = storecheck.Swap(t, store, version, "two")
	storecheck.Expect(t, store, "two", version)
	if err := store.Delete(t.Context(), storecheck.Key()); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if _, err := store.Watch(t.Context(), storecheck.Key()); err == nil || !strings.Contains(err.Error(), "pg_notify") {
		t.Errorf("Watch: %v, want that it may not call pg_notify", err)
	}
}

func TestSpellingsOfOneTableHearEachOther(t *testing.T) {
	dsn, opts := services.Postgres(t), fresh(0)
	plain := open(t, connect(t, dsn), opts)
	qualified := open(t, connect(t, dsn), &pgstore.Options{Table: "public." + opts.Table})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	changes, err := plain.Watch(ctx, storecheck.Key())
	if err != nil {
		t.Fatal(err)
	}
	storecheck.Swap(t, qualified, 0, "one")
	select {
	case <-changes:
	case <-time.After(storecheck.Patience):
		t.Error("not told of what was saved under another spelling of the table")
	}
}

func TestTablesOfTheSameNameDoNotHearEachOther(t *testing.T) {
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	name := `other_` + strings.ToLower(opts.Table[len(opts.Table)-8:])
	apply(t, pool, "CREATE SCHEMA "+name)
	here, there := open(t, pool, opts), open(t, pool, &pgstore.Options{Table: name + "." + opts.Table})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	changes, err := here.Watch(ctx, storecheck.Key())
	if err != nil {
		t.Fatal(err)
	}
	storecheck.Swap(t, there, 0, "one")
	there.AwaitNotices()
	storecheck.Swap(t, here, 0, "one") // notices come in order
	<-changes
	select {
	case <-changes:
		t.Error("told of another table's change")
	case <-time.After(100 * time.Millisecond):
	}
}

// Without a schema in its name the table is in the first one of the search path.
func TestSearchPath(t *testing.T) {
	admin, opts := connect(t, services.Postgres(t)), fresh(0)
	schemas := []string{"first_" + strings.ToLower(rand.Text()), "second_" + strings.ToLower(rand.Text())}
	for i, schema := range schemas {
		apply(t, admin, "CREATE SCHEMA "+schema)
		store := open(t, connect(t, services.Postgres(t)+"&search_path="+schema), opts)
		access := fmt.Sprint("one-of-", i)
		version := storecheck.Swap(t, store, 0, access)
		named := open(t, admin, &pgstore.Options{Table: schema + "." + opts.Table})
		storecheck.Expect(t, named, access, version)
	}
	store := open(t, connect(t, services.Postgres(t)+"&search_path="+strings.Join(schemas, ",")), opts)
	if rec, found, err := store.Load(t.Context(), storecheck.Key()); err != nil || !found || rec.Token.AccessToken() != "one-of-0" {
		t.Errorf("with both schemas in the path: %v, %t, %v", rec, found, err)
	}
	storetest.Run(t, func(t *testing.T) spotipie.Store {
		return open(t, connect(t, services.Postgres(t)+"&search_path="+schemas[0]), fresh(0))
	})
}

// pg_dump --no-comments leaves out the comment.
func TestTableWithoutItsComment(t *testing.T) {
	third := "; ALTER TABLE {table} DROP COLUMN authorized_at, DROP COLUMN rejected, DROP COLUMN summarized"
	second := third + "; ALTER TABLE {table} DROP COLUMN last_owner, DROP COLUMN next_owner, DROP COLUMN next_until"
	for name, change := range map[string]string{
		"as it is":            "",
		"of the first schema": second + "; DROP INDEX {index}",
		"of the second":       second,
		"of the third":        third,
	} {
		t.Run(name, func(t *testing.T) {
			pool, opts := connect(t, services.Postgres(t)), fresh(0)
			store := open(t, pool, opts)
			version := storecheck.Swap(t, store, 0, "one")
			table := `"` + opts.Table + `"`
			var index string
			if err := pool.QueryRow(t.Context(), `SELECT quote_ident(indexname) FROM pg_indexes WHERE tablename = $1 AND indexdef LIKE '%NULL)'`, opts.Table).Scan(&index); err != nil {
				t.Fatal(err)
			}
			apply(t, pool, strings.NewReplacer("{table}", table, "{index}", index).Replace("COMMENT ON TABLE {table} IS NULL; "+change))
			store = open(t, pool, opts)
			storecheck.Expect(t, store, "one", version)
			unlock, err := store.Lock(t.Context(), storecheck.Key())
			if err != nil {
				t.Fatal(err)
			}
			if err := unlock(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPoolerInStatementMode(t *testing.T) {
	direct := services.Postgres(t)
	bouncer := testservices.StartPgBouncer(t, address(t, direct), "statement")
	storetest.Run(t, func(t *testing.T) spotipie.Store {
		opts := fresh(0)
		opts.Listen = connect(t, direct)
		return open(t, connect(t, testservices.PostgresDSN(bouncer.Address)), opts)
	})
}
