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

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storecheck"
)

const stranger = 65534 // nobody

// give makes a stranger the owner of a file. Only root can do that.
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

// plants are things that a stranger may have put in the place of a lock's file. Each
// returns a function that checks that nothing was changed.
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
			const says = "regular file"
			unchanged := plant(t, lockPath(s, ".lock"))
			_, err := s.Lock(ctx, ada)
			expectRefused(t, err, filestore.ErrDamaged, lockPath(s, ".lock"), says)
			if !unchanged() {
				t.Error("Lock changed the other file")
			}
			unchanged = plant(t, lockPath(s, ".swap"))
			_, err = s.Swap(ctx, ada, 0, storecheck.Record(t, "one"))
			expectRefused(t, err, filestore.ErrDamaged, lockPath(s, ".swap"), says)
			expectRefused(t, s.Delete(ctx, ada), filestore.ErrDamaged, lockPath(s, ".swap"), says)
			if !unchanged() {
				t.Error("Swap changed the other file")
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
			plant(t, planted)
			open(t, dir, nil)
			if _, err := os.Lstat(mine); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("what a writer left is still there: %v", err)
			}
			if _, err := os.Lstat(planted); err != nil {
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

// A backup of hard links, or two lock files that are the same file, do no harm.
func TestLockFileWithASecondNameIsExchanged(t *testing.T) {
	dir := newDir(t)
	s, other := open(t, dir, nil), open(t, dir, nil)
	version := storecheck.Swap(t, s, 0, "one")
	unlock, err := s.Lock(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	backup := t.TempDir()
	for _, name := range files(t, dir) {
		if err := os.Link(filepath.Join(dir, name), filepath.Join(backup, name)); err != nil {
			t.Fatal(err)
		}
	}
	expectHeld(t, func() error { _, err := other.Lock(soon(t), ada); return err }(), ".lock")
	if err := s.Check(t.Context(), ada); err != nil {
		t.Errorf("Check: %v", err)
	}
	if err := unlock(t.Context()); err != nil {
		t.Error(err)
	}
	version = storecheck.Swap(t, s, version, "two")
	storecheck.LocksExclude(t, 3, 3, 10, func() spotipie.Store { return open(t, dir, nil) })
	storecheck.Expect(t, s, "two", version)
	if got := read(t, filepath.Join(backup, filepath.Base(s.Path(ada)))); !strings.Contains(got, "refresh-one") {
		t.Error("the backup has changed")
	}
	if left := files(t, backup); len(left) != 3 {
		t.Errorf("the backup has %v", left)
	}
}

// A user who can write to a folder above could replace the store's folder.
func TestFolderThatOthersCanExchangeIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(t *testing.T, above string)
		refused string
	}{
		"nobody else writes":     {func(t *testing.T, above string) {}, ""},
		"all may write":          {func(t *testing.T, above string) { chmod(t, above, 0o777) }, "by all"},
		"as in /tmp":             {func(t *testing.T, above string) { chmod(t, above, 0o777|os.ModeSticky) }, ""},
		"the own group writes":   {func(t *testing.T, above string) { chmod(t, above, 0o775) }, ""},
		"a group writes":         {func(t *testing.T, above string) { chown(t, above, -1, 4711); chmod(t, above, 0o775) }, "by a group"},
		"a stranger's":           {func(t *testing.T, above string) { chown(t, above, 4711, -1) }, "another user (id 4711)"},
		"a link that is strange": {func(t *testing.T, above string) { linkOfAStranger(t, above) }, "another user (id 4711)"},
	} {
		t.Run(name, func(t *testing.T) {
			above := filepath.Join(t.TempDir(), "above")
			dir := filepath.Join(above, "deeper", "spotipie")
			s := open(t, dir, nil)
			version := storecheck.Swap(t, s, 0, "one")
			test.change(t, above)
			_, openErr := filestore.Open(dir, nil)
			_, swapErr := s.Swap(t.Context(), ada, version, storecheck.Record(t, "two"))
			for method, err := range map[string]error{"Open": openErr, "Swap": swapErr} {
				if test.refused == "" {
					if err != nil {
						t.Errorf("%s: %v", method, err)
					}
				} else if !errors.Is(err, filestore.ErrExposed) || !strings.Contains(err.Error(), test.refused) {
					t.Errorf("%s: %v, want ErrExposed that says %q", method, err, test.refused)
				}
			}
			if _, err := filestore.Open(dir, &filestore.Options{AllowExposed: true}); err != nil {
				t.Errorf("Open of what is exposed: %v", err)
			}
		})
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func chown(t *testing.T, path string, uid, gid int) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	if err := os.Lchown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
}

// linkOfAStranger replaces a folder by a stranger's link to it.
func linkOfAStranger(t *testing.T, path string) {
	t.Helper()
	if err := errors.Join(os.Rename(path, path+".real"), os.Symlink(path+".real", path)); err != nil {
		t.Fatal(err)
	}
	chown(t, path, 4711, -1)
}
