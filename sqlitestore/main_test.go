package sqlitestore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
	"github.com/spotipie/spotipie/sqlitestore"
)

func TestMain(m *testing.M) {
	fleet.RunMember(func(c fleet.Config) (spotipie.Store, error) {
		return sqlitestore.Open(context.Background(), c.Place, &sqlitestore.Options{Lease: c.Lease})
	})
	goleak.VerifyTestMain(m)
}

// ada is the key of storecheck.
var ada = storecheck.Key()

// newPath returns a path for a new database in a new folder.
func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "spotipie", "store.db") }

// open opens a store that is closed when the test ends.
func open(t testing.TB, path string, opts *sqlitestore.Options) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), path, opts)
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

// withLease returns options with a lease of the given length.
func withLease(length time.Duration) *sqlitestore.Options { return &sqlitestore.Options{Lease: length} }

// large returns a record that takes many pages.
func large(t testing.TB, access string) spotipie.Record {
	rec := storecheck.Record(t, access)
	rec.Rejected = strings.Repeat("x", 500<<10)
	return rec
}

// expectFault fails the test unless err wraps kind and names the database.
func expectFault(t *testing.T, doing string, err, kind error, path string) {
	t.Helper()
	var known *sqlitestore.DatabaseError
	if !errors.Is(err, kind) || !errors.As(err, &known) || !strings.Contains(err.Error(), path) {
		t.Errorf("%s: got error %v, want %v about %s", doing, err, kind, path)
	}
	if err != nil && strings.Contains(err.Error(), "refresh-") {
		t.Errorf("%s: the error has a token: %v", doing, err)
	}
}

// remove removes the files that match a pattern. There must be at least one.
func remove(t *testing.T, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s, %v", pattern, err)
	}
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

// saveAndClose makes a database with one record.
func saveAndClose(t *testing.T, path string) (version uint64) {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	version = storecheck.Swap(t, s, 0, "one")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return version
}
