package pgstore_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

// TestSize measures a large table, as make fleets does with a million rows.
func TestSize(t *testing.T) {
	records := testservices.Count(t, "SPOTIPIE_TEST_RECORDS", 3000)
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	store := open(t, pool, opts)
	do(t, pool, "ALTER TABLE {table} DROP COLUMN authorized_at, DROP COLUMN rejected, DROP COLUMN summarized", opts)
	do(t, pool, "COMMENT ON TABLE {table} IS 'spotipie authorizations, schema 3'", opts)
	rows := pgx.CopyFromSlice(records, func(n int) ([]any, error) { // of an older version
		data, err := json.Marshal(storecheck.SizeRecord(t, n))
		key := storecheck.SizeKey(n)
		return []any{key.ClientID, key.Profile, int64(n + 1), string(data)}, err
	})
	if _, err := pool.CopyFrom(t.Context(), pgx.Identifier{opts.Table}, []string{"client_id", "profile", "version", "record"}, rows); err != nil {
		t.Fatal(err)
	}
	do(t, pool, "VACUUM ANALYZE {table}", opts)
	started := time.Now()
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("Migrate: %s", time.Since(started).Round(time.Millisecond))
	storecheck.Size(t, store, records)
	var table, indexes string
	err := pool.QueryRow(t.Context(), "SELECT pg_size_pretty(pg_table_size(c)), pg_size_pretty(pg_indexes_size(c)) FROM CAST($1 AS regclass) c",
		pgx.Identifier{opts.Table}.Sanitize()).Scan(&table, &indexes)
	t.Logf("the table has %s, its indexes %s; error %v", table, indexes, err)
}
