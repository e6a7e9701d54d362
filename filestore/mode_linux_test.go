package filestore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices/child"
)

func TestModesUnderAnyUmask(t *testing.T) {
	dir, isChild := child.Argument()
	if !isChild {
		child.Run(t, t.TempDir(), 1000)
		return
	}
	for _, umask := range []int{0, 0o022, 0o027, 0o077, 0o177, 0o277, 0o777} {
		old := syscall.Umask(umask)
		above := filepath.Join(dir, fmt.Sprintf("%04o", umask))
		store := filepath.Join(above, "deeper", "spotipie")
		s := open(t, store, nil)
		version := storecheck.Swap(t, s, 0, "one")
		storecheck.Swap(t, s, version, "two")
		unlock, err := s.Lock(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		_ = unlock(t.Context())
		syscall.Umask(old)
		files := 0
		err = filepath.WalkDir(above, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := entry.Info()
			if err != nil {
				return err
			}
			want := fs.FileMode(0o600)
			if entry.IsDir() {
				want = 0o700
			} else {
				files++
			}
			if info.Mode().Perm() != want {
				t.Errorf("umask %#o: %s has mode %#o, want %#o", umask, path, info.Mode().Perm(), want)
			}
			return nil
		})
		if err != nil || files != 3 {
			t.Errorf("umask %#o: %d files, want 3; error %v", umask, files, err)
		}
	}
}

// Processes that start first and at the same time must not fail because of a half-made
// folder.
func TestManyOpenANewFolderAtOnceUnderAnyUmask(t *testing.T) {
	dir, isChild := child.Argument()
	if !isChild {
		child.Run(t, t.TempDir(), 1000)
		return
	}
	defer syscall.Umask(syscall.Umask(0o777))
	for i := range 50 {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				s, err := filestore.Open(filepath.Join(dir, fmt.Sprint(i), "deeper", "spotipie"), nil)
				if err != nil {
					t.Errorf("Open: %v", err)
					return
				}
				unlock, err := s.Lock(t.Context(), ada)
				if err != nil {
					t.Errorf("Lock: %v", err)
					return
				}
				if _, err := s.Swap(t.Context(), ada, 0, storecheck.Record(t, "one")); err != nil && !errors.Is(err, spotipie.ErrVersionConflict) {
					t.Errorf("Swap: %v", err)
				}
				if err := unlock(t.Context()); err != nil {
					t.Errorf("unlock: %v", err)
				}
			})
		}
		all.Wait()
		if left, _ := filepath.Glob(filepath.Join(dir, fmt.Sprint(i), ".*")); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

func TestOpenToOthersIsRefused(t *testing.T) {
	for _, test := range []struct {
		name    string
		mode    fs.FileMode
		refused bool
	}{
		{"private", 0o600, false},
		{"read-only", 0o400, false},
		{"group reads", 0o640, true},
		{"others read", 0o604, true},
		{"others write", 0o602, true},
		{"all", 0o666, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := newDir(t)
			s := open(t, dir, nil)
			version := storecheck.Swap(t, s, 0, "one")

			if err := os.Chmod(s.Path(ada), test.mode); err != nil {
				t.Fatal(err)
			}
			_, _, loadErr := s.Load(t.Context(), ada)
			expectExposed(t, loadErr, test.refused, s.Path(ada), "chmod 0600")
			if _, err := open(t, dir, &filestore.Options{AllowExposed: true}).Swap(t.Context(), ada, version, storecheck.Record(t, "two")); err != nil {
				t.Errorf("Swap with AllowExposed: %v", err)
			}

			if err := os.Chmod(dir, test.mode|0o100); err != nil {
				t.Fatal(err)
			}
			defer os.Chmod(dir, 0o700) // so that it can be removed
			_, openErr := filestore.Open(dir, nil)
			expectExposed(t, openErr, test.refused, dir, "chmod 0700")
			if _, err := filestore.Open(dir, &filestore.Options{AllowExposed: true}); err != nil {
				t.Errorf("Open with AllowExposed: %v", err)
			}
		})
	}
}

func TestSwapLooksAtTheFolderAgain(t *testing.T) {
	s := open(t, newDir(t), nil)
	version := storecheck.Swap(t, s, 0, "one")
	if err := os.Chmod(s.Dir(), 0o777); err != nil {
		t.Fatal(err)
	}
	_, err := s.Swap(t.Context(), ada, version, storecheck.Record(t, "two"))
	expectExposed(t, err, true, s.Dir(), "chmod 0700")
	storecheck.Expect(t, s, "one", version)
}

// TestAFolderForAllUsersIsNotToBeClosed protects machines from a user who makes /tmp
// private because an error says so.
func TestAFolderForAllUsersIsNotToBeClosed(t *testing.T) {
	dir := newDir(t)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	_, err := filestore.Open(dir, nil)
	expectExposed(t, err, true, dir, "is for all users of this machine (mode 01777): use a folder of your own in it, such as "+filepath.Join(dir, "spotipie"))
	if strings.Contains(err.Error(), "chmod") || strings.Contains(err.Error(), "chown") {
		t.Errorf("the advice changes a folder of all users: %v", err)
	}
}

func TestKeyFileOpenToOthersIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	write(t, path, filestore.GenerateKey())
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := filestore.KeyFromFile(path)
	expectExposed(t, err, true, path, "chmod 0600")
}

func expectExposed(t *testing.T, err error, refused bool, path, advice string) {
	t.Helper()
	if !refused {
		if err != nil {
			t.Errorf("got error %v", err)
		}
		return
	}
	if !errors.Is(err, filestore.ErrExposed) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), advice) {
		t.Errorf("got error %v, want ErrExposed about %s with %q", err, path, advice)
	}
}

func TestPipeInPlaceOfAFileHoldsNobodyUp(t *testing.T) {
	s := open(t, newDir(t), nil)
	if err := syscall.Mkfifo(s.Path(ada), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Load(t.Context(), ada); !errors.Is(err, filestore.ErrDamaged) {
		t.Errorf("got error %v, want ErrDamaged", err)
	}
}
