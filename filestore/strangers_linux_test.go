package filestore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storecheck"
)

const stranger = 65534 // nobody

// give makes a file a stranger's, which only root can.
func give(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	if err := os.Lchown(path, stranger, stranger); err != nil {
		t.Fatal(err)
	}
}

// expectRefused fails the test unless an error names the file and says why.
func expectRefused(t *testing.T, err, want error, path, says string) {
	t.Helper()
	var file *filestore.FileError
	if !errors.As(err, &file) || !errors.Is(err, want) || file.Path != path || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v; want a FileError for %s that says %q", err, path, says)
	}
}

func TestWhatBelongsToAStrangerIsRefused(t *testing.T) {
	t.Run("the folder", func(t *testing.T) {
		dir := newDir(t)
		s := open(t, dir, nil)
		version := storecheck.Swap(t, s, 0, "one")
		give(t, dir)
		_, err := filestore.Open(dir, nil)
		expectRefused(t, err, filestore.ErrExposed, dir, "another user (id 65534)")
		_, err = s.Swap(t.Context(), ada, version, storecheck.Record(t, "two"))
		expectRefused(t, err, filestore.ErrExposed, dir, "another user")
		storecheck.Expect(t, open(t, dir, &filestore.Options{AllowExposed: true}), "one", version)
	})
	t.Run("a record", func(t *testing.T) {
		s := open(t, newDir(t), nil)
		version := storecheck.Swap(t, s, 0, "planted")
		give(t, s.Path(ada))
		_, _, err := s.Load(t.Context(), ada)
		expectRefused(t, err, filestore.ErrExposed, s.Path(ada), "another user")
		_, err = s.Swap(t.Context(), ada, version, storecheck.Record(t, "two"))
		expectRefused(t, err, filestore.ErrExposed, s.Path(ada), "another user")
	})
	t.Run("the sealing key", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(filestore.GenerateKey()), 0o600); err != nil {
			t.Fatal(err)
		}
		give(t, path)
		_, err := filestore.KeyFromFile(path)
		expectRefused(t, err, filestore.ErrExposed, path, "another user")
	})
	t.Run("a lock", func(t *testing.T) {
		dir := newDir(t)
		s := open(t, dir, nil)
		write(t, lockPath(s, ".lock"), "")
		give(t, lockPath(s, ".lock"))
		_, err := s.Lock(t.Context(), ada)
		expectRefused(t, err, filestore.ErrDamaged, lockPath(s, ".lock"), "another user")
		if err == nil {
			t.FailNow() // the next Lock would wait for this one
		}
		unlock, err := open(t, dir, &filestore.Options{AllowExposed: true}).Lock(t.Context(), ada)
		if err != nil {
			t.Fatalf("Lock of what is exposed: %v", err)
		}
		_ = unlock(t.Context())
	})
}

// plants are what a stranger may have put in the place of a lock's file. They
// return what must not change.
func plants() map[string]func(t *testing.T, path string) (unchanged func() bool) {
	return map[string]func(t *testing.T, path string) func() bool{
		"a symbolic link to nothing": func(t *testing.T, path string) func() bool {
			target := filepath.Join(t.TempDir(), "made-by-lock")
			if err := os.Symlink(target, path); err != nil {
				t.Fatal(err)
			}
			return func() bool { _, err := os.Lstat(target); return errors.Is(err, os.ErrNotExist) }
		},
		"a symbolic link to a file": func(t *testing.T, path string) func() bool {
			target := filepath.Join(t.TempDir(), "file")
			write(t, target, "")
			if err := os.Symlink(target, path); err != nil {
				t.Fatal(err)
			}
			return func() bool { _, err := os.Lstat(target); return err == nil }
		},
		"a hard link": func(t *testing.T, path string) func() bool {
			target := filepath.Join(t.TempDir(), "file")
			write(t, target, "")
			if err := os.Link(target, path); err != nil {
				t.Fatal(err)
			}
			return func() bool { _, err := os.Lstat(target); return err == nil }
		},
		"a pipe": func(t *testing.T, path string) func() bool {
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
			return func() bool { return true }
		},
		"a folder": func(t *testing.T, path string) func() bool {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
			return func() bool { return true }
		},
	}
}

func TestWhatIsNoLockFileIsRefused(t *testing.T) {
	for name, plant := range plants() {
		t.Run(name, func(t *testing.T) {
			s := open(t, newDir(t), nil)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			says := "regular file"
			if name == "a hard link" {
				says = "hard link"
			}
			unchanged := plant(t, lockPath(s, ".lock"))
			_, err := s.Lock(ctx, ada)
			expectRefused(t, err, filestore.ErrDamaged, lockPath(s, ".lock"), says)
			if !unchanged() {
				t.Error("Lock reached through it")
			}
			unchanged = plant(t, lockPath(s, ".swap"))
			_, err = s.Swap(ctx, ada, 0, storecheck.Record(t, "one"))
			expectRefused(t, err, filestore.ErrDamaged, lockPath(s, ".swap"), says)
			expectRefused(t, s.Delete(ctx, ada), filestore.ErrDamaged, lockPath(s, ".swap"), says)
			if !unchanged() {
				t.Error("Swap reached through it")
			}
		})
	}
}

func TestOpenCleansUpOnlyWhatItKnows(t *testing.T) {
	for name, plant := range plants() {
		t.Run(name, func(t *testing.T) {
			dir := newDir(t)
			s := open(t, dir, nil)
			storecheck.Swap(t, s, 0, "one") // without a record, locks leave no files
			mine, planted := lockPath(s, ".1.tmp"), lockPath(s, ".2.tmp")
			write(t, mine, "left behind")
			if name != "a hard link" { // is as good as a file here
				plant(t, planted)
			}
			open(t, dir, nil)
			if _, err := os.Lstat(mine); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("what a writer left is still there: %v", err)
			}
			if _, err := os.Lstat(planted); err != nil && name != "a hard link" {
				t.Errorf("what no writer left is gone: %v", err)
			}

			write(t, mine, "left behind")
			if err := os.Remove(lockPath(s, ".swap")); err != nil {
				t.Fatal(err)
			}
			plant(t, lockPath(s, ".swap"))
			open(t, dir, nil)
			if _, err := os.Lstat(mine); err != nil {
				t.Errorf("it was removed without a lock: %v", err)
			}
		})
	}
}
