// Package storetest is the contract of [spotipie.Store] as a test suite. Each
// guarantee of the contract is one subtest, named for it:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) spotipie.Store { return openMyStore(t) })
//	}
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// patience is how long the suite waits for what must happen.
const patience = 30 * time.Second

// moment is how long it looks on for what must not happen.
const moment = 100 * time.Millisecond

// Run tests a store. open returns one that is empty, and is called once for
// each subtest; to test a store that processes share, let what it returns
// stand for several clients of one place.
func Run(t *testing.T, open func(t *testing.T) spotipie.Store) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s spotipie.Store)
	}{
		{"Load finds nothing in an empty store and it is no error", loadEmpty},
		{"Load returns what Swap saved, whole", loadReturnsSaved},
		{"Swap with version 0 fails if there is a record", swapNewTwice},
		{"Swap with an old version fails and changes nothing", swapOldVersion},
		{"Swap with a version fails if there is no record", swapMissing},
		{"the version inside the record is no condition of Swap", swapIgnoresRecordVersion},
		{"a new version exceeds the one inside the record", versionsExceedWhatWasSeen},
		{"what Swap takes Load returns, however large, and what it refuses changes nothing", largeRecords},
		{"of many Swaps at once with one version one succeeds", swapRace},
		{"a version never comes back, not even after Delete", versionsAreNew},
		{"Load during Swaps returns one record or the other", loadDuringSwaps},
		{"Delete removes the record", deleteRemoves},
		{"Delete of nothing is no error", deleteNothing},
		{"Load tells a deletion from what was never there", deletionIsRemembered},
		{"Delete of nothing is remembered", deletionOfNothingIsRemembered},
		{"keys are kept apart, whatever characters they have", keysApart},
		{"List returns the keys of all records", list},
		{"Lock lets one holder in at a time", lockExcludes},
		{"Lock of one key does not wait for that of another", lockPerKey},
		{"Lock ends with its context and holds nothing then", lockCancelled},
		{"Lock holds up no Load and no Swap", lockHoldsUpNothing},
		{"unlock may be called more than once", unlockTwice},
		{"unlock works after the context of Lock has ended", unlockAfterContext},
		{"a watcher is told of every last change, until its context ends", watch},
		{"an ended context ends every method", endedContext},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

func key(profile string) spotipie.Key { return spotipie.Key{ClientID: "client", Profile: profile} }

func record(t *testing.T, access string) spotipie.Record {
	t.Helper()
	token, err := spotipie.NewToken(spotipie.TokenFields{
		AccessToken:  access,
		RefreshToken: "refresh-" + access,
		ExpiresIn:    time.Hour,
		ExpiresAt:    time.Date(2026, 11, 24, 12, 0, 0, 250_000_000, time.UTC),
		Scope:        spotipie.Scopes{spotipie.ScopeUserReadEmail, spotipie.ScopeStreaming},
	})
	if err != nil {
		t.Fatal(err)
	}
	return spotipie.Record{
		Token:          token,
		AuthorizedAt:   time.Date(2026, 7, 1, 8, 30, 0, 0, time.UTC),
		ClientID:       "client",
		RequestedScope: spotipie.Scopes{spotipie.ScopeStreaming, spotipie.ScopeUserReadEmail},
		Rejected:       "Refresh token revoked",
		Flow:           spotipie.FlowAuthorizationCode,
		Consent:        1_780_000_000_000_000,
		Renewals:       7,
	}
}

func swap(t *testing.T, s spotipie.Store, k spotipie.Key, version uint64, rec spotipie.Record) uint64 {
	t.Helper()
	next, err := s.Swap(t.Context(), k, version, rec)
	if err != nil {
		t.Fatalf("Swap of %s over version %d: %v", k, version, err)
	}
	return next
}

// expect fails the test unless the store holds rec, in the given version.
func expect(t *testing.T, s spotipie.Store, k spotipie.Key, rec spotipie.Record, version uint64) {
	t.Helper()
	got, found, err := s.Load(t.Context(), k)
	if err != nil || !found {
		t.Fatalf("Load of %s: found %t, error %v", k, found, err)
	}
	rec.Version = version
	same := got.Token.Equal(rec.Token) && got.AuthorizedAt.Equal(rec.AuthorizedAt) &&
		got.ClientID == rec.ClientID && got.RequestedScope.Equal(rec.RequestedScope) &&
		got.Rejected == rec.Rejected && got.Flow == rec.Flow && got.Consent == rec.Consent && got.Renewals == rec.Renewals && got.Version == rec.Version
	if !same {
		t.Errorf("Load of %s:\n got %v\nwant %v", k, got, rec)
	}
}

func expectConflict(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, spotipie.ErrVersionConflict) {
		t.Errorf("got error %v, want ErrVersionConflict", err)
	}
}

func expectNothing(t *testing.T, s spotipie.Store, k spotipie.Key) {
	t.Helper()
	if _, found, err := s.Load(t.Context(), k); err != nil || found {
		t.Errorf("Load of %s: found %t, error %v; want nothing", k, found, err)
	}
}

func loadEmpty(t *testing.T, s spotipie.Store) {
	expectNothing(t, s, key("ada"))
	if keys, err := s.List(t.Context()); err != nil || len(keys) != 0 {
		t.Errorf("List: %v, %v; want nothing", keys, err)
	}
}

func loadReturnsSaved(t *testing.T, s spotipie.Store) {
	rec := record(t, "one")
	expect(t, s, key("ada"), rec, swap(t, s, key("ada"), 0, rec))

	// The least a record can be: no refresh token, no scope, no times.
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

func swapNewTwice(t *testing.T, s spotipie.Store) {
	rec := record(t, "one")
	version := swap(t, s, key("ada"), 0, rec)
	_, err := s.Swap(t.Context(), key("ada"), 0, record(t, "two"))
	expectConflict(t, err)
	expect(t, s, key("ada"), rec, version)
}

func swapOldVersion(t *testing.T, s spotipie.Store) {
	first := swap(t, s, key("ada"), 0, record(t, "one"))
	second := swap(t, s, key("ada"), first, record(t, "two"))
	_, err := s.Swap(t.Context(), key("ada"), first, record(t, "three"))
	expectConflict(t, err)
	expect(t, s, key("ada"), record(t, "two"), second)
}

func swapMissing(t *testing.T, s spotipie.Store) {
	_, err := s.Swap(t.Context(), key("ada"), 7, record(t, "one"))
	expectConflict(t, err)
	expectNothing(t, s, key("ada"))
}

func swapIgnoresRecordVersion(t *testing.T, s spotipie.Store) {
	rec := record(t, "one")
	rec.Version = 99
	version := swap(t, s, key("ada"), 0, rec)
	if version == 0 {
		t.Error("Swap returned version 0, which stands for no record")
	}
	rec.Version = 3
	expect(t, s, key("ada"), rec, swap(t, s, key("ada"), version, rec))
}

func swapRace(t *testing.T, s spotipie.Store) {
	version := swap(t, s, key("ada"), 0, record(t, "start"))
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 16 {
		rec := record(t, fmt.Sprint("racer-", i))
		wg.Go(func() {
			switch _, err := s.Swap(t.Context(), key("ada"), version, rec); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, spotipie.ErrVersionConflict):
				t.Errorf("Swap: %v", err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of 16 Swaps succeeded, want 1", won.Load())
	}
}

func versionsAreNew(t *testing.T, s spotipie.Store) {
	seen := make(map[uint64]bool)
	for range 5 {
		version := swap(t, s, key("ada"), 0, record(t, "one"))
		next := swap(t, s, key("ada"), version, record(t, "two"))
		if seen[version] || seen[next] || version == next {
			t.Fatalf("versions %d and %d after %v: a version came back", version, next, seen)
		}
		seen[version], seen[next] = true, true
		if err := s.Delete(t.Context(), key("ada")); err != nil {
			t.Fatalf("Delete: %v", err)
		}
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

func deleteRemoves(t *testing.T, s spotipie.Store) {
	version := swap(t, s, key("ada"), 0, record(t, "one"))
	swap(t, s, key("grace"), 0, record(t, "two"))
	if err := s.Delete(t.Context(), key("ada")); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	expectNothing(t, s, key("ada"))
	_, err := s.Swap(t.Context(), key("ada"), version, record(t, "three"))
	expectConflict(t, err)
	if _, found, err := s.Load(t.Context(), key("grace")); err != nil || !found {
		t.Errorf("another key's record: found %t, error %v", found, err)
	}
}

func deleteNothing(t *testing.T, s spotipie.Store) {
	if err := s.Delete(t.Context(), key("nobody")); err != nil {
		t.Errorf("Delete: %v", err)
	}
}

// hostileProfiles are names that a careless store mixes up, or takes for
// paths, patterns or statements.
func hostileProfiles() []string {
	return []string{
		"ada", "Ada", "ada ", "ада", "a/b", "a\\b", "../ada", ".", "..", "a:b", "a*", "%41da", "a%b", "{ada}",
		"'; DROP TABLE records; --", "ada\nb", "CON", "ada.json", "ada.lock", fmt.Sprintf("%0200d", 0),
	}
}

func keysApart(t *testing.T, s spotipie.Store) {
	versions := make(map[spotipie.Key]uint64)
	for i, profile := range hostileProfiles() {
		for _, client := range []string{"client", "other"} {
			k := spotipie.Key{ClientID: client, Profile: profile}
			versions[k] = swap(t, s, k, 0, record(t, fmt.Sprintf("%s-%d", client, i)))
		}
	}
	for i, profile := range hostileProfiles() {
		for _, client := range []string{"client", "other"} {
			k := spotipie.Key{ClientID: client, Profile: profile}
			expect(t, s, k, record(t, fmt.Sprintf("%s-%d", client, i)), versions[k])
		}
	}
	keys, err := s.List(t.Context())
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	for _, k := range keys {
		delete(versions, k)
	}
	if len(versions) != 0 {
		t.Errorf("List lacks %v", versions)
	}
}

func list(t *testing.T, s spotipie.Store) {
	for _, profile := range []string{"ada", "grace", "gone"} {
		swap(t, s, key(profile), 0, record(t, profile))
	}
	if err := s.Delete(t.Context(), key("gone")); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	keys, err := s.List(t.Context())
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	if len(keys) != 2 || !slices.Contains(keys, key("ada")) || !slices.Contains(keys, key("grace")) {
		t.Errorf("List: got %v, want ada and grace", keys)
	}
}

func lock(t *testing.T, s spotipie.Store, k spotipie.Key) (unlock func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	release, err := s.Lock(ctx, k)
	if err != nil {
		t.Fatalf("Lock of %s: %v", k, err)
	}
	return func() {
		t.Helper()
		if err := release(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("unlock of %s: %v", k, err)
		}
	}
}

func lockExcludes(t *testing.T, s spotipie.Store) {
	var holders, most atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				unlock, err := s.Lock(ctx, key("ada"))
				cancel()
				if err != nil {
					t.Errorf("Lock: %v", err)
					return
				}
				most.Store(max(most.Load(), holders.Add(1)))
				_, _, _ = s.Load(t.Context(), key("ada")) // something to be overtaken in
				holders.Add(-1)
				if err := unlock(t.Context()); err != nil {
					t.Errorf("unlock: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if most.Load() != 1 {
		t.Errorf("%d holders at once", most.Load())
	}
}

func lockPerKey(t *testing.T, s spotipie.Store) {
	defer lock(t, s, key("ada"))()
	lock(t, s, key("grace"))()
}

func lockCancelled(t *testing.T, s spotipie.Store) {
	unlock := lock(t, s, key("ada"))
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := s.Lock(ctx, key("ada"))
		result <- err
	}()
	cancel()
	select {
	case err := <-result:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want context.Canceled", err)
		}
	case <-time.After(patience):
		t.Fatal("Lock does not return after its context has ended")
	}
	unlock()
	lock(t, s, key("ada"))()
}

func lockHoldsUpNothing(t *testing.T, s spotipie.Store) {
	defer lock(t, s, key("ada"))()
	version := swap(t, s, key("ada"), 0, record(t, "one"))
	expect(t, s, key("ada"), record(t, "one"), version)
}

func unlockTwice(t *testing.T, s spotipie.Store) {
	unlock := lock(t, s, key("ada"))
	unlock()
	next := lock(t, s, key("ada"))
	unlock() // must not free the next holder's lock
	ctx, cancel := context.WithTimeout(t.Context(), moment)
	defer cancel()
	if release, err := s.Lock(ctx, key("ada")); err == nil {
		t.Error("an old unlock freed the lock of the next holder")
		_ = release(t.Context())
	}
	next()
}

func unlockAfterContext(t *testing.T, s spotipie.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	unlock, err := s.Lock(ctx, key("ada"))
	if err != nil {
		t.Fatalf("Lock: %v", err)
	}
	cancel()
	if err := unlock(t.Context()); err != nil {
		t.Errorf("unlock: %v", err)
	}
	lock(t, s, key("ada"))()
}

func endedContext(t *testing.T, s spotipie.Store) {
	swap(t, s, key("ada"), 0, record(t, "one"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, loadErr := s.Load(ctx, key("ada"))
	_, swapErr := s.Swap(ctx, key("grace"), 0, record(t, "two"))
	_, listErr := s.List(ctx)
	_, lockErr := s.Lock(ctx, key("ada"))
	for method, err := range map[string]error{
		"Load": loadErr, "Swap": swapErr, "List": listErr, "Lock": lockErr, "Delete": s.Delete(ctx, key("ada")),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got error %v, want context.Canceled", method, err)
		}
	}
	expectNothing(t, s, key("grace"))
}
