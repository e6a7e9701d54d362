package filestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/notices"
	"github.com/spotipie/spotipie/internal/privatedir"
)

// Options adjust a store. A nil *Options and the zero value mean the defaults
// named here.
type Options struct {
	// Key seals the records. Default: the zero Key, with which everybody who
	// can read the files can read the records.
	Key Key
	// AllowExposed accepts files and folders that other users can read or
	// change, or that belong to another user, for file systems without
	// permissions. Default: they are refused.
	AllowExposed bool
	// PollInterval makes Watch look at the file at this interval. Set it for
	// file systems that do not report changes, such as network file systems.
	// Default: the operating system reports changes, and where it cannot, Watch
	// looks every 250 ms.
	PollInterval time.Duration
}

const defaultPollInterval = 250 * time.Millisecond

// Store is a [spotipie.Checker], [spotipie.Watcher], [spotipie.ChangeWatcher]
// and [spotipie.Summarizer] in a folder. Its methods may be called from many
// goroutines and processes at once. It needs no closing, and keeps files open
// only while a Watch runs.
//
// Its methods return when their context ends, unless the disk does not answer.
type Store struct {
	dir          string
	key          Key
	allowExposed bool
	pollInterval time.Duration
	locks        *kernelLocks
	hub          *notices.Hub
	sync         func(*os.File) error
	tidied       atomic.Int64 // when the folder was last tidied, in seconds
}

// DefaultDir returns the folder that Open uses by default: spotipie in the
// user's config folder ([os.UserConfigDir]: on Linux $XDG_CONFIG_HOME or
// ~/.config).
func DefaultDir() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("filestore: looking for the config folder: %w", err)
	}
	return filepath.Join(dir, "spotipie"), nil
}

// Open returns the store in a folder, by default [DefaultDir]. It makes the
// folder if it is missing, and removes temporary files of writers that were
// killed and old deletions. It fails if other users can access the folder
// ([ErrExposed]) or if it cannot be made.
func Open(dir string, opts *Options) (*Store, error) {
	if opts == nil {
		opts = &Options{}
	}
	if dir == "" {
		var err error
		if dir, err = DefaultDir(); err != nil {
			return nil, err
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("filestore: %w", err)
	}
	s := &Store{
		dir:          dir,
		key:          opts.Key,
		allowExposed: opts.AllowExposed,
		pollInterval: max(opts.PollInterval, 0),
		locks:        newKernelLocks(opts.AllowExposed),
		sync:         (*os.File).Sync,
	}
	s.hub = notices.NewHub(s.listen)
	if err := privatedir.Make(dir); err != nil {
		return nil, fmt.Errorf("filestore: making the folder: %w", err)
	}
	if err := s.checkFolder(); err != nil {
		return nil, err
	}
	s.tidy()
	return s, nil
}

// Dir returns the store's folder.
func (s *Store) Dir() string { return s.dir }

// Path returns the file of a key, whether or not it exists.
func (s *Store) Path(key spotipie.Key) string { return s.path(key, recordSuffix) }

func (s *Store) path(key spotipie.Key, suffix string) string {
	return filepath.Join(s.dir, baseName(key)+suffix)
}

// Load implements [spotipie.Store].
func (s *Store) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	if err := ctx.Err(); err != nil {
		return spotipie.Record{}, false, err
	}
	path := s.Path(key)
	data, found, err := s.read(path)
	if err != nil || !found {
		return spotipie.Record{}, false, err
	}
	return s.decode(path, key, data)
}

// read returns a file's contents. It reports a file as missing only if the
// folder is there.
func (s *Store) read(path string) (data []byte, found bool, err error) {
	data, err = readFile(path, s.allowExposed)
	if !errors.Is(err, fs.ErrNotExist) {
		return data, err == nil, err
	}
	return nil, false, s.checkFolder()
}

// Swap implements [spotipie.Store].
func (s *Store) Swap(ctx context.Context, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	lock, err := s.locks.acquire(ctx, s.path(key, ""), swapSuffix)
	if err != nil {
		return 0, s.folderError(err)
	}
	defer lock.release()
	current, found, err := s.Load(ctx, key)
	if err != nil {
		return 0, err
	}
	if found && current.Version != version || !found && version != 0 {
		return 0, spotipie.ErrVersionConflict
	}
	if err := s.checkFolder(); err != nil {
		return 0, err
	}
	floor := max(current.Version, rec.Version)
	if floor == math.MaxUint64 {
		return 0, fmt.Errorf("filestore: writing %s: no version can follow %d", s.Path(key), floor)
	}
	next := spotipie.NextVersion(floor, time.Now())
	data, err := s.encode(key, next, rec)
	if err != nil {
		return 0, fmt.Errorf("filestore: encoding the record: %w", err)
	}
	if len(data) > maxFile {
		return 0, fmt.Errorf("filestore: writing %s: the record would take %d bytes, and the store accepts at most %d", s.Path(key), len(data), maxFile)
	}
	if err := s.replace(ctx, s.path(key, ""), data); err != nil {
		return 0, s.folderError(fmt.Errorf("filestore: writing %s: %w", s.Path(key), err))
	}
	return next, nil
}

// List implements [spotipie.Store]. It needs no sealing key. If it cannot read
// some files, it returns the keys of the others together with an error.
func (s *Store) List(ctx context.Context) ([]spotipie.Key, error) {
	var keys []spotipie.Key
	var errs []error
	err := s.each(ctx, func(path string) error {
		key, found, err := s.keyOf(path)
		if err != nil {
			errs = append(errs, err)
		} else if found {
			keys = append(keys, key)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return keys, errors.Join(errs...)
}

// listAtOnce is how many files each asks the system for at once.
const listAtOnce = 1000

// each calls do for the files of records, and of deletions, until it returns an
// error or ctx ends.
func (s *Store) each(ctx context.Context, do func(path string) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	folder, err := os.Open(s.dir)
	if err != nil {
		return s.folderError(fmt.Errorf("filestore: listing: %w", err))
	}
	defer folder.Close()
	for {
		entries, err := folder.ReadDir(listAtOnce)
		for _, entry := range entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			if _, ours := baseOfRecord(entry.Name()); !ours {
				continue
			}
			if err := do(filepath.Join(s.dir, entry.Name())); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return s.folderError(fmt.Errorf("filestore: listing: %w", err))
		}
	}
}

// CheckKey fails with [ErrSeal] if the store's key, or the lack of one, does
// not fit the records. It reads one record, and returns nil if the folder has
// none.
func (s *Store) CheckKey(ctx context.Context) error {
	found := errors.New("found a record")
	err := s.each(ctx, func(path string) error {
		key, isRecord, err := s.keyOf(path)
		if err != nil || !isRecord { // a damaged record does not matter here
			return nil
		}
		if _, _, err := s.Load(ctx, key); errors.Is(err, ErrSeal) {
			return err
		}
		return found
	})
	if errors.Is(err, found) {
		return nil
	}
	return err
}

// keyOf returns the key that a record's file is for.
func (s *Store) keyOf(path string) (key spotipie.Key, found bool, err error) {
	data, found, err := s.read(path)
	if err != nil || !found { // not found: deleted just now
		return spotipie.Key{}, false, err
	}
	e, err := decodeEnvelope(path, data)
	if err != nil || e.Deleted != "" {
		return spotipie.Key{}, false, err
	}
	if baseName(e.Key.key()) != strings.TrimSuffix(filepath.Base(path), recordSuffix) {
		return spotipie.Key{}, false, damaged(path, "holds the record of another key: it was renamed or copied here")
	}
	return e.Key.key(), true, nil
}

// Lock implements [spotipie.Store]. The kernel frees the lock when the process
// ends.
func (s *Store) Lock(ctx context.Context, key spotipie.Key) (func(context.Context) error, error) {
	lock, err := s.locks.acquire(ctx, s.path(key, ""), lockSuffix)
	if err != nil {
		return nil, s.folderError(err)
	}
	return func(context.Context) error { return lock.release() }, nil
}

// Check implements [spotipie.Checker]. It checks that the lock's file is still
// the one that was locked, and does everything that Swap does to save a record
// except for the last step.
func (s *Store) Check(ctx context.Context, key spotipie.Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.checkFolder(); err != nil {
		return err
	}
	if err := s.locks.check(s.path(key, lockSuffix)); err != nil {
		return err
	}
	lock, err := s.locks.acquire(ctx, s.path(key, ""), swapSuffix)
	if err != nil {
		return s.folderError(err)
	}
	defer lock.release()
	if err := s.tryWriting(key); err != nil {
		return s.folderError(fmt.Errorf("filestore: no record could be saved in %s: %w", s.Path(key), err))
	}
	return nil
}
