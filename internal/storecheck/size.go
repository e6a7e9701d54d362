package storecheck

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// halfYear is how far back the consents of SizeRecord go, in days.
const halfYear = 182

// today returns the time at which the day began.
func today() time.Time { return time.Now().UTC().Truncate(24 * time.Hour) }

// SizeKey returns the key of the n-th record of a large store.
func SizeKey(n int) spotipie.Key {
	return spotipie.Key{ClientID: "client", Profile: fmt.Sprintf("user-%07d", n)}
}

// SizeRecord returns the n-th record of a large store. The consents are spread over
// half a year, and Spotify has refused one in a hundred refresh tokens.
func SizeRecord(t testing.TB, n int) spotipie.Record {
	t.Helper()
	rec := Record(t, fmt.Sprintf("%0200d", n)) // as long as Spotify's tokens
	rec.AuthorizedAt = today().AddDate(0, 0, -n%halfYear)
	if n%100 == 7 {
		rec.Rejected, rec.RejectedAt = "Refresh token revoked", today()
	}
	return rec
}

// Size measures a store that has that many records of SizeKey and SizeRecord. It
// checks that the summaries list them all.
func Size(t *testing.T, s spotipie.Store, records int) {
	t.Helper()
	measure(t, "load", 1000, func(int) {
		if _, found, err := s.Load(t.Context(), SizeKey(rand.N(records))); err != nil || !found {
			t.Fatalf("Load: %t, %v", found, err)
		}
	})
	measure(t, "swap", 1000, func(int) {
		key := SizeKey(rand.N(records))
		rec, _, err := s.Load(t.Context(), key)
		if err == nil {
			rec.Renewals++
			_, err = s.Swap(t.Context(), key, rec.Version, rec)
		}
		if err != nil {
			t.Fatalf("Swap: %v", err)
		}
	})
	soon, refused := 0, 0
	before := today().AddDate(0, -6, 14)
	for n := range records {
		rec := SizeRecord(t, n)
		if rec.AuthorizedAt.Before(before) {
			soon++
		}
		if rec.Rejected != "" {
			refused++
		}
	}
	walk(t, s, "who ends within 14 days, for the first time", spotipie.SummaryQuery{AuthorizedBefore: before}, soon)
	measure(t, "page of 1,000", 1, func(int) {
		page, err := spotipie.Summaries(t.Context(), s, spotipie.SummaryQuery{Limit: 1000})
		if err != nil || len(page.Summaries) != min(records, 1000) {
			t.Fatalf("%d summaries, %v", len(page.Summaries), err)
		}
	})
	walk(t, s, "all", spotipie.SummaryQuery{}, records)
	walk(t, s, "who ends within 14 days", spotipie.SummaryQuery{AuthorizedBefore: before}, soon)
	walk(t, s, "who was refused", spotipie.SummaryQuery{Rejected: true}, refused)
}

// walk measures all pages of a query.
func walk(t *testing.T, s spotipie.Store, name string, query spotipie.SummaryQuery, want int) {
	t.Helper()
	query.Limit = 10_000
	found, pages := 0, 0
	measure(t, name, 1, func(int) {
		for {
			page, err := spotipie.Summaries(t.Context(), s, query)
			if err != nil {
				t.Fatalf("Summaries: %v", err)
			}
			pages++
			found += len(page.Summaries)
			if query.After = page.Next; query.After == "" {
				return
			}
		}
	})
	t.Logf("%s: %d of them on %d pages", name, found, pages)
	if found != want {
		t.Errorf("%s: %d found, want %d", name, found, want)
	}
}

// measure logs how long do takes and how much memory it uses: all that it
// allocates, and the most memory that the process had from the system.
func measure(t *testing.T, name string, times int, do func(i int)) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	started := time.Now()
	for i := range times {
		do(i)
	}
	took := time.Since(started) / time.Duration(times)
	runtime.ReadMemStats(&after)
	t.Logf("%s: %s, %d KiB allocated, the process has %d MiB", name, took.Round(time.Microsecond),
		(after.TotalAlloc-before.TotalAlloc)/uint64(times)>>10, (after.Sys-after.HeapReleased)>>20)
}
