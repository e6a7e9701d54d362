package sqlitestore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices/child"
	"github.com/spotipie/spotipie/sqlitestore"
)

// onSmallDisk runs a test in a child with a disk of the given size.
func onSmallDisk(t *testing.T, size string, test func(disk string)) {
	t.Helper()
	disk, isChild := child.Argument()
	if !isChild {
		child.Run(t, t.TempDir(), 0)
		return
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "mode=0700,size="+size); err != nil {
		t.Fatalf("mounting: %v", err)
	}
	test(disk)
}

// fill uses all free space of a small disk.
func fill(t *testing.T, disk string) (ballast string) {
	t.Helper()
	ballast = filepath.Join(disk, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 4<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	return ballast
}

func TestFullDisk(t *testing.T) {
	onSmallDisk(t, "1m", func(disk string) {
		s := open(t, filepath.Join(disk, "spotipie", "store.db"), nil)
		version := storecheck.Swap(t, s, 0, "one")
		unlock := mustLock(t, s)
		ballast := fill(t, disk)
		_, err := s.Swap(t.Context(), ada, version, large(t, "two"))
		expectFault(t, "Swap", err, sqlitestore.ErrFull, s.Path())
		storecheck.Expect(t, s, "one", version)

		// Small writes still fit into the log: renewals and a logout.
		for range 100 {
			if err := s.Check(t.Context(), ada); err != nil {
				t.Fatalf("Check: %v", err)
			}
			version = storecheck.Swap(t, s, version, "small")
			storecheck.Expect(t, s, "small", version)
		}
		if err := unlock(t.Context()); err != nil {
			t.Errorf("unlock: %v", err)
		}
		if err := s.Delete(t.Context(), ada); err != nil {
			t.Errorf("Delete: %v", err)
		}

		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		rec, found, err := s.Load(t.Context(), ada)
		if found || err != nil || rec.Version <= version {
			t.Errorf("Load: %v, %t, %v; want a deletion", rec, found, err)
		}
		storecheck.Swap(t, s, 0, "after")
	})
}

// The session does not ask Spotify for a token that could not be saved.
func TestCheckNoticesAFullDisk(t *testing.T) {
	onSmallDisk(t, "2m", func(disk string) {
		s := open(t, filepath.Join(disk, "spotipie", "store.db"), nil)
		version, err := s.Swap(t.Context(), ada, 0, large(t, "one"))
		if err != nil {
			t.Fatal(err)
		}
		do(t, raw(t, s.Path()), "PRAGMA wal_checkpoint(TRUNCATE)")
		unlock := mustLock(t, s)
		ballast := fill(t, disk)
		expectFault(t, "Check", s.Check(t.Context(), ada), sqlitestore.ErrFull, s.Path())
		rec, found, err := s.Load(t.Context(), ada)
		if !found || err != nil || rec.Version != version {
			t.Errorf("Load: %v, %t, %v", rec, found, err)
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		if err := s.Check(t.Context(), ada); err != nil {
			t.Errorf("Check when there is room again: %v", err)
		}
		if err := unlock(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// New records do not fit into the log. Saved records stay.
func TestDiskThatFillsUpWithRecords(t *testing.T) {
	onSmallDisk(t, "1m", func(disk string) {
		s := open(t, filepath.Join(disk, "spotipie", "store.db"), nil)
		saved := make(map[spotipie.Key]uint64)
		var err error
		for i := 0; err == nil && i < 10_000; i++ {
			key := spotipie.Key{ClientID: "client", Profile: strings.Repeat("x", i%7) + string(rune(0x4e00+i))}
			var version uint64
			if version, err = s.Swap(t.Context(), key, 0, storecheck.Record(t, "one")); err == nil {
				saved[key] = version
			}
		}
		expectFault(t, "Swap", err, sqlitestore.ErrFull, s.Path())
		if len(saved) == 0 {
			t.Error("no record has been saved")
		}
		for key, version := range saved {
			if rec, found, err := s.Load(t.Context(), key); !found || err != nil || rec.Version != version {
				t.Fatalf("Load: %v, %t, %v; want version %d", rec, found, err, version)
			}
		}
	})
}

func TestDiskThatIsFullFromTheBeginning(t *testing.T) {
	onSmallDisk(t, "64k", func(disk string) {
		path := filepath.Join(disk, "spotipie", "store.db")
		fill(t, disk)
		_, err := sqlitestore.Open(t.Context(), path, nil)
		expectFault(t, "Open", err, sqlitestore.ErrFull, path)
		if left, _ := filepath.Glob(filepath.Join(disk, "spotipie", "*")); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

func TestReadOnlyDisk(t *testing.T) {
	onSmallDisk(t, "1m", func(disk string) {
		path := filepath.Join(disk, "spotipie", "store.db")
		version := saveAndClose(t, path)
		if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatalf("mounting read-only: %v", err)
		}
		_, err := sqlitestore.Open(t.Context(), path, nil)
		expectFault(t, "Open", err, sqlitestore.ErrReadOnly, path)
		if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT, ""); err != nil {
			t.Fatalf("mounting: %v", err)
		}
		storecheck.Expect(t, open(t, path, nil), "one", version)
	})
}

// The child has no privileges.
func TestReadOnlyFile(t *testing.T) {
	path, isChild := child.Argument()
	if !isChild {
		child.Run(t, newPath(t), 1000)
		return
	}
	version := saveAndClose(t, path)
	for name, mode := range map[string]fs.FileMode{path: 0o400, filepath.Dir(path): 0o500} {
		before, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		_, err = sqlitestore.Open(t.Context(), path, nil)
		expectFault(t, "Open of what is read-only", err, sqlitestore.ErrReadOnly, path)
		if err := os.Chmod(name, before.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
		s := open(t, path, nil)
		storecheck.Expect(t, s, "one", version)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A database that was opened for reading only says so when it is written to.
func TestWritesThatTheSystemRefuses(t *testing.T) {
	path := newPath(t)
	s := open(t, path, nil)
	version := storecheck.Swap(t, s, 0, "one")
	s.RefuseWrites(t)
	_, err := s.Swap(t.Context(), ada, version, storecheck.Record(t, "two"))
	expectFault(t, "Swap", err, sqlitestore.ErrReadOnly, path)
	expectFault(t, "Delete", s.Delete(t.Context(), ada), sqlitestore.ErrReadOnly, path)
	_, err = s.Lock(t.Context(), ada)
	expectFault(t, "Lock", err, sqlitestore.ErrReadOnly, path)
	storecheck.Expect(t, s, "one", version)
}

// SQLite gives its files the mode that the umask leaves. Other users must still have no
// access.
func TestFilesArePrivateUnderAnyUmask(t *testing.T) {
	path, isChild := child.Argument()
	if !isChild {
		child.Run(t, newPath(t), 1000)
		return
	}
	for _, umask := range []int{0o000, 0o022, 0o077, 0o277} {
		syscall.Umask(umask)
		path := filepath.Join(filepath.Dir(path), fmt.Sprintf("umask-%o", umask), "store.db")
		s := open(t, path, nil)
		version := storecheck.Swap(t, s, 0, "one")
		if err := mustLock(t, s)(t.Context()); err != nil {
			t.Error(err)
		}
		files, err := filepath.Glob(path + "*")
		if err != nil || len(files) != 4 { // the database, -wal, -shm and the file of the process
			t.Errorf("umask %#o: the files are %v, %v", umask, files, err)
		}
		for _, file := range append(files, filepath.Dir(path)) {
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if mode := info.Mode().Perm(); mode&0o077 != 0 || mode&0o400 == 0 {
				t.Errorf("umask %#o: %s has mode %#o", umask, file, mode)
			}
		}
		storecheck.Expect(t, open(t, path, nil), "one", version)
	}
}
