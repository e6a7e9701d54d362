package pgstore_test

import (
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
	"github.com/spotipie/spotipie/pgstore"
)

// Twenty processes make a table, or update one of an older version, which keeps its record.
func TestTwentyProcessesMigrateAtOnce(t *testing.T) {
	dsn := services.PgBouncer(t)
	for name, before := range map[string]func(t *testing.T, opts *pgstore.Options) (version uint64){
		"where there is no table": func(*testing.T, *pgstore.Options) uint64 { return 0 },
		"a table of the format before": func(t *testing.T, opts *pgstore.Options) uint64 {
			pool := connect(t, services.Postgres(t))
			version := storecheck.Swap(t, open(t, pool, opts), 0, "old")
			do(t, pool, "ALTER TABLE {table} DROP COLUMN authorized_at, DROP COLUMN rejected, DROP COLUMN summarized", opts)
			do(t, pool, "COMMENT ON TABLE {table} IS 'spotipie authorizations, schema 3'", opts)
			return version
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range testservices.Count(t, "SPOTIPIE_TEST_ROUNDS", 2) {
				opts := fresh(0)
				version := before(t, opts)
				config := fleet.Config{Address: address(t, dsn), Place: opts.Table}
				f := fleet.New(t, open(t, connect(t, dsn), fresh(0)), config, true)
				members := make([]*fleet.Member, 20)
				for i := range members {
					members[i] = f.Start(t, f.Config)
				}
				for _, m := range members {
					m.Ready(t)
				}
				store, err := pgstore.New(connect(t, dsn), opts)
				if err != nil {
					t.Fatal(err)
				}
				if version != 0 {
					storecheck.Expect(t, store, "old", version)
				}
				storecheck.Swap(t, store, version, "new")
				if _, err := store.Summaries(t.Context(), spotipie.SummaryQuery{Rejected: true}); err != nil {
					t.Errorf("Summaries: %v", err)
				}
			}
		})
	}
}

func TestMigrateLeavesOtherTablesAlone(t *testing.T) {
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	do(t, pool, "CREATE TABLE {table} (colour text)", opts)
	store, err := pgstore.New(pool, opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), opts.Table) {
		t.Errorf("Migrate: %v, want an error that names the table", err)
	}
	do(t, pool, "SELECT colour FROM {table}", opts)
}

func TestMigrateLeavesANewerTableAsItIs(t *testing.T) {
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	store := open(t, pool, opts)
	do(t, pool, "COMMENT ON TABLE {table} IS 'spotipie authorizations, schema 99'", opts)
	if err := store.Migrate(t.Context()); err != nil {
		t.Errorf("Migrate: %v", err)
	}
	storecheck.Swap(t, store, 0, "one")
}

// A role that may only read and write rows can use a table that another one
// has made, and call Migrate.
func TestRoleWithoutTheRightToCreate(t *testing.T) {
	server := testservices.StartPostgres(t)
	admin, opts := connect(t, testservices.PostgresDSN(server.Address)), fresh(0)
	open(t, admin, opts)
	do(t, admin, "CREATE ROLE app LOGIN", opts)
	do(t, admin, "GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO app", opts)
	dsn := strings.Replace(testservices.PostgresDSN(server.Address), "spotipie@", "app@", 1)
	store := open(t, connect(t, dsn), opts)
	version := storecheck.Swap(t, store, 0, "one")
	storecheck.Swap(t, store, version, "two")
	unlock, err := store.Lock(t.Context(), storecheck.Key())
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock(t.Context()); err != nil {
		t.Error(err)
	}
	if err := store.Delete(t.Context(), storecheck.Key()); err != nil {
		t.Error(err)
	}
}

func TestWithoutMigrate(t *testing.T) {
	store, err := pgstore.New(connect(t, services.Postgres(t)), fresh(0))
	if err != nil {
		t.Fatal(err)
	}
	_, _, loadErr := store.Load(t.Context(), storecheck.Key())
	_, listErr := store.List(t.Context())
	_, summaryErr := store.Summaries(t.Context(), spotipie.SummaryQuery{})
	for method, err := range map[string]error{"Load": loadErr, "List": listErr, "Summaries": summaryErr} {
		if err == nil || !strings.Contains(err.Error(), "does not exist") || !strings.Contains(err.Error(), "call Migrate once") {
			t.Errorf("%s: %v, want that the table does not exist, and what to do", method, err)
		}
	}
}
