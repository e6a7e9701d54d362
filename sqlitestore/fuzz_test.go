package sqlitestore_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/sqlitestore"
)

// A database that is changed in one place is refused, or read as far as possible.
func FuzzDatabase(f *testing.F) {
	path := newPath(f)
	s, err := sqlitestore.Open(f.Context(), path, nil)
	if err != nil {
		f.Fatal(err)
	}
	storecheck.Swap(f, s, 0, "one")
	if err := s.Close(); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(0, []byte{})
	f.Add(18, []byte{1, 1})                                         // no longer WAL
	f.Add(28, []byte{0, 0, 0, 1})                                   // one page
	f.Add(60, []byte{0, 0, 0, 9})                                   // a newer schema
	f.Add(100, []byte{13, 255, 255})                                // the page of the schema
	f.Add(4096, []byte{2, 0, 0, 0, 200, 15, 255})                   // a table's page
	f.Add(len(whole)-4096, []byte("SQLite format 3\x00 once more")) // the last page
	f.Fuzz(func(t *testing.T, at int, change []byte) {
		path := filepath.Join(t.TempDir(), "store.db")
		chmod(t, filepath.Dir(path), 0o700)
		data := append([]byte(nil), whole...)
		if at >= 0 && at < len(data) {
			copy(data[at:], change)
		}
		write(t, path, data)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		s, err := sqlitestore.Open(ctx, path, nil)
		if err != nil {
			return
		}
		rec, _, _ := s.Load(ctx, ada)
		_, _ = s.List(ctx)
		_, _ = s.Summaries(ctx, spotipie.SummaryQuery{})
		_, _ = s.Swap(ctx, ada, rec.Version, storecheck.Record(t, "two"))
		_ = s.Delete(ctx, ada)
		_ = s.Close()
		if ctx.Err() != nil {
			t.Error("reading the database takes too long")
		}
	})
}
