package sqlitestore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/lease"
	"github.com/spotipie/spotipie/internal/notices"
	"github.com/spotipie/spotipie/internal/privatedir"
)

// DefaultLease is the default of [Options].Lease.
const DefaultLease = 30 * time.Second

const (
	maxRecord = 1 << 20 // bytes of a record's JSON
	// deletionLife is how long a deletion is remembered, at least.
	deletionLife = 7 * 24 * time.Hour
	// minTrial is how much Check writes at least, in bytes.
	minTrial = 4 << 10
	// reserve is how much Open writes, in bytes, so that when the disk is full
	// later, the log still has room for saves and the database for some
	// records.
	reserve = 64 << 10
)

// Options adjust a store. A nil *Options and the zero value mean the defaults
// named here.
type Options struct {
	// Lease is how long a suspended holder of a lock keeps the others waiting.
	// At least 50 ms; set it well above the longest pause of a healthy process.
	// Default: [DefaultLease].
	Lease time.Duration
	// AllowExposed accepts a folder and a database that other users can access
	// or own, for file systems without permissions. Default: they are refused.
	AllowExposed bool
}

// Store is a [spotipie.Store] in a SQLite database, and a [spotipie.Checker],
// [spotipie.Watcher], [spotipie.ChangeWatcher] and [spotipie.Summarizer]. Make
// one with Open. It is safe for concurrent use, and any number of them, in any
// number of processes, can share the same file.
//
// Its methods return when their context ends, unless the disk does not answer.
type Store struct {
	path     string
	file     fs.FileInfo
	lease    time.Duration
	presence *presence
	locks    *lease.Locks
	seen     sightings
	hub      *notices.Hub
	closed   atomic.Bool
	done     chan struct{} // closed with the store

	reading, saving, locking *database
}

// Open opens the database at path. If there is none, it makes the database, and
// its folder (mode 0700) if that is missing. It fails, with a [*DatabaseError]
// that says what to do, and changes nothing, if the file is not a database of
// this package ([ErrForeign], [ErrDamaged]), has a newer schema
// ([ErrNewerSchema]), or is accessible to other users ([ErrExposed]). Close the
// store when nothing uses it any more.
func Open(ctx context.Context, path string, opts *Options) (*Store, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	o.Lease = cmp.Or(o.Lease, DefaultLease)
	if o.Lease < lease.MinLength {
		return nil, fmt.Errorf("sqlitestore: Options.Lease is %s, less than %s", o.Lease, lease.MinLength)
	}
	path, err := locate(path)
	if err != nil {
		return nil, err
	}
	if err := checkFolder(path, o.AllowExposed); err != nil {
		return nil, err
	}
	s := &Store{path: path, lease: o.Lease, presence: newPresence(path), done: make(chan struct{})}
	s.hub = notices.NewHub(s.listen)
	s.locks = lease.NewLocks(leases{s}, o.Lease)
	if err := makeDatabase(ctx, path); err != nil {
		return nil, s.wrapDoing("making the database", ended(ctx, err))
	}
	if s.file, err = checkFile(path, o.AllowExposed); err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(s.wrapDoing("opening the database", ended(ctx, err)), s.close())
	}
	s.takeRoom(ctx)
	s.removeLeftovers()
	s.forgetLocks(ctx)
	return s, nil
}

// start connects and prepares.
func (s *Store) start(ctx context.Context) (err error) {
	if s.reading, err = s.newDatabase(ctx, readers, readPragmas, readStatements()); err != nil {
		return err
	}
	// SQLite creates it with a mode that depends on the umask.
	_ = os.Chmod(s.path+"-shm", privatedir.FileMode)
	// If the size is not a multiple of the page size, the file was cut short.
	if s.file.Size()%pageSize != 0 {
		return damaged(s.path, "does not end at the end of a page", nil)
	}
	if s.saving, err = s.newDatabase(ctx, 1, savePragmas, saveStatements()); err != nil {
		return err
	}
	s.locking, err = s.newDatabase(ctx, 1, lockPragmas, lockStatements())
	return err
}

// Close ends all watches, releases all locks and closes the database. It may be
// called more than once.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	close(s.done)
	if err := explain(s.path, s.close()); err != nil {
		return fmt.Errorf("sqlitestore: closing %s: %w", s.path, err)
	}
	return nil
}

func (s *Store) close() error {
	err := s.presence.end()
	for _, d := range []*database{s.reading, s.locking, s.saving} {
		if d != nil {
			err = errors.Join(err, d.Close())
		}
	}
	return err
}

// Path returns the path of the database.
func (s *Store) Path() string { return s.path }

// present fails if the database is no longer where it was when it was opened.
// Writes to a database that was moved away would be lost.
func (s *Store) present() error {
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !os.SameFile(info, s.file):
		return missing(s.path)
	case err != nil:
		return fmt.Errorf("looking for the database: %w", err)
	}
	return nil
}

// try writes as many bytes as the record of a key has, and at least minTrial.
func (s *Store) try(ctx context.Context, key spotipie.Key, atLeast int) error {
	return s.saving.change(ctx, s, func(tx *sql.Tx) error {
		return s.saving.exec(ctx, tx, trySQL, atLeast, key.ClientID, key.Profile)
	})
}

// takeRoom reserves room in the log and the database, if there is some, for
// saves when the disk is full.
func (s *Store) takeRoom(ctx context.Context) {
	err := s.try(ctx, spotipie.Key{}, reserve)
	if err == nil {
		err = s.try(ctx, spotipie.Key{}, minTrial) // this frees most of it in the database
	}
	if err == nil {
		_, _ = s.saving.ExecContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`) // the log keeps its size
	}
}

// Load implements [spotipie.Store].
func (s *Store) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	rec, found, err := s.load(ctx, key)
	return rec, found, s.wrapUnlessMismatch("loading", key, err)
}

func (s *Store) load(ctx context.Context, key spotipie.Key) (rec spotipie.Record, found bool, err error) {
	if err := s.present(); err != nil {
		return rec, false, err
	}
	var r row
	err = s.reading.row(ctx, nil, loadSQL, []any{key.ClientID, key.Profile}, &r.format, &r.version, &r.record)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return rec, false, nil
	case err != nil:
		return rec, false, err
	case !r.record.Valid:
		return spotipie.Record{Version: uint64(max(r.version, 0))}, false, nil
	case r.format != format:
		return rec, false, s.otherFormat(key, r.format)
	case r.version <= 0:
		return rec, false, s.mismatch(key, "has an invalid version")
	case len(r.record.String) > maxRecord || json.Unmarshal([]byte(r.record.String), &rec) != nil:
		return spotipie.Record{}, false, s.mismatch(key, "is not a record in JSON")
	}
	rec.Version = uint64(r.version)
	return rec, true, nil
}

// row is the row of a key in the database.
type row struct {
	format, version int64
	record          sql.NullString // JSON; not valid: deleted
}

// Swap implements [spotipie.Store]. On a full disk it uses the room that the
// log has.
func (s *Store) Swap(ctx context.Context, key spotipie.Key, version uint64, rec spotipie.Record) (saved uint64, err error) {
	floor := rec.Version
	rec.Version = 0
	data, err := json.Marshal(rec)
	switch {
	case err != nil:
		return 0, fmt.Errorf("sqlitestore: encoding the record of %s: %w", key, err)
	case len(data) > maxRecord:
		return 0, s.wrap("saving", key, fmt.Errorf("the record has %d bytes as JSON, and the store accepts at most %d", len(data), maxRecord))
	}
	err = s.saving.change(ctx, s, func(tx *sql.Tx) error {
		now, err := s.rowToReplace(ctx, tx, key)
		switch {
		case err != nil:
			return err
		case now.record.Valid && now.format != format:
			return s.otherFormat(key, now.format)
		case now.record.Valid && uint64(now.version) != version, !now.record.Valid && version != 0:
			return spotipie.ErrVersionConflict
		}
		saved, err = s.replace(ctx, tx, key, max(uint64(max(now.version, 0)), floor), &rec, string(data))
		return err
	})
	if err != nil {
		return 0, s.wrapUnlessMismatch("saving", key, err)
	}
	return saved, nil
}

// rowToReplace returns the row of a key, or an empty one.
func (s *Store) rowToReplace(ctx context.Context, tx *sql.Tx, key spotipie.Key) (r row, err error) {
	err = s.saving.row(ctx, tx, loadSQL, []any{key.ClientID, key.Profile}, &r.format, &r.version, &r.record)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return r, err
}

// replace saves a record, or a deletion if rec is nil, in place of what a key
// has, and returns its version, which is higher than previous.
func (s *Store) replace(ctx context.Context, tx *sql.Tx, key spotipie.Key, previous uint64, rec *spotipie.Record, data string) (uint64, error) {
	if previous >= math.MaxInt64 {
		return 0, fmt.Errorf("no version can follow %d", previous)
	}
	now := time.Now()
	version := spotipie.NextVersion(previous, now)
	if rec == nil {
		rec = &spotipie.Record{}
	}
	record := sql.NullString{String: data, Valid: data != ""}
	consentedAt := sql.NullInt64{Int64: rec.AuthorizedAt.UnixMicro(), Valid: !rec.AuthorizedAt.IsZero()}
	refused := 0
	if rec.Rejected != "" {
		refused = 1
	}
	if err := s.saving.exec(ctx, tx, countSQL); err != nil {
		return 0, err
	}
	return version, s.saving.exec(ctx, tx, replaceSQL,
		key.ClientID, key.Profile, format, int64(version), record, consentedAt, refused, now.UnixMicro())
}

// Delete implements [spotipie.Store]. It also removes a record that Load
// refuses because of its format.
func (s *Store) Delete(ctx context.Context, key spotipie.Key) error {
	return s.deleteIf(ctx, key, func(row) bool { return true })
}

// DeleteVersion implements [spotipie.VersionDeleter].
func (s *Store) DeleteVersion(ctx context.Context, key spotipie.Key, version uint64) error {
	return s.deleteIf(ctx, key, func(now row) bool {
		if !now.record.Valid {
			return version == 0
		}
		return uint64(max(now.version, 0)) == version
	})
}

// deleteIf deletes the record if isWanted says so.
func (s *Store) deleteIf(ctx context.Context, key spotipie.Key, isWanted func(row) bool) error {
	err := s.saving.change(ctx, s, func(tx *sql.Tx) error {
		now, err := s.rowToReplace(ctx, tx, key)
		if err != nil {
			return err
		}
		if !isWanted(now) {
			return spotipie.ErrVersionConflict
		}
		if _, err := s.replace(ctx, tx, key, uint64(max(now.version, 0)), nil, ""); err != nil {
			return err
		}
		return s.saving.exec(ctx, tx, forgetSQL, time.Now().Add(-deletionLife).UnixMicro(), key.ClientID, key.Profile)
	})
	return s.wrap("deleting", key, err)
}

// List implements [spotipie.Store].
func (s *Store) List(ctx context.Context) (keys []spotipie.Key, err error) {
	err = s.present()
	if err == nil {
		err = s.reading.rows(ctx, listSQL, nil, func(scan func(...any) error) error {
			var key spotipie.Key
			err := scan(&key.ClientID, &key.Profile)
			keys = append(keys, key)
			return err
		})
	}
	if err != nil {
		return nil, s.wrapDoing("listing", err)
	}
	return keys, nil
}

func (s *Store) wrapUnlessMismatch(doing string, key spotipie.Key, err error) error {
	var mismatch *spotipie.RecordMismatchError
	if errors.As(err, &mismatch) {
		return err
	}
	return s.wrap(doing, key, err)
}

func (s *Store) otherFormat(key spotipie.Key, number int64) error {
	return s.mismatch(key, fmt.Sprintf("has format %d, and this program knows format %d", number, format))
}

func (s *Store) mismatch(key spotipie.Key, reason string) error {
	return &spotipie.RecordMismatchError{Key: key, Reason: fmt.Sprintf(
		"sqlitestore: the record in %s %s: update the older program, or delete the record and authorize again",
		filepath.ToSlash(s.path), reason)}
}
