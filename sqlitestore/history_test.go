package sqlitestore_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	_ "github.com/ncruces/go-sqlite3/driver" // "sqlite3"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

// raw opens the database like another program.
func raw(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=synchronous(full)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// do executes a statement in a database.
func do(t testing.TB, db *sql.DB, statement string, arguments ...any) {
	t.Helper()
	if _, err := db.Exec(statement, arguments...); err != nil {
		t.Fatal(err)
	}
}

// ask returns the number that a statement selects.
func ask(t testing.TB, db *sql.DB, statement string, arguments ...any) (n int) {
	t.Helper()
	if err := db.QueryRow(statement, arguments...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// writeBesides makes another connection hold the database's lock again and again, roll
// back what it has written, and empty the log.
func writeBesides(ctx context.Context, db *sql.DB) {
	pause := func() {
		select {
		case <-time.After(rand.N(2 * time.Millisecond)):
		case <-ctx.Done():
		}
	}
	for ctx.Err() == nil {
		if tx, err := db.BeginTx(ctx, nil); err == nil {
			_, _ = tx.Exec(fmt.Sprintf(`UPDATE records SET version = version + %d`, rand.IntN(5)))
			pause()
			_ = tx.Rollback()
		}
		_, _ = db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
		pause()
	}
}

func TestLinearizable(t *testing.T) {
	storecheck.Linearizable(t, testservices.Count(t, "SPOTIPIE_TEST_HISTORIES", 3), func(t *testing.T) ([]spotipie.Store, func(context.Context)) {
		path := newPath(t)
		var stores []spotipie.Store
		for range 8 {
			stores = append(stores, open(t, path, nil))
		}
		db := raw(t, path)
		return stores, func(ctx context.Context) { writeBesides(ctx, db) }
	})
}
