package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spotipie/spotipie/internal/privatedir"
)

const fileMode = privatedir.FileMode

// checkFolder fails unless the store's folder is there and private.
func (s *Store) checkFolder() error {
	info, err := os.Stat(s.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return missingFolder(s.dir)
	case err != nil:
		return fmt.Errorf("filestore: %w", err)
	case !info.IsDir():
		return fmt.Errorf("filestore: %s is a file, not a folder", s.dir)
	}
	if err := checkPrivate(s.dir, info, privatedir.FolderMode, s.allowExposed); err != nil {
		return err
	}
	return s.checkParents()
}

// checkParents refuses a folder that other users can replace by another one.
func (s *Store) checkParents() error {
	if s.allowExposed {
		return nil
	}
	return exposed(privatedir.CheckParents(s.dir))
}

// folderError says that the folder is missing, if that is the reason for err.
func (s *Store) folderError(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if folderErr := s.checkFolder(); folderErr != nil {
		return folderErr
	}
	return err
}

// checkPrivate refuses a file or folder that other users can access.
func checkPrivate(path string, info fs.FileInfo, want fs.FileMode, allowExposed bool) error {
	if allowExposed {
		return nil
	}
	return exposed(privatedir.Check(path, info, want))
}

// exposed turns an error of privatedir into one of this package.
func exposed(err error) error {
	var e *privatedir.ExposedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return &FileError{Path: e.Path, Problem: e.Problem, Advice: e.Advice, Err: ErrExposed}
	}
	return fmt.Errorf("filestore: %w", err)
}

// tidy lists the folder once and removes what nobody needs any more: what
// killed writers have left, and old deletions. It ignores errors, as on a
// read-only disk, since nothing depends on it.
func (s *Store) tidy() {
	s.tidied.Store(time.Now().Unix())
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	s.removeLeftovers(entries)
	s.forgetDeletions(entries)
}

// removeLeftovers removes temporary files of writers that were killed, and lock
// files without a record. If it gets the lock that a writer holds, the writer
// is gone.
func (s *Store) removeLeftovers(entries []os.DirEntry) {
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		if base, ours := baseOfTemp(entry.Name()); ours {
			s.removeTemp(filepath.Join(s.dir, base), entry.Name())
		} else if base, suffix, ours := baseOfLock(entry.Name()); ours {
			path := filepath.Join(s.dir, base)
			if isMissing(path+recordSuffix) || strings.HasSuffix(suffix, turnSuffix) {
				s.locks.tryRemove(path, suffix)
			}
		}
	}
}

func (s *Store) removeTemp(base, name string) {
	lock := s.locks.try(base, swapSuffix)
	if lock == nil {
		return // it is being written
	}
	_ = os.Remove(filepath.Join(s.dir, name))
	_ = lock.release()
}
