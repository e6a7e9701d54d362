package filestore_test

import (
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storecheck"
)

func TestSealedFilesThatArePutBack(t *testing.T) {
	dir, opts := newDir(t), &filestore.Options{Key: newKey(t)}
	storecheck.FilesArePutBack(t, func() spotipie.Store { return open(t, dir, opts) }, open(t, dir, opts).Path)
}
