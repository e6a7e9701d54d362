package storetest

import (
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
)

// largeRecords checks that a store returns every record that it accepts, however large. It
// does not require a size.
func largeRecords(t *testing.T, s spotipie.Store) {
	before := record(t, "before")
	version := swap(t, s, key("ada"), 0, before)
	for _, size := range []int{1 << 10, 1<<20 - 1<<10, 1<<20 - 1<<9, 1 << 20, 4 << 20} {
		large := record(t, "large")
		large.Rejected = strings.Repeat("x", size)
		next, err := s.Swap(t.Context(), key("ada"), version, large)
		if err == nil {
			before, version = large, next
		}
		got, found, err := s.Load(t.Context(), key("ada"))
		if err != nil || !found || got.Version != version || got.Rejected != before.Rejected {
			t.Fatalf("after a Swap with %d bytes: Load found %t with version %d and %d bytes, error %v; want version %d and %d bytes",
				size, found, got.Version, len(got.Rejected), err, version, len(before.Rejected))
		}
	}
}
