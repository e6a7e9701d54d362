package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/spotipie/spotipie"
)

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
