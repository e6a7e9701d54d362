package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spotipie/spotipie"
)

const (
	// deletionLife is how long a deletion is remembered at least.
	deletionLife = 7 * 24 * time.Hour
	// tidyEvery is how often Delete looks for deletions that are older, and for
	// what else can go.
	tidyEvery = time.Hour
	// maxDeletion is more than the file of a deletion takes, and less than that
	// of most records.
	maxDeletion = 512
)

// Delete implements [spotipie.Store]. It needs no sealing key, but does not
// remove a file that it cannot read at all.
func (s *Store) Delete(ctx context.Context, key spotipie.Key) error {
	return s.deleteIf(ctx, key, func(uint64, bool) bool { return true })
}

// DeleteVersion implements [spotipie.VersionDeleter]. See Delete.
func (s *Store) DeleteVersion(ctx context.Context, key spotipie.Key, version uint64) error {
	return s.deleteIf(ctx, key, func(now uint64, found bool) bool {
		if !found {
			return version == 0
		}
		return now == version
	})
}

// deleteIf deletes if the version of the record, or of its deletion, isWanted.
func (s *Store) deleteIf(ctx context.Context, key spotipie.Key, isWanted func(version uint64, found bool) bool) error {
	if err := s.deleteRecord(ctx, key, isWanted); err != nil {
		return err
	}
	if now := time.Now().Unix(); now-s.tidied.Load() >= int64(tidyEvery/time.Second) {
		s.tidy()
	}
	return nil
}

func (s *Store) deleteRecord(ctx context.Context, key spotipie.Key, isWanted func(version uint64, found bool) bool) error {
	base := s.path(key, "")
	lock, err := s.locks.acquire(ctx, base, swapSuffix)
	if err != nil {
		return s.folderError(err)
	}
	defer lock.release()
	version, found, err := s.versionOf(key)
	if err != nil {
		return err
	}
	if !isWanted(version, found) {
		return fmt.Errorf("filestore: deleting %s: %w", s.Path(key), spotipie.ErrVersionConflict)
	}
	data, err := encodeDeletion(filepath.Base(base), spotipie.NextVersion(version, time.Now()))
	if err != nil {
		return fmt.Errorf("filestore: deleting %s: %w", s.Path(key), err)
	}
	err = s.replace(ctx, base, data)
	if found && isFull(err) { // a logout must still work, and makes room
		if err = os.Remove(s.Path(key)); err == nil {
			err = s.replace(ctx, base, data)
		}
	}
	if err != nil {
		return s.folderError(fmt.Errorf("filestore: deleting %s: %w", s.Path(key), err))
	}
	lock.remove()
	s.locks.tryRemove(base, lockSuffix)
	return nil
}

// versionOf returns the version of a key's record or deletion, or 0.
func (s *Store) versionOf(key spotipie.Key) (version uint64, found bool, err error) {
	path := s.Path(key)
	data, found, err := s.read(path)
	if err != nil || !found {
		return 0, false, err
	}
	e, err := decodeEnvelope(path, data)
	if err != nil {
		return 0, false, err
	}
	if e.Deleted == "" && e.Key.key() != key {
		return 0, false, damaged(path, "holds the record of another key: it was renamed or copied here")
	}
	return e.Version, e.Deleted == "", nil
}

// forgetDeletions removes deletions that are old enough, and their lock files.
func (s *Store) forgetDeletions(entries []os.DirEntry) {
	for _, entry := range entries {
		base, ours := baseOfRecord(entry.Name())
		if !ours || !entry.Type().IsRegular() {
			continue
		}
		path := filepath.Join(s.dir, base)
		if !s.isOldDeletion(path + recordSuffix) {
			continue
		}
		s.locks.tryRemove(path, lockSuffix)
		lock := s.locks.try(path, swapSuffix)
		if lock == nil {
			continue
		}
		if s.isOldDeletion(path + recordSuffix) { // nobody has saved meanwhile
			_ = os.Remove(path + recordSuffix)
		}
		_ = lock.release()
	}
}

func (s *Store) isOldDeletion(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Size() > maxDeletion || time.Since(info.ModTime()) < deletionLife {
		return false
	}
	data, err := readFile(path, s.allowExposed)
	if err != nil {
		return false
	}
	e, err := decodeEnvelope(path, data)
	return err == nil && e.Deleted != ""
}

// isMissing reports whether there is no file.
func isMissing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}
