package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storecheck"
)

// For any file, Load returns a record or an error, and Swap does not overwrite a file that
// Load cannot read.
func FuzzFile(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte(`{"format":2}`))
	f.Add([]byte(`{"format":3}`))
	f.Add([]byte(`{"format":2,"version":7,"deleted":"ada-a323b8ffaf955dcbb222425c32fe1289","sha256":""}`))
	f.Add([]byte(`{"format":1,"key":{"client_id":"client","profile":"ada"},"version":1,"record":{},"sha256":""}`))
	f.Add([]byte(`{"format":1,"key":{"client_id":{"base64":"Y2xpZW50"},"profile":"ada"},"version":1,"sealed_with":"x","sealed":"AAAA"}`))
	s, err := filestore.Open(filepath.Join(f.TempDir(), "spotipie"), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, contents []byte) {
		if err := os.WriteFile(s.Path(ada), contents, 0o600); err != nil {
			t.Fatal(err)
		}
		rec, found, err := s.Load(t.Context(), ada)
		var fileErr *filestore.FileError
		known := found || rec.Version != 0 // a record or a deletion
		if known == (err != nil) || err != nil && !errors.As(err, &fileErr) {
			t.Fatalf("Load: found %t, version %d, error %v", found, rec.Version, err)
		}
		if err == nil {
			return
		}
		if _, err := s.Swap(t.Context(), ada, 0, storecheck.Record(t, "one")); err == nil || read(t, s.Path(ada)) != string(contents) {
			t.Errorf("Swap overwrites it: error %v", err)
		}
	})
}
