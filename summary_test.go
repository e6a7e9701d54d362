package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/storetest"
)

// plainStore has the methods of Store and no others.
type plainStore struct{ spotipie.Store }

func TestSummariesOfAStoreThatIsNoSummarizer(t *testing.T) {
	storetest.Run(t, func(*testing.T) spotipie.Store { return plainStore{spotipie.NewMemoryStore()} })
}

// mismatchStore cannot read some records.
type mismatchStore struct {
	spotipie.Store
	fails map[string]error // by profile
	loads int
}

func (m *mismatchStore) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	m.loads++
	if err := m.fails[key.Profile]; err != nil {
		return spotipie.Record{}, false, err
	}
	return m.Store.Load(ctx, key)
}

func TestSummariesOfRecordsThatCannotBeRead(t *testing.T) {
	store := &mismatchStore{Store: spotipie.NewMemoryStore(), fails: make(map[string]error)}
	for _, profile := range []string{"ada", "grace", "joan"} {
		saveRecord(t, store, profile, time.Time{})
	}
	store.fails["grace"] = fmt.Errorf("loading: %w", &spotipie.RecordMismatchError{Reason: "is newer"})
	page, err := spotipie.Summaries(t.Context(), store, spotipie.SummaryQuery{})
	if err != nil || len(page.Summaries) != 2 || page.Summaries[0].Key.Profile != "ada" || page.Summaries[1].Key.Profile != "joan" {
		t.Errorf("with a record of another format: %v, %v; want the other two", page, err)
	}
	store.fails["grace"] = errStore
	if page, err := spotipie.Summaries(t.Context(), store, spotipie.SummaryQuery{}); !errors.Is(err, errStore) {
		t.Errorf("with a store that fails: %v, %v; want its error", page, err)
	}
}

func saveRecord(t *testing.T, store spotipie.Store, profile string, authorizedAt time.Time) (version uint64) {
	t.Helper()
	rec := spotipie.Record{Token: tokenOf("A-"+profile, "R-"+profile, time.Hour), ClientID: "id", AuthorizedAt: authorizedAt}
	version, err := store.Swap(t.Context(), spotipie.Key{ClientID: "id", Profile: profile}, 0, rec)
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// A page is limited by the number of records that are loaded for it, so that a rare
// kind of record does not make one call read the whole store.
func TestSummariesOfARareKindLoadABoundedNumberForAPage(t *testing.T) {
	store := &mismatchStore{Store: spotipie.NewMemoryStore()}
	const records = 25_000
	for i := range records {
		saveRecord(t, store, fmt.Sprintf("%05d", i), time.Time{})
	}
	var found []spotipie.Summary
	pages := 0
	for query := (spotipie.SummaryQuery{Rejected: true}); ; pages++ {
		before := store.loads
		page, err := spotipie.Summaries(t.Context(), store, query)
		if err != nil {
			t.Fatal(err)
		}
		if n := store.loads - before; n > 10_000 {
			t.Fatalf("a page has loaded %d records", n)
		}
		found = append(found, page.Summaries...)
		if query.After = page.Next; query.After == "" {
			break
		}
	}
	if len(found) != 0 || pages != 2 || store.loads != records {
		t.Errorf("%d found on %d pages with %d loads, want none on 3 with one load for each", len(found), pages+1, store.loads)
	}
}

func TestSummarySaysWhenARecordWasSaved(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		version uint64
		want    time.Time
	}{
		"a version of NextVersion":   {spotipie.NextVersion(0, now), now},
		"a version that counts":      {7, time.Time{}},
		"a version beyond all times": {1 << 62, time.Time{}},
	} {
		if got := (spotipie.Record{Version: test.version}).Summary(adaKey).SavedAt; !got.Equal(test.want) {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestSummarySaysWhenTheRefreshTokenDies(t *testing.T) {
	consent := time.Date(2026, 8, 31, 12, 0, 0, 0, time.UTC)
	if by := (spotipie.Summary{AuthorizedAt: consent}).ReauthorizeBy(); !by.Equal(time.Date(2027, 2, 28, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("of a consent on the last of August: %s", by)
	}
	if by := (spotipie.Summary{}).ReauthorizeBy(); !by.IsZero() {
		t.Errorf("of a consent that is not known: %s", by)
	}
}

// A slow receiver learns that changes were lost, and still gets later ones.
func TestSlowReceiverOfChanges(t *testing.T) {
	store := spotipie.NewMemoryStore()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	changes, err := store.WatchChanges(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		for i := range 5000 {
			saveRecord(t, store, fmt.Sprint(round, "-", i), time.Time{})
		}
		told, last := 0, spotipie.Change{}
		for len(changes) > 0 {
			last = <-changes
			told++
			if told == 500 && round == 1 { // makes room for a notice after the lost ones
				version := saveRecord(t, store, "late", time.Time{})
				defer func() {
					if last.Version != version {
						t.Errorf("the last is %v, want version %d", last, version)
					}
				}()
			}
		}
		if told > 1100 || round == 0 && last != (spotipie.Change{}) {
			t.Errorf("told of %d changes, the last of which is %v", told, last)
		}
	}
}

func ExampleSummaries() {
	ctx := context.Background()
	store := spotipie.NewMemoryStore()
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for profile, consented := range map[string]time.Time{
		"ada": now.AddDate(0, -6, 5), "grace": now.AddDate(0, -1, 0), "joan": now.AddDate(0, -6, 9),
	} {
		rec := spotipie.Record{Token: tokenOf("access", "refresh", time.Hour), ClientID: "app", AuthorizedAt: consented}
		if _, err := store.Swap(ctx, spotipie.Key{ClientID: "app", Profile: profile}, 0, rec); err != nil {
			fmt.Println(err)
			return
		}
	}

	// Find the users who must sign in again within 14 days.
	query := spotipie.SummaryQuery{ClientID: "app", AuthorizedBefore: now.AddDate(0, -6, 14)}
	for {
		page, err := spotipie.Summaries(ctx, store, query)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, summary := range page.Summaries {
			fmt.Println(summary.Key.Profile, summary.ReauthorizeBy().Format(time.DateOnly))
		}
		if query.After = page.Next; query.After == "" {
			break
		}
	}
	// Output:
	// ada 2026-11-30
	// joan 2026-12-04
}
