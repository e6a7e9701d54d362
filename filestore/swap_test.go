package filestore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storecheck"
)

func lockPath(s *filestore.Store, suffix string) string {
	return strings.TrimSuffix(s.Path(ada), ".json") + suffix
}

func TestRecordThatLoadWouldRefuseIsNotWritten(t *testing.T) {
	for name, opts := range map[string]*filestore.Options{"in the clear": nil, "sealed": {Key: newKey(t)}} {
		t.Run(name, func(t *testing.T) {
			dir := newDir(t)
			s := open(t, dir, opts)
			version := storecheck.Swap(t, s, 0, "one")
			large := storecheck.Record(t, "two")
			large.Rejected = strings.Repeat("<", 200<<10) // six times as long in JSON
			_, err := s.Swap(t.Context(), ada, version, large)
			if err == nil || !strings.Contains(err.Error(), s.Path(ada)) || !strings.Contains(err.Error(), "the store accepts at most 1048576") {
				t.Errorf("Swap: %v; want an error with the file and the limit", err)
			}
			storecheck.Expect(t, s, "one", version)
			expectNoLeftovers(t, dir)
		})
	}
}

func expectNoLeftovers(t *testing.T, dir string) {
	t.Helper()
	if left, err := filepath.Glob(filepath.Join(dir, "*.tmp")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestContextThatEndsDuringTheSyncChangesNothing(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir, nil)
	version := storecheck.Swap(t, s, 0, "one")
	ctx, cancel := context.WithCancel(t.Context())
	s.SetSync(func(f *os.File) error {
		cancel()
		return f.Sync()
	})
	if _, err := s.Swap(ctx, ada, version, storecheck.Record(t, "two")); !errors.Is(err, context.Canceled) {
		t.Errorf("Swap: %v, want context.Canceled", err)
	}
	storecheck.Expect(t, s, "one", version)
	expectNoLeftovers(t, dir)
}

func TestRecordOfAnotherVersionIsRefused(t *testing.T) {
	s := open(t, newDir(t), nil)
	for inner, want := range map[uint64]error{7: nil, 8: filestore.ErrDamaged} {
		rec := storecheck.Record(t, "one")
		rec.Version = inner
		record, err := json.Marshal(rec)
		if err != nil {
			t.Fatal(err)
		}
		write(t, s.Path(ada), fmt.Sprintf(`{"format":1,"key":{"client_id":"client","profile":"ada"},"version":7,"record":%s,"sha256":"%s"}`+"\n",
			record, filestore.Checksum(ada, 7, record)))
		if _, found, err := s.Load(t.Context(), ada); !errors.Is(err, want) || found != (want == nil) {
			t.Errorf("version %d in a file of version 7: found %t, error %v; want %v", inner, found, err, want)
		}
	}
}

// Nobody else can see a lock on a removed file.
func TestLockOnAFileThatIsGoneCountsForNothing(t *testing.T) {
	for name, test := range map[string]struct {
		change func(path string)
		want   bool
	}{
		"the same file":    {func(string) {}, true},
		"removed":          {func(path string) { _ = os.Remove(path) }, false},
		"a new one there":  {func(path string) { _ = os.Remove(path); _ = os.WriteFile(path, nil, 0o600) }, false},
		"renamed":          {func(path string) { _ = os.Rename(path, path+".old") }, false},
		"a link to itself": {func(path string) { _ = os.Rename(path, path+".old"); _ = os.Symlink(path+".old", path) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lock")
			if got := filestore.StillThere(t, path, func() { test.change(path) }); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}
