package storetest

import (
	"testing"

	"github.com/spotipie/spotipie"
)

func copyAll(t *testing.T, from, to spotipie.Store) spotipie.CopyCounts {
	t.Helper()
	counts, err := spotipie.CopyStore(t.Context(), from, to, nil)
	if err != nil {
		t.Fatalf("CopyStore: %v", err)
	}
	return counts
}

// copyInAndOut copies all records of another store into the store, and from there into a
// third one.
func copyInAndOut(t *testing.T, s spotipie.Store) {
	before, after := spotipie.NewMemoryStore(), spotipie.NewMemoryStore()
	saved := fill(t, before)
	for range 2 {
		counts := copyAll(t, before, s)
		if counts.Copied+counts.Same != len(saved) || counts.Done() != counts.Total {
			t.Errorf("copied in: %+v, want %d records", counts, len(saved))
		}
	}
	copyAll(t, s, after)
	for k := range saved {
		rec, _, err := before.Load(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		copied, _, err := s.Load(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		last, _, err := after.Load(t.Context(), k)
		if err != nil || copied.Version <= rec.Version || last.Version <= copied.Version {
			t.Errorf("versions of %s: %d, then %d, then %d; error %v", k, rec.Version, copied.Version, last.Version, err)
		}
		expect(t, after, k, rec, last.Version)
	}

	// Another copy takes over what was renewed and deleted in the store.
	k := spotipie.Key{ClientID: "client", Profile: "ada"}
	rec, _, err := s.Load(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	renewed := record(t, "renewed")
	renewed.Consent, renewed.Renewals = rec.Consent, rec.Renewals+1
	swap(t, s, k, rec.Version, renewed)
	remove(t, s, spotipie.Key{ClientID: "other", Profile: "ada"})
	counts := copyAll(t, s, after)
	if counts.Copied != 1 || counts.Deleted != 1 || counts.Same != len(saved)-2 {
		t.Errorf("copied out again: %+v", counts)
	}
	if got, _, err := after.Load(t.Context(), k); err != nil || got.Token.AccessToken() != "renewed" {
		t.Errorf("after a renewal the copy has %v, %v", got, err)
	}
	if back := copyAll(t, after, s); back.Copied != 0 || back.Deleted != 0 {
		t.Errorf("copied back: %+v, want nothing to do", back)
	}
}
