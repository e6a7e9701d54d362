package storetest

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// The cases of Summaries call the function Summaries, so that they work with any store.

// consents returns the time of a consent, a number of days ago.
func consents(day int) time.Time {
	return time.Date(2026, 7, 1, 8, 30, 0, 123_456_000, time.FixedZone("", 3600)).AddDate(0, 0, -day)
}

// fill saves records of two apps, whose users consented on different days. Some
// days are unknown. Some records were refused, and some of these at an unknown
// time. It returns their summaries.
func fill(t *testing.T, s spotipie.Store) map[spotipie.Key]spotipie.Summary {
	t.Helper()
	saved := make(map[spotipie.Key]spotipie.Summary)
	for i, profile := range hostileProfiles() {
		for _, client := range []string{"client", "Client", "other"} {
			k := spotipie.Key{ClientID: client, Profile: profile}
			rec := record(t, fmt.Sprint(client, i))
			rec.ClientID, rec.AuthorizedAt = client, consents(i/2) // two of each day
			switch i % 5 {
			case 1:
				rec.AuthorizedAt = time.Time{}
			case 2:
				rec.RejectedAt = time.Time{}
			case 3:
				rec.Rejected, rec.RejectedAt = "", time.Time{}
			}
			rec.Version = swap(t, s, k, 0, rec)
			saved[k] = rec.Summary(k)
		}
	}
	swap(t, s, key("gone"), 0, record(t, "gone"))
	remove(t, s, key("gone"))
	return saved
}

// queries are queries of every kind.
func queries() map[string]spotipie.SummaryQuery {
	before := consents(4)
	return map[string]spotipie.SummaryQuery{
		"all":                                   {},
		"of one app":                            {ClientID: "client"},
		"of an unknown app":                     {ClientID: "nobody"},
		"rejected":                              {Rejected: true},
		"rejected, of one app":                  {Rejected: true, ClientID: "other"},
		"old consents":                          {AuthorizedBefore: before},
		"consents a microsecond older":          {AuthorizedBefore: before.Add(time.Microsecond)},
		"all consents that are known":           {AuthorizedBefore: consents(-1)},
		"no consents":                           {AuthorizedBefore: consents(1000)},
		"old consents, of one app":              {AuthorizedBefore: before, ClientID: "client"},
		"old consents that were rejected":       {AuthorizedBefore: before, Rejected: true},
		"old consents of an app, when rejected": {AuthorizedBefore: before, Rejected: true, ClientID: "Client"},
	}
}

// walk gets all pages, and calls between before each page except the first. It fails the test
// if a record comes twice, or if a page is too large.
func walk(t *testing.T, s spotipie.Store, query spotipie.SummaryQuery, between func()) map[spotipie.Key]spotipie.Summary {
	t.Helper()
	found := make(map[spotipie.Key]spotipie.Summary)
	for pages := 0; pages < 10_000; pages++ {
		page, err := spotipie.Summaries(t.Context(), s, query)
		if err != nil {
			t.Fatalf("Summaries: %v", err)
		}
		if len(page.Summaries) > query.PageSize() {
			t.Errorf("%d summaries on a page of %d", len(page.Summaries), query.PageSize())
		}
		for _, summary := range page.Summaries {
			if _, twice := found[summary.Key]; twice {
				t.Errorf("%s is on two pages", summary.Key)
			}
			found[summary.Key] = summary
		}
		if query.After = page.Next; query.After == "" {
			return found
		}
		between()
	}
	t.Fatal("there is always a next page")
	return nil
}

func summaries(t *testing.T, s spotipie.Store) {
	before := time.Now()
	saved := fill(t, s)
	for name, query := range queries() {
		want := maps.Clone(saved)
		maps.DeleteFunc(want, func(_ spotipie.Key, summary spotipie.Summary) bool { return !query.Matches(summary) })
		for _, limit := range []int{0, 1, 7, len(saved), 1 << 30} {
			query.Limit = limit
			found := walk(t, s, query, func() {})
			if len(found) != len(want) {
				t.Errorf("%s, in pages of %d: %d summaries, want %d", name, limit, len(found), len(want))
			}
			for k, summary := range found {
				expectSummary(t, summary, saved[k], before)
			}
		}
	}
}

// expectSummary fails the test unless a summary is the expected one and was
// saved after a given time. Clocks may differ by a minute.
func expectSummary(t *testing.T, got, want spotipie.Summary, savedAfter time.Time) {
	t.Helper()
	if at := got.SavedAt; !at.IsZero() && (at.Before(savedAfter.Add(-time.Minute)) || at.After(time.Now().Add(time.Minute))) {
		t.Errorf("%s is said to be saved at %s", got.Key, at)
	}
	same := got.Key == want.Key && got.AuthorizedAt.Equal(want.AuthorizedAt) &&
		got.Rejected == want.Rejected && got.RejectedAt.Equal(want.RejectedAt)
	if !same {
		t.Errorf("the summary of %s:\n got %+v\nwant %+v", want.Key, got, want)
	}
}

// summariesDuringSwaps renews, adds and deletes records between the pages.
func summariesDuringSwaps(t *testing.T, s spotipie.Store) {
	saved := fill(t, s)
	for name, query := range map[string]spotipie.SummaryQuery{
		"all": {}, "rejected": {Rejected: true}, "old consents": {AuthorizedBefore: consents(4)},
	} {
		want := maps.Clone(saved)
		maps.DeleteFunc(want, func(_ spotipie.Key, summary spotipie.Summary) bool { return !query.Matches(summary) })
		renewed := slices.Collect(maps.Keys(want))
		round := 0
		query.Limit = 3
		found := walk(t, s, query, func() {
			k := renewed[round%len(renewed)]
			rec, ok, err := s.Load(t.Context(), k)
			if err != nil || !ok {
				t.Fatalf("Load of %s: %t, %v", k, ok, err)
			}
			rec.Renewals++
			swap(t, s, k, rec.Version, rec)
			added := spotipie.Key{ClientID: "client", Profile: fmt.Sprint("added ", name, round)}
			swap(t, s, added, 0, record(t, "added"))
			if round%2 == 0 {
				remove(t, s, added)
			}
			round++
		})
		for k := range want {
			if _, ok := found[k]; !ok {
				t.Errorf("%s: %s is on no page", name, k)
			}
		}
	}
}

func summariesAfterNothing(t *testing.T, s spotipie.Store) {
	swap(t, s, key("ada"), 0, record(t, "one"))
	for name, query := range queries() {
		for _, after := range []string{"x", "////", "e30", "_____________w", "ада"} {
			query.After = after
			if page, err := spotipie.Summaries(t.Context(), s, query); err == nil {
				t.Errorf("%s after %q: no error, but %d summaries", name, after, len(page.Summaries))
			}
		}
	}
}
