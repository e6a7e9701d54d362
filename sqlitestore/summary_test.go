package sqlitestore_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/sqlitestore"
)

func countIn(t *testing.T, path, text string) int {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(data), text)
}

// pages returns all summaries of a query, page by page.
func pages(t testing.TB, query spotipie.SummaryQuery, ask func(context.Context, spotipie.SummaryQuery) (spotipie.SummaryPage, error), between func()) (all []spotipie.Summary) {
	t.Helper()
	for {
		page, err := ask(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Summaries) > query.PageSize() {
			t.Fatalf("a page of %d, want %d at most", len(page.Summaries), query.PageSize())
		}
		all = append(all, page.Summaries...)
		if page.Next == "" {
			return all
		}
		query.After = page.Next
		between()
	}
}

// byKey sorts summaries and leaves out the time of the save, because the compared stores
// have different versions.
func byKey(all []spotipie.Summary) (sorted []string) {
	for _, s := range all {
		sorted = append(sorted, fmt.Sprintf("%s consented %d, refused %q at %d", s.Key, s.AuthorizedAt.UnixNano(), s.Rejected, s.RejectedAt.UnixNano()))
	}
	slices.Sort(sorted)
	return sorted
}

// fillStores saves the same records of all kinds in all stores.
func fillStores(t *testing.T, stores ...spotipie.Store) {
	t.Helper()
	for i := range 60 {
		rec := storecheck.Record(t, fmt.Sprint(i))
		rec.AuthorizedAt = time.Date(2026, 1, 1, 0, 0, i%20, 123_456_789, time.UTC)
		switch i % 6 {
		case 1:
			rec.AuthorizedAt = time.Time{}
		case 2:
			rec.Rejected, rec.RejectedAt = "invalid_grant: revoked", time.Date(2026, 5, 1, 0, 0, i, 0, time.UTC)
		case 3:
			rec.AuthorizedAt = time.Now().Add(24 * time.Hour) // from a wrong clock
		}
		key := spotipie.Key{ClientID: []string{"one", "two", "", "\xff"}[i%4], Profile: []string{"", "a\x00", "ä", "\xfe"}[i/4%4] + fmt.Sprint(i/16)}
		if i < 4 {
			key.Profile = ""
		}
		for _, s := range stores {
			if _, err := s.Swap(t.Context(), key, 0, rec); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// The indexes give the same answers to all queries as reading each record.
func TestSummariesAreThoseOfTheRecords(t *testing.T) {
	s, plain := open(t, newPath(t), nil), spotipie.NewMemoryStore()
	fillStores(t, s, plain)
	gone := spotipie.Key{ClientID: "one", Profile: "gone"}
	for _, store := range []spotipie.Store{s, plain} {
		if _, err := store.Swap(t.Context(), gone, 0, storecheck.Record(t, "gone")); err != nil {
			t.Fatal(err)
		}
		if err := store.Delete(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
	}
	byRecord := func(ctx context.Context, query spotipie.SummaryQuery) (spotipie.SummaryPage, error) {
		return spotipie.Summaries(ctx, plain, query)
	}
	befores := []time.Time{
		{}, time.Date(2026, 1, 1, 0, 0, 7, 0, time.UTC), time.Date(2026, 1, 1, 0, 0, 8, 123_456_789, time.UTC),
		time.Date(2026, 1, 1, 0, 0, 8, 123_456_790, time.UTC), time.Now().Add(time.Hour), time.Now().Add(48 * time.Hour),
	}
	for _, clientID := range []string{"", "one", "nobody"} {
		for i, before := range befores {
			for _, rejected := range []bool{false, true} {
				for _, limit := range []int{0, 1, 7} {
					query := spotipie.SummaryQuery{ClientID: clientID, AuthorizedBefore: before, Rejected: rejected, Limit: limit}
					got := byKey(pages(t, query, s.Summaries, func() {}))
					query.Limit = 1000
					want := byKey(pages(t, query, byRecord, func() {}))
					if !slices.Equal(got, want) {
						t.Errorf("client %q, before no. %d, rejected %t, limit %d:\ngot  %v\nwant %v", clientID, i, rejected, limit, got, want)
					}
				}
			}
		}
	}
}

func TestSummarySaysWhenTheRecordWasSaved(t *testing.T) {
	s := open(t, newPath(t), nil)
	before := time.Now().Truncate(time.Microsecond)
	storecheck.Swap(t, s, 0, "one")
	page, err := s.Summaries(t.Context(), spotipie.SummaryQuery{})
	if err != nil || len(page.Summaries) != 1 {
		t.Fatalf("%v, %v", page, err)
	}
	if at := page.Summaries[0].SavedAt; at.Before(before) || at.After(time.Now()) {
		t.Errorf("saved at %s, want now", at)
	}
}

// A record that exists all the time is on exactly one page, whatever is saved and deleted
// meanwhile.
func TestPagesWhileRecordsChange(t *testing.T) {
	for name, query := range map[string]spotipie.SummaryQuery{
		"all":        {},
		"of an app":  {ClientID: "client"},
		"by consent": {AuthorizedBefore: time.Now().Add(-time.Hour)},
		"refused":    {Rejected: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, newPath(t), nil)
			start := time.Now()
			save := func(i int) {
				rec := storecheck.Record(t, fmt.Sprint(i))
				rec.AuthorizedAt, rec.Rejected = start.Add(-time.Duration(i+2)*time.Hour), "revoked"
				key := spotipie.Key{ClientID: "client", Profile: fmt.Sprint(i)}
				now, _, err := s.Load(t.Context(), key)
				if err == nil {
					version := now.Version
					if now.Token == nil {
						version = 0
					}
					_, err = s.Swap(t.Context(), key, version, rec)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			for i := range 30 {
				save(i)
			}
			query.Limit = 3
			round := 30
			all := pages(t, query, s.Summaries, func() {
				for i := range 10 { // these records stay
					save(i)
				}
				save(round) // a record is added
				if err := s.Delete(t.Context(), spotipie.Key{ClientID: "client", Profile: fmt.Sprint(round - 15)}); err != nil {
					t.Fatal(err)
				}
				round++
			})
			seen := make(map[spotipie.Key]int)
			for _, summary := range all {
				seen[summary.Key]++
			}
			for key, n := range seen {
				if n != 1 {
					t.Errorf("%s is on %d pages", key, n)
				}
			}
			for i := range 10 {
				if key := (spotipie.Key{ClientID: "client", Profile: fmt.Sprint(i)}); seen[key] != 1 {
					t.Errorf("%s is on %d pages, want 1", key, seen[key])
				}
			}
		})
	}
}

// No page reads records that are not on it, or sorts them.
func TestPagesComeFromIndexes(t *testing.T) {
	s := open(t, newPath(t), nil)
	db := raw(t, s.Path())
	for _, statement := range sqlitestore.Statements() {
		arguments := make([]any, strings.Count(statement, "?"))
		rows, err := db.Query("EXPLAIN QUERY PLAN "+statement, arguments...)
		if err != nil {
			t.Fatal(err)
		}
		plan := planOf(t, rows)
		if strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "SCAN records") && !strings.Contains(plan, "USING INDEX") {
			t.Errorf("%s\nhas the plan: %s", statement, plan)
		}
	}
}

func planOf(t *testing.T, rows *sql.Rows) (plan string) {
	t.Helper()
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		plan += step + "; "
	}
	return plan
}

// After may come from a stranger.
func FuzzAfter(f *testing.F) {
	s := open(f, newPath(f), nil)
	if _, err := s.Swap(f.Context(), ada, 0, storecheck.Record(f, "one")); err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{"", "x", "e30", "eyJvIjoiY29uc2VudCJ9", "eyJvIjoia2V5IiwicCI6Ii8vOD0ifQ", "bnVsbA", "W10"} {
		f.Add(text, true)
		f.Add(text, false)
	}
	f.Fuzz(func(t *testing.T, after string, byConsent bool) {
		query := spotipie.SummaryQuery{After: after}
		if byConsent {
			query.AuthorizedBefore = time.Now().Add(-time.Hour)
		}
		page, err := s.Summaries(t.Context(), query)
		if err == nil && len(page.Summaries) > 1 {
			t.Errorf("%d summaries of one record", len(page.Summaries))
		}
	})
}
