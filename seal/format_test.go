package seal_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/spotipie/spotipie"
)

// theKey is the key of the records in seal/testdata.
const theKey = "l1CkVTo6BbkONe9GPBsDTJ2cd1d7iLqxLlhVCTmYnhM="

// TestOlderFormatsOpen checks that records of all earlier formats can be opened. A file
// has a record as a store keeps it under ada's key: theKey has sealed the record that
// full returns for the access token "one".
func TestOlderFormatsOpen(t *testing.T) {
	files, err := filepath.Glob("testdata/format*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files, error %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var rec spotipie.Record
			if err := json.Unmarshal(data, &rec); err != nil {
				t.Fatal(err)
			}
			inner := spotipie.NewMemoryStore()
			put(t, inner, ada, rec)
			if got := stored(t, over(t, inner, newKeys(t, theKey), nil), ada); !equal(t, got, full(t, "one")) {
				t.Errorf("got %v", got)
			}
		})
	}
}
