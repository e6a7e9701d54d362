package sqlitestore_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/sqlitestore"
)

// TestSize measures a store with SPOTIPIE_TEST_RECORDS records (10,000 by default). The
// users consented in the last six months, and Spotify has refused one in a thousand.
func TestSize(t *testing.T) {
	records := testservices.Count(t, "SPOTIPIE_TEST_RECORDS", 10_000)
	s := open(t, newPath(t), nil)
	insertRecords(t, s, records)
	someKey := func() spotipie.Key {
		return spotipie.Key{ClientID: "client", Profile: fmt.Sprintf("user-%07d", rand.IntN(records))}
	}
	before := storecheck.Memory(t)

	medians := map[string]time.Duration{
		"Load": median(t, 1000, func() error {
			_, found, err := s.Load(t.Context(), someKey())
			if !found {
				return fmt.Errorf("found nothing, %w", err)
			}
			return err
		}),
		"Swap": median(t, 500, func() error {
			key := someKey()
			rec, _, err := s.Load(t.Context(), key)
			if err == nil {
				_, err = s.Swap(t.Context(), key, rec.Version, rec)
			}
			return err
		}),
		"a page of 100 summaries": median(t, 100, func() error {
			return fullPage(s, t, spotipie.SummaryQuery{})
		}),
		"a page of 100 who end within 14 days": median(t, 100, func() error {
			return fullPage(s, t, spotipie.SummaryQuery{AuthorizedBefore: soonOver()})
		}),
	}
	for _, what := range []string{"Load", "Swap", "a page of 100 summaries", "a page of 100 who end within 14 days"} {
		t.Logf("%s: %s", what, medians[what])
		if medians[what] > 100*time.Millisecond {
			t.Errorf("%s takes %s", what, medians[what])
		}
	}
	for what, query := range map[string]spotipie.SummaryQuery{
		"who ends within 14 days": {AuthorizedBefore: soonOver(), Limit: 1000},
		"who was refused":         {Rejected: true, Limit: 1000},
	} {
		start := time.Now()
		n := len(pages(t, query, s.Summaries, func() {}))
		t.Logf("all %d %s: %s", n, what, time.Since(start).Round(time.Millisecond))
		if n < records/1000 || n > records/5 {
			t.Errorf("%d %s of %d", n, what, records)
		}
	}
	info, err := os.Stat(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	more := storecheck.Memory(t) - before
	t.Logf("%d records: the file has %d MiB; the process takes %d KiB more than before the first of these, %d KiB in all",
		records, info.Size()>>20, more, storecheck.Memory(t))
	if more > 64<<10 {
		t.Errorf("it takes %d KiB", more)
	}
}

func fullPage(s *sqlitestore.Store, t *testing.T, query spotipie.SummaryQuery) error {
	page, err := s.Summaries(t.Context(), query)
	if err == nil && len(page.Summaries) != 100 {
		return fmt.Errorf("a page of %d", len(page.Summaries))
	}
	return err
}

// soonOver returns the time before which users consented whose refresh tokens end within
// 14 days.
func soonOver() time.Time { return time.Now().AddDate(0, -6, 14) }

// insertRecords saves records like Swap, in one transaction.
func insertRecords(t *testing.T, s *sqlitestore.Store, records int) {
	t.Helper()
	// Spotify's access tokens have about 300 characters, and refresh tokens 131.
	rec := storecheck.Record(t, strings.Repeat("t", 300))
	data, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	db := raw(t, s.Path())
	start := time.Now()
	do(t, db, `
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
INSERT INTO records
SELECT NULL, 'client', printf('user-%07d', i), 1, ?2 + i,
	json_set(?3, '$.authorized_at', strftime('%Y-%m-%dT%H:%M:%SZ', ?4 + i % 180 * 86400, 'unixepoch'), '$.rejected', iif(i % 1000, '', 'revoked')),
	(?4 + i % 180 * 86400) * 1000000, i % 1000 = 0, ?2, i + 1
FROM n`, records, start.UnixMicro(), string(data), start.AddDate(0, 0, -180).Unix())
	do(t, db, `UPDATE changes SET number = ?`, records)
	do(t, db, `PRAGMA wal_checkpoint(TRUNCATE)`)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("inserted in %s", time.Since(start).Round(time.Millisecond))
}

// median returns how long something takes.
func median(t *testing.T, times int, do func() error) time.Duration {
	t.Helper()
	took := make([]time.Duration, times)
	for i := range took {
		start := time.Now()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return took[times/2].Round(time.Microsecond)
}
