package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

func loadEmpty(t *testing.T, s spotipie.Store) {
	expectNothing(t, s, key("ada"))
	if keys, err := s.List(t.Context()); err != nil || len(keys) != 0 {
		t.Errorf("List: %v, %v; want nothing", keys, err)
	}
}

func loadReturnsSaved(t *testing.T, s spotipie.Store) {
	rec := record(t, "one")
	expect(t, s, key("ada"), rec, swap(t, s, key("ada"), 0, rec))

	// The smallest record: no refresh token, no scope, no times.
	token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "bare", ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	bare := spotipie.Record{Token: token, ClientID: "client"}
	got, found, err := s.Load(t.Context(), key("ada"))
	if err != nil || !found {
		t.Fatalf("Load: %t, %v", found, err)
	}
	swap(t, s, key("ada"), got.Version, bare)
	if got, _, err = s.Load(t.Context(), key("ada")); err != nil {
		t.Fatal(err)
	}
	if got.Token.RefreshToken() != "" || len(got.Token.Scope()) != 0 || !got.AuthorizedAt.IsZero() || got.Rejected != "" {
		t.Errorf("the bare record came back with more than was saved: %v", got)
	}
}

func loadDuringSwaps(t *testing.T, s spotipie.Store) {
	version := swap(t, s, key("ada"), 0, record(t, "0"))
	records := make([]spotipie.Record, 50)
	for i := range records {
		records[i] = record(t, fmt.Sprint(i))
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				rec, found, err := s.Load(t.Context(), key("ada"))
				if err != nil || !found || rec.Token.RefreshToken() != "refresh-"+rec.Token.AccessToken() {
					t.Errorf("Load: found %t, error %v, a record of one piece: %v", found, err, rec)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for _, rec := range records {
		version = swap(t, s, key("ada"), version, rec)
	}
	close(done)
	wg.Wait()
}

// timesAreKept checks that microseconds are kept, so that a token is the same after it was
// saved and loaded.
func timesAreKept(t *testing.T, s spotipie.Store) {
	token, err := spotipie.NewToken(spotipie.TokenFields{
		AccessToken: "one", ExpiresIn: time.Hour, ExpiresAt: time.Date(2026, 11, 24, 12, 0, 0, 123_456_000, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	rec := spotipie.Record{Token: token, ClientID: "client", AuthorizedAt: time.Date(2026, 7, 1, 8, 30, 0, 987_654_321, time.UTC)}
	expect(t, s, key("ada"), rec, swap(t, s, key("ada"), 0, rec))
}

// sealedIsKept checks records of package seal, which have no token. Their other fields must be
// in their summaries.
func sealedIsKept(t *testing.T, s spotipie.Store) {
	rec := record(t, "one")
	rec.Token, rec.RequestedScope = nil, nil
	rec.Sealed = &spotipie.SealedRecord{Key: "2026-11", DataKey: []byte{0, 1, 0xff}, Data: []byte("\x00sealed\xfe")}
	expect(t, s, key("ada"), rec, swap(t, s, key("ada"), 0, rec))
	page, err := spotipie.Summaries(t.Context(), s, spotipie.SummaryQuery{Rejected: true})
	if err != nil || len(page.Summaries) != 1 || !page.Summaries[0].AuthorizedAt.Equal(rec.AuthorizedAt) {
		t.Errorf("Summaries: %v, %v", page, err)
	}
}

// loadsKnowOfSaves checks that a load does not get the result of a load that began before it,
// although loads of one key at the same time may share the work.
func loadsKnowOfSaves(t *testing.T, s spotipie.Store) {
	var saved atomic.Uint64
	saved.Store(swap(t, s, key("ada"), 0, record(t, "0")))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for {
				before := saved.Load()
				rec, found, err := s.Load(t.Context(), key("ada"))
				if err != nil || !found || rec.Version < before {
					t.Errorf("Load after version %d was saved: version %d, found %t, error %v", before, rec.Version, found, err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range 50 {
		saved.Store(swap(t, s, key("ada"), saved.Load(), record(t, fmt.Sprint(i+1))))
	}
	close(done)
	wg.Wait()
}
