package seal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/loads"
	"github.com/spotipie/spotipie/internal/typednil"
)

// Defaults of [Options].
const (
	DefaultKeyTimeout = 3 * time.Second
	DefaultCacheSize  = 10_000
	DefaultCacheFor   = 10 * time.Minute
)

// Options adjust a store. A nil *Options and the zero value mean the defaults
// named here.
type Options struct {
	// AllowPlain lets Load return records that are not sealed. Each is sealed
	// when it is saved next, and Reseal seals all. Use it only while you move
	// from plain to sealed: while it is set, anybody who can write to the store
	// can add an unsealed record. Default: such a record is an [*Error] that
	// wraps [ErrNotSealed].
	AllowPlain bool
	// KeyTimeout limits each call of keys that are outside of the process. A
	// session allows 10 seconds in all for a load or a save. Default:
	// [DefaultKeyTimeout].
	KeyTimeout time.Duration
	// CacheSize is how many decrypted data keys the store caches, so that Load
	// calls keys outside of the process only after another process has saved. A
	// data key decrypts one record and takes about 1 KiB. Negative: no cache.
	// It has no effect for keys in memory. Default: [DefaultCacheSize].
	CacheSize int
	// CacheFor is how long a data key is cached. If the key service begins to
	// refuse a key, records can still be opened for that long. Default:
	// [DefaultCacheFor].
	CacheFor time.Duration
}

// Store is a [spotipie.Store] that encrypts records and saves them in another
// store. It is a [spotipie.Checker], [spotipie.Watcher],
// [spotipie.ChangeWatcher] and [spotipie.Summarizer] if the other store is.
// Make one with New. It is safe for concurrent use, and any number of them can
// share the same records.
type Store struct {
	inner      spotipie.Store
	dataKeys   *dataKeys
	loads      *loads.Group // nil: each load decrypts its own record
	allowPlain bool
}

// New returns a store that keeps its records encrypted in inner. New calls
// neither inner nor keys.
func New(inner spotipie.Store, keys Keys, opts *Options) (*Store, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	o.KeyTimeout = cmp.Or(o.KeyTimeout, DefaultKeyTimeout)
	o.CacheSize = cmp.Or(o.CacheSize, DefaultCacheSize)
	o.CacheFor = cmp.Or(o.CacheFor, DefaultCacheFor)
	switch {
	case inner == nil:
		return nil, errors.New("seal: the store is nil")
	case keys == nil:
		return nil, errors.New("seal: the keys are nil")
	case typednil.Is(inner):
		return nil, fmt.Errorf("seal: the store is a nil %T", inner)
	case typednil.Is(keys):
		return nil, fmt.Errorf("seal: the keys are a nil %T", keys)
	case o.KeyTimeout < 0 || o.CacheFor < 0:
		return nil, errors.New("seal: Options.KeyTimeout or Options.CacheFor is negative")
	}
	dataKeys, err := newDataKeys(keys, o)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	s := &Store{inner: inner, dataKeys: dataKeys, allowPlain: o.AllowPlain}
	if !dataKeys.isLocal {
		s.loads = loads.NewGroup(s.load)
	}
	return s, nil
}

// Load implements [spotipie.Store]. If the record cannot be opened, the error
// is an [*Error]. If trying again does not help, found is also true and rec has
// the version, so that a new login can replace the record. Loads of one key at
// the same time make one call of keys outside of the process.
func (s *Store) Load(ctx context.Context, key spotipie.Key) (rec spotipie.Record, found bool, err error) {
	if s.loads != nil {
		return s.loads.Load(ctx, key)
	}
	return s.load(ctx, key)
}

// load is Load without sharing the call.
func (s *Store) load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	rec, found, err := s.inner.Load(ctx, key)
	if err != nil || !found {
		return rec, found, err
	}
	opened, err := s.open(ctx, key, rec)
	if failed := (*Error)(nil); errors.As(err, &failed) {
		return spotipie.Record{Version: rec.Version}, failed.isLasting(), err
	}
	return opened, err == nil, err
}

// open opens a record of the other store.
func (s *Store) open(ctx context.Context, key spotipie.Key, rec spotipie.Record) (spotipie.Record, error) {
	switch {
	case rec.Sealed == nil && s.allowPlain:
		return rec, nil
	case rec.Sealed == nil:
		return spotipie.Record{}, notSealed(key)
	}
	if err := checkSealed(key, rec); err != nil {
		return spotipie.Record{}, err
	}
	with, err := s.dataKeys.open(ctx, key, rec.Sealed)
	if err != nil {
		return spotipie.Record{}, err
	}
	return openRecord(key, with, rec)
}

// Swap implements [spotipie.Store]. If the keys fail, nothing is saved, and the
// error is an [*Error].
func (s *Store) Swap(ctx context.Context, key spotipie.Key, version uint64, rec spotipie.Record) (newVersion uint64, err error) {
	with := s.dataKeys.takePrepared(key)
	if with == nil {
		if with, err = s.dataKeys.create(ctx, key); err != nil {
			return 0, err
		}
	}
	sealed, err := sealRecord(key, with, rec)
	if err != nil {
		return 0, err
	}
	return s.inner.Swap(ctx, key, version, sealed)
}

// Delete implements [spotipie.Store]. It needs no key.
func (s *Store) Delete(ctx context.Context, key spotipie.Key) error { return s.inner.Delete(ctx, key) }

// DeleteVersion implements [spotipie.VersionDeleter]. It needs no key. If the other
// store is not a VersionDeleter, the error wraps [errors.ErrUnsupported].
func (s *Store) DeleteVersion(ctx context.Context, key spotipie.Key, version uint64) error {
	deleter, ok := s.inner.(spotipie.VersionDeleter)
	if !ok {
		return unsupported("delete a version of a record")
	}
	return deleter.DeleteVersion(ctx, key, version)
}

// List implements [spotipie.Store]. It needs no key.
func (s *Store) List(ctx context.Context) ([]spotipie.Key, error) { return s.inner.List(ctx) }

// Lock implements [spotipie.Store].
func (s *Store) Lock(ctx context.Context, key spotipie.Key) (unlock func(context.Context) error, err error) {
	return s.inner.Lock(ctx, key)
}

// Check implements [spotipie.Checker]. If the keys are outside of the process,
// it lets them encrypt the data key of the next save. So no token is requested
// that could not be sealed, and saving it does not wait for the keys. If the
// other store is not a Checker, the error wraps [errors.ErrUnsupported].
func (s *Store) Check(ctx context.Context, key spotipie.Key) error {
	checker, ok := s.inner.(spotipie.Checker)
	if !ok {
		return unsupported("check its locks")
	}
	if err := s.dataKeys.prepare(ctx, key); err != nil {
		return err
	}
	return checker.Check(ctx, key)
}

// Watch implements [spotipie.Watcher]. If the other store is not a Watcher, the
// error wraps [errors.ErrUnsupported].
func (s *Store) Watch(ctx context.Context, key spotipie.Key) (changes <-chan struct{}, err error) {
	watcher, ok := s.inner.(spotipie.Watcher)
	if !ok {
		return nil, unsupported("report changes")
	}
	return watcher.Watch(ctx, key)
}

// WatchChanges implements [spotipie.ChangeWatcher]. If the other store is not a
// ChangeWatcher, the error wraps [errors.ErrUnsupported].
func (s *Store) WatchChanges(ctx context.Context) (changes <-chan spotipie.Change, err error) {
	watcher, ok := s.inner.(spotipie.ChangeWatcher)
	if !ok {
		return nil, unsupported("report all changes")
	}
	return watcher.WatchChanges(ctx)
}

// Summaries implements [spotipie.Summarizer]. It needs no key and decrypts
// nothing, so anybody who can write to the other store can change what it
// returns. If the other store is not a Summarizer, it loads the records one by
// one, like [spotipie.Summaries].
func (s *Store) Summaries(ctx context.Context, query spotipie.SummaryQuery) (spotipie.SummaryPage, error) {
	return spotipie.Summaries(ctx, s.inner, query)
}

func unsupported(what string) error {
	return fmt.Errorf("seal: the store that keeps the records cannot %s: %w", what, errors.ErrUnsupported)
}
