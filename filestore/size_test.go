package filestore_test

import (
	"os"
	"testing"

	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

// TestSize measures a large folder, as make fleets does with 100,000 files.
func TestSize(t *testing.T) {
	records := testservices.Count(t, "SPOTIPIE_TEST_RECORDS", 300)
	s := open(t, newDir(t), nil)
	s.SetSync(func(*os.File) error { return nil }) // syncing would take most of the time
	for n := range records {
		if _, err := s.Swap(t.Context(), storecheck.SizeKey(n), 0, storecheck.SizeRecord(t, n)); err != nil {
			t.Fatal(err)
		}
	}
	storecheck.Size(t, open(t, s.Dir(), nil), records)
}
