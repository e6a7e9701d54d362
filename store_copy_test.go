package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

// july and october are times of users' consents.
var (
	july    = time.Date(2026, 7, 1, 8, 30, 0, 0, time.UTC)
	october = time.Date(2026, 10, 1, 8, 30, 0, 0, time.UTC)
)

// recordOf returns a record of a consent at the given time, after some renewals.
func recordOf(access string, consented time.Time, renewals uint64) *spotipie.Record {
	return &spotipie.Record{
		Token: tokenOf(access, "R-"+access, time.Hour), ClientID: "id", AuthorizedAt: consented,
		Consent: uint64(consented.UnixMilli()) << 11, Renewals: renewals,
	}
}

// unnumbered makes rec a record of earlier versions, which did not number consents.
func unnumbered(rec *spotipie.Record) *spotipie.Record {
	rec.Consent, rec.Renewals = 0, 0
	return rec
}

func withRefreshToken(rec *spotipie.Record, refresh string) *spotipie.Record {
	rec.Token = tokenOf(rec.Token.AccessToken(), refresh, time.Hour)
	return rec
}

func refusedRecord(rec *spotipie.Record) *spotipie.Record {
	rec.Rejected, rec.RejectedAt = "revoked", october
	return rec
}

func remindedRecord(rec *spotipie.Record) *spotipie.Record {
	reminded := *rec
	reminded.RemindedAt = october
	return &reminded
}

// put saves rec in a store. An empty rec means a deletion, and nil means nothing.
func put(t *testing.T, store spotipie.Store, rec *spotipie.Record) {
	t.Helper()
	switch {
	case rec == nil:
	case rec.Token == nil:
		if err := store.Delete(t.Context(), adaKey); err != nil {
			t.Fatal(err)
		}
	default:
		over := uint64(0)
		if was, found, err := store.Load(t.Context(), adaKey); err != nil {
			t.Fatal(err)
		} else if found {
			over = was.Version
		}
		if _, err := store.Swap(t.Context(), adaKey, over, *rec); err != nil {
			t.Fatal(err)
		}
	}
}

// has returns the access token in a store, or "" if there is none, and the version.
func has(t *testing.T, store spotipie.Store) (access string, version uint64) {
	t.Helper()
	rec, found, err := store.Load(t.Context(), adaKey)
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		return "", rec.Version
	}
	return rec.Token.AccessToken(), rec.Version
}

func copyStore(t *testing.T, from, to spotipie.Store) spotipie.CopyCounts {
	t.Helper()
	counts, err := spotipie.CopyStore(t.Context(), from, to, nil)
	if err != nil {
		t.Fatalf("CopyStore: %v", err)
	}
	return counts
}

func TestCopyStoreKeepsWhatIsNewer(t *testing.T) {
	deletion, same := &spotipie.Record{}, recordOf("s", july, 3)
	type counts = spotipie.CopyCounts
	for name, test := range map[string]struct {
		source, destination *spotipie.Record
		destinationFirst    bool // it is saved before the source
		want                string
		counts              counts
	}{
		"into nothing":              {source: recordOf("s", july, 3), want: "s", counts: counts{Copied: 1}},
		"nothing":                   {destination: recordOf("d", july, 3), want: "d", counts: counts{Kept: 1}},
		"over an older consent":     {source: recordOf("s", october, 0), destination: recordOf("d", july, 9), want: "s", counts: counts{Copied: 1}},
		"over a newer consent":      {source: recordOf("s", july, 9), destination: recordOf("d", october, 0), want: "d", counts: counts{Kept: 1}},
		"over fewer renewals":       {source: recordOf("s", july, 4), destination: recordOf("d", july, 3), want: "s", counts: counts{Copied: 1}},
		"over more renewals":        {source: recordOf("s", july, 3), destination: recordOf("d", july, 4), destinationFirst: true, want: "d", counts: counts{Kept: 1}},
		"the same refresh token":    {source: recordOf("s", july, 3), destination: withRefreshToken(recordOf("d", july, 4), "R-s"), destinationFirst: true, want: "s", counts: counts{Copied: 1}},
		"a later verdict":           {source: refusedRecord(recordOf("s", july, 3)), destination: recordOf("s", july, 3), destinationFirst: true, want: "s", counts: counts{Copied: 1}},
		"an earlier verdict":        {source: refusedRecord(recordOf("s", july, 3)), destination: recordOf("s", july, 3), want: "s", counts: counts{Kept: 1}},
		"a later reminder":          {source: remindedRecord(same), destination: same, destinationFirst: true, want: "s", counts: counts{Copied: 1}},
		"consents without a number": {source: unnumbered(recordOf("s", july, 0)), destination: unnumbered(recordOf("d", october, 0)), destinationFirst: true, want: "d", counts: counts{Kept: 1}},
		"without any consent":       {source: unnumbered(recordOf("s", time.Time{}, 0)), destination: unnumbered(recordOf("d", time.Time{}, 0)), destinationFirst: true, want: "s", counts: counts{Copied: 1}},

		"a deletion":                     {source: deletion, destination: recordOf("d", july, 3), want: "", counts: counts{Deleted: 1}},
		"a deletion of nothing":          {source: deletion, want: "", counts: counts{}},
		"a deletion before the consent":  {source: deletion, destination: recordOf("d", time.Now().Add(time.Hour), 0), want: "d", counts: counts{Kept: 1}},
		"a deletion, of no known moment": {source: deletion, destination: unnumbered(recordOf("d", time.Time{}, 0)), want: "", counts: counts{Deleted: 1}},
		"over a deletion":                {source: recordOf("s", july, 3), destination: deletion, want: "", counts: counts{Kept: 1}},
		"over one before the consent":    {source: recordOf("s", time.Now().Add(time.Hour), 0), destination: deletion, want: "s", counts: counts{Copied: 1}},
		"deleted in both":                {source: deletion, destination: deletion, want: "", counts: counts{}},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := spotipie.NewMemoryStore(), spotipie.NewMemoryStore()
			steps := []func(){func() { put(t, from, test.source) }, func() { put(t, to, test.destination) }}
			if test.destinationFirst {
				slices.Reverse(steps)
			}
			for _, step := range steps {
				step()
				for saved := time.Now().UnixMicro(); time.Now().UnixMicro() == saved; { // versions are microseconds
				}
			}
			sourceBefore, _ := has(t, from)
			_, sourceVersion := has(t, from)
			counts := copyStore(t, from, to)
			counts.Total = 0
			if counts != test.counts {
				t.Errorf("%+v, want %+v", counts, test.counts)
			}
			access, version := has(t, to)
			if access != test.want {
				t.Errorf("the destination has %q, want %q", access, test.want)
			}
			if counts.Copied == 1 && version <= sourceVersion {
				t.Errorf("version %d in the destination, %d in the source", version, sourceVersion)
			}
			if after, v := has(t, from); after != sourceBefore || v != sourceVersion {
				t.Error("the source was changed")
			}
			again := copyStore(t, from, to)
			if again.Copied != 0 || again.Deleted != 0 {
				t.Errorf("a second copy: %+v, want nothing to do", again)
			}
		})
	}
}

func TestCopyStoreGoesOnWhereItWasInterrupted(t *testing.T) {
	from, to := spotipie.NewMemoryStore(), spotipie.NewMemoryStore()
	const records = 1000
	for i := range records {
		saveRecord(t, from, fmt.Sprint(i), july)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var seen []int
	counts, err := spotipie.CopyStore(ctx, from, to, &spotipie.CopyOptions{Progress: func(c spotipie.CopyCounts) {
		if seen = append(seen, c.Done()); c.Done() == 300 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || counts.Copied < 300 || counts.Copied > 350 || counts.Failed != 0 || counts.Total != records {
		t.Fatalf("interrupted: %+v, %v", counts, err)
	}
	for i, done := range seen {
		if done != i+1 {
			t.Fatalf("progress %d is %d", i, done)
		}
	}
	rest := copyStore(t, from, to)
	if rest.Same != counts.Copied || rest.Copied != records-counts.Copied || rest.Done() != records {
		t.Errorf("the rest: %+v after %+v", rest, counts)
	}
	if keys, err := to.List(t.Context()); err != nil || len(keys) != records {
		t.Errorf("%d records were copied, %v", len(keys), err)
	}
}

func TestCopyStorePassesOverRecordsThatFail(t *testing.T) {
	from := &mismatchStore{Store: spotipie.NewMemoryStore(), fails: map[string]error{"5": errStore, "7": &spotipie.RecordMismatchError{Reason: "is newer"}}}
	for i := range 20 {
		saveRecord(t, from.Store, fmt.Sprint(i), july)
	}
	to := spotipie.NewMemoryStore()
	counts, err := spotipie.CopyStore(t.Context(), from, to, &spotipie.CopyOptions{Parallel: 1})
	var mismatch *spotipie.RecordMismatchError
	if counts.Copied != 18 || counts.Failed != 2 || !errors.Is(err, errStore) || !errors.As(err, &mismatch) || !strings.Contains(err.Error(), `"5"@"id"`) {
		t.Errorf("%+v, %v", counts, err)
	}
}

func TestCopyStoreGivesUpOnAStoreThatIsOutOfReach(t *testing.T) {
	from := spotipie.NewMemoryStore()
	for i := range 100 {
		saveRecord(t, from, fmt.Sprint(i), july)
	}
	to := &faultyStore{Store: spotipie.NewMemoryStore()}
	to.set("load", true)
	counts, err := spotipie.CopyStore(t.Context(), from, to, nil)
	if !errors.Is(err, errStore) || !strings.Contains(err.Error(), "given up") || counts.Failed < 10 || counts.Failed > 14 {
		t.Errorf("%+v, %v", counts, err)
	}
}

// betweenStore calls before just before a Swap or Delete, once.
type betweenStore struct {
	spotipie.Store
	once   sync.Once
	before func()
}

func (b *betweenStore) Swap(ctx context.Context, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	b.once.Do(b.before)
	return b.Store.Swap(ctx, key, version, rec)
}

func (b *betweenStore) Delete(ctx context.Context, key spotipie.Key) error {
	b.once.Do(b.before)
	return b.Store.Delete(ctx, key)
}

func TestCopyStoreLooksAgainAtWhatOthersSaveMeanwhile(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile *spotipie.Record
		want      string
	}{
		"newer": {recordOf("m", october, 0), "m"}, "older": {recordOf("m", july, 1), "s"},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := spotipie.NewMemoryStore(), spotipie.NewMemoryStore()
			put(t, from, recordOf("s", july, 3))
			copyStore(t, from, &betweenStore{Store: to, before: func() { put(t, to, test.meanwhile) }})
			if access, _ := has(t, to); access != test.want {
				t.Errorf("the destination has %q, want %q", access, test.want)
			}
		})
	}
}

// betweenDeleter calls before ahead of a DeleteVersion, once.
type betweenDeleter struct {
	*spotipie.MemoryStore
	once   sync.Once
	before func()
}

func (b *betweenDeleter) DeleteVersion(ctx context.Context, key spotipie.Key, version uint64) error {
	b.once.Do(b.before)
	return b.MemoryStore.DeleteVersion(ctx, key, version)
}

// TestCopyStoreDeletesNothingThatWasJustSaved saves in the destination while a deletion
// is being copied to it.
func TestCopyStoreDeletesNothingThatWasJustSaved(t *testing.T) {
	for name, test := range map[string]struct {
		consent time.Time
		want    string
	}{"a login": {time.Now().Add(time.Hour), "m"}, "a renewal": {july, ""}} {
		t.Run(name, func(t *testing.T) {
			from, to := spotipie.NewMemoryStore(), spotipie.NewMemoryStore()
			put(t, to, recordOf("d", july, 3))
			put(t, from, &spotipie.Record{})
			copyStore(t, from, &betweenDeleter{MemoryStore: to, before: func() { put(t, to, recordOf("m", test.consent, 0)) }})
			if access, _ := has(t, to); access != test.want {
				t.Errorf("the destination has %q, want %q", access, test.want)
			}
		})
	}
}

// A user signs in again in the source while the deletion before is being copied.
func TestCopyStoreBringsAConsentThatCameRightAfterADeletion(t *testing.T) {
	from, to := spotipie.NewMemoryStore(), spotipie.NewMemoryStore()
	put(t, to, recordOf("d", july, 3))
	put(t, from, &spotipie.Record{})
	consent := recordOf("s", time.Now(), 0)
	copyStore(t, from, &betweenStore{Store: to, before: func() { put(t, from, consent) }})
	if access, _ := has(t, to); access != "s" {
		t.Errorf("the destination has %q, want the new consent", access)
	}
}

// A fleet moves to another store as the documentation says: copy while it runs, stop it,
// copy again, and start it on the other store. Refresh tokens are single use, so a
// used-up refresh token would cost the login.
func TestFleetMovesToAnotherStore(t *testing.T) {
	server := spotifytest.NewWith(t, &accounts.Options{AutoApprove: true, RotateAllRefreshTokens: true})
	from, to := spotipie.NewMemoryStore(), spotipie.NewMemoryStore()
	session := func(store spotipie.Store, user int) *spotipie.AuthorizationCodeSession {
		o := server.Options()
		o.Store, o.Profile = store, fmt.Sprint("user-", user)
		s, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	const users = 20
	var fleet []*spotipie.AuthorizationCodeSession
	for user := range users {
		s := session(from, user)
		server.Login(t, s)
		fleet = append(fleet, s)
	}
	renew := func(s *spotipie.AuthorizationCodeSession) {
		t.Helper()
		if _, err := s.RefreshToken(t.Context()); err != nil {
			t.Errorf("RefreshToken: %v", err)
		}
	}

	running := make(chan struct{})
	var wg sync.WaitGroup
	for _, s := range fleet[:users-2] {
		wg.Go(func() {
			for range 5 {
				renew(s)
			}
			<-running
		})
	}
	copyStore(t, from, to)
	if err := fleet[users-1].Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(running)
	wg.Wait()
	for _, s := range fleet {
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	counts := copyStore(t, from, to)
	if counts.Deleted != 1 || counts.Failed != 0 || counts.Copied+counts.Same != users-1 {
		t.Errorf("the second copy: %+v", counts)
	}
	for user := range users - 1 {
		renew(session(to, user))
	}
	if _, err := session(to, users-1).Token(t.Context()); !errors.Is(err, spotipie.ErrNotAuthorized) {
		t.Errorf("the user who has logged out: %v", err)
	}
}

func ExampleCopyStore() {
	ctx := context.Background()
	from, to := spotipie.NewMemoryStore(), spotipie.NewMemoryStore()
	rec := spotipie.Record{Token: tokenOf("access", "refresh", time.Hour), ClientID: "app"}
	if _, err := from.Swap(ctx, spotipie.Key{ClientID: "app", Profile: "ada"}, 0, rec); err != nil {
		fmt.Println(err)
		return
	}
	for range 2 { // the second copy changes nothing
		counts, err := spotipie.CopyStore(ctx, from, to, nil)
		fmt.Printf("%d copied, %d there already, error %v\n", counts.Copied, counts.Same, err)
	}
	// Output:
	// 1 copied, 0 there already, error <nil>
	// 0 copied, 1 there already, error <nil>
}
