package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	folderMode fs.FileMode = 0o700
	fileMode   fs.FileMode = 0o600
)

// makeFolder makes a folder and those above it that are missing. A umask can
// take away more than it should, so each has its mode before it has its name:
// another process may use it from then on.
func makeFolder(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeFolder(parent); err != nil {
			return err
		}
	}
	temp, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".*"+tempSuffix)
	if err != nil {
		return err
	}
	if err = os.Chmod(temp, folderMode); err == nil {
		err = os.Rename(temp, dir)
	}
	if err != nil {
		_ = os.Remove(temp)
		if info, statErr := os.Stat(dir); statErr == nil && info.IsDir() {
			return nil // somebody was faster
		}
		return err
	}
	return syncFolder(parent, (*os.File).Sync)
}

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
	if err := checkPrivate(s.dir, info, folderMode, s.allowExposed); err != nil {
		return err
	}
	return s.checkParents()
}

// checkParents refuses a folder that others can put another one in the place
// of, because they can write to one of the folders above it.
func (s *Store) checkParents() error {
	if s.allowExposed {
		return nil
	}
	resolved, err := filepath.EvalSymlinks(s.dir)
	if err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	for _, dir := range []string{s.dir, resolved} {
		for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
			info, err := os.Lstat(parent)
			if err != nil {
				return fmt.Errorf("filestore: %w", err)
			}
			if problem := openToChange(info); problem != "" {
				return &FileError{
					Path: parent, Err: ErrExposed,
					Problem: problem + ", so that others could put another folder in the place of " + s.dir,
					Advice:  "choose a folder below one of your own, or take the right to write to it from others (chmod go-w)",
				}
			}
			if parent == filepath.Dir(parent) {
				break
			}
		}
		if resolved == s.dir {
			break
		}
	}
	return nil
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

// checkPrivate refuses what others can get at. On Windows modes and owners mean
// nothing.
func checkPrivate(path string, info fs.FileInfo, want fs.FileMode, allowExposed bool) error {
	if allowExposed || runtime.GOOS == "windows" {
		return nil
	}
	if owner, foreign := foreignOwner(info); foreign {
		return &FileError{
			Path: path, Err: ErrExposed,
			Problem: fmt.Sprintf("belongs to another user (id %d)", owner),
			Advice:  "run as that user, or chown it if you know what is in it",
		}
	}
	mode := info.Mode().Perm()
	if mode&^0o700 == 0 {
		return nil
	}
	return &FileError{
		Path: path, Err: ErrExposed,
		Problem: fmt.Sprintf("is open to others (mode %#o)", mode),
		Advice:  fmt.Sprintf("it should be private: chmod %#o it, and revoke the token if others may have read it", want),
	}
}

// removeLeftovers removes temporary files of writers that were killed, and lock
// files that nothing is left of to lock: whoever gets the lock that a writer
// holds knows that it is gone. Not all can always be removed, from a read-only
// disk for one, and nothing depends on it.
func (s *Store) removeLeftovers() {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
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
