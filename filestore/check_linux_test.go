package filestore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices/child"
)

// expectCheck fails the test unless Check of a held lock fails with want and changes
// nothing.
func expectCheck(t *testing.T, s *filestore.Store, want error, trouble func()) {
	t.Helper()
	version := storecheck.Swap(t, s, 0, "one")
	unlock, err := s.Lock(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context(), ada); err != nil {
		t.Errorf("Check before there is trouble: %v", err)
	}
	trouble()
	if err := s.Check(t.Context(), ada); !errors.Is(err, want) || !strings.Contains(err.Error(), s.Dir()) {
		t.Errorf("Check: %v, want %v", err, want)
	}
	if !errors.Is(want, filestore.ErrMissingFolder) {
		storecheck.Expect(t, s, "one", version)
		expectNoTemp(t, s.Dir())
	}
	_ = unlock(t.Context())
}

func TestCheckNoticesAFullDisk(t *testing.T) {
	disk, isChild := child.Argument()
	if !isChild {
		child.Run(t, t.TempDir(), 0)
		return
	}
	mountSmallDisk(t, disk)
	s := open(t, filepath.Join(disk, "spotipie"), nil)
	expectCheck(t, s, syscall.ENOSPC, func() { fill(t, disk) })
	mustDelete(t, s, ada) // a logout still works
	if _, found, err := s.Load(t.Context(), ada); found || err != nil {
		t.Errorf("Load: %t, %v", found, err)
	}
}

func TestCheckNoticesThatThereAreNoInodes(t *testing.T) {
	disk, isChild := child.Argument()
	if !isChild {
		child.Run(t, t.TempDir(), 0)
		return
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "nr_inodes=12,mode=0700"); err != nil {
		t.Fatalf("mounting: %v", err)
	}
	s := open(t, filepath.Join(disk, "spotipie"), nil)
	expectCheck(t, s, syscall.ENOSPC, func() {
		for _, name := range strings.Split("abcdefghijkl", "") {
			if err := os.WriteFile(filepath.Join(disk, name), nil, 0o600); err != nil {
				return
			}
		}
		t.Fatal("there are inodes left")
	})
}

func TestCheckNoticesAReadOnlyDisk(t *testing.T) {
	disk, isChild := child.Argument()
	if !isChild {
		child.Run(t, t.TempDir(), 0)
		return
	}
	mountSmallDisk(t, disk)
	expectCheck(t, open(t, filepath.Join(disk, "spotipie"), nil), syscall.EROFS, func() {
		if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatalf("mounting read-only: %v", err)
		}
	})
}

func TestCheckNoticesADiskThatFails(t *testing.T) {
	s := open(t, newDir(t), nil)
	expectCheck(t, s, syscall.EIO, func() {
		s.SetSync(func(f *os.File) error { return &fs.PathError{Op: "sync", Path: f.Name(), Err: syscall.EIO} })
	})
}

func TestCheckNoticesThatTheFolderIsGone(t *testing.T) {
	s := open(t, newDir(t), nil)
	expectCheck(t, s, filestore.ErrLockLost, func() {
		if err := os.Remove(lockPath(s, ".lock")); err != nil {
			t.Fatal(err)
		}
	})
	s = open(t, newDir(t), nil)
	expectCheck(t, s, filestore.ErrMissingFolder, func() {
		if err := os.Rename(s.Dir(), s.Dir()+".away"); err != nil {
			t.Fatal(err)
		}
	})
}

// Somebody has replaced the lock's file. The next holder keeps the new one.
func TestUnlockRemovesNoLockFileOfSomebodyElse(t *testing.T) {
	dir := newDir(t)
	a, b := open(t, dir, nil), open(t, dir, nil)
	key := spotipie.Key{Profile: "unknown"}
	path := strings.TrimSuffix(a.Path(key), ".json") + ".lock"
	old, err := a.Lock(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	next, err := b.Lock(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := old(t.Context()); err != nil {
		t.Error(err)
	}
	if err := b.Check(t.Context(), key); err != nil {
		t.Errorf("Check of the next holder: %v", err)
	}
	if err := next(t.Context()); err != nil {
		t.Error(err)
	}
}
