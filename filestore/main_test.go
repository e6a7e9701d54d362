package filestore_test

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
)

func TestMain(m *testing.M) {
	fleet.RunMember(func(c fleet.Config) (spotipie.Store, error) { return filestore.Open(c.Place, nil) })
	goleak.VerifyTestMain(m)
}

// ada is the key of storecheck.
var ada = storecheck.Key()

func newKey(t *testing.T) filestore.Key {
	t.Helper()
	key, err := filestore.ParseKey(filestore.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newDir returns a path for a new store's folder.
func newDir(t *testing.T) string { return filepath.Join(t.TempDir(), "spotipie") }

func open(t *testing.T, dir string, opts *filestore.Options) *filestore.Store {
	t.Helper()
	s, err := filestore.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
