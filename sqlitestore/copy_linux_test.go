package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/pgstore"
)

// TestCopySize copies SPOTIPIE_TEST_RECORDS records (2,000 by default) to PostgreSQL. It
// copies half of them before it is interrupted, then the rest, and then again when
// nothing is left to copy.
func TestCopySize(t *testing.T) {
	records := testservices.Count(t, "SPOTIPIE_TEST_RECORDS", 2000)
	from := open(t, newPath(t), nil)
	insertRecords(t, from, records)
	to := openPostgres(t, testservices.StartPostgres(t))

	before := storecheck.Memory(t)
	storecheck.ResetPeak(t)
	copyAll := func(what string, interruptAt int) spotipie.CopyCounts {
		ctx, interrupt := context.WithCancel(t.Context())
		defer interrupt()
		start := time.Now()
		counts, err := spotipie.CopyStore(ctx, from, to, &spotipie.CopyOptions{Progress: func(c spotipie.CopyCounts) {
			if c.Done() == interruptAt {
				interrupt()
			}
		}})
		took := time.Since(start)
		t.Logf("%s: %+v in %s, %.0f in a second", what, counts, took.Round(time.Millisecond), float64(counts.Done())/took.Seconds())
		if wanted := interruptAt > 0; errors.Is(err, context.Canceled) != wanted || err != nil && !wanted {
			t.Fatalf("%s: %v", what, err)
		}
		return counts
	}
	half := copyAll("interrupted", records/2)
	rest := copyAll("taken up again", 0)
	again := copyAll("with nothing to do", 0)
	more := storecheck.PeakMemory(t) - before
	t.Logf("the process took %d KiB more than before, at most", more)

	if half.Copied < records/2 || half.Copied >= records || half.Done() != half.Copied {
		t.Errorf("interrupted: %+v", half)
	}
	// Records that were being saved at the interruption may all be there.
	if rest.Same < half.Copied || rest.Same > half.Copied+4 || rest.Copied+rest.Same != records || rest.Done() != records {
		t.Errorf("taken up again: %+v after %+v", rest, half)
	}
	if (again != spotipie.CopyCounts{Total: records, Same: records}) {
		t.Errorf("with nothing to do: %+v", again)
	}
	if limit := 64<<10 + records; more > limit { // the keys of both stores, and some more
		t.Errorf("it takes %d KiB, more than %d", more, limit)
	}
	for range 100 {
		expectSame(t, from, to, spotipie.Key{ClientID: "client", Profile: fmt.Sprintf("user-%07d", rand.IntN(records))})
	}
}

// expectSame fails the test unless two stores have the same record of a key, except for
// its version.
func expectSame(t *testing.T, from, to spotipie.Store, key spotipie.Key) {
	t.Helper()
	want, found, err := from.Load(t.Context(), key)
	if err != nil || !found {
		t.Fatalf("Load: %t, %v", found, err)
	}
	got, found, err := to.Load(t.Context(), key)
	if err != nil || !found || !got.Token.Equal(want.Token) || !got.AuthorizedAt.Equal(want.AuthorizedAt) || got.Rejected != want.Rejected {
		t.Errorf("%s: got %v, %t, %v; want %v", key, got, found, err, want)
	}
}

func openPostgres(t *testing.T, server *testservices.Server) *pgstore.Store {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), testservices.PostgresDSN(server.Address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s, err := pgstore.New(pool, nil)
	if err == nil {
		err = s.Migrate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}
