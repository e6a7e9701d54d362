package redisstore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/lease"
	"github.com/spotipie/spotipie/internal/notices"
)

// Defaults of [Options].
const (
	DefaultPrefix = "spotipie:"
	DefaultLease  = 30 * time.Second
)

const (
	format    = "1"     // of the record hash
	maxRecord = 1 << 20 // bytes of a record's JSON
)

// Options adjust a store. A nil *Options and the zero value mean the defaults
// named here.
type Options struct {
	// Prefix is what the names of all keys and of the channel start with.
	// Stores with the same prefix share their records. It has no "{". Default:
	// [DefaultPrefix].
	Prefix string
	// Lease is how long a lock outlives a holder that has died. At least 50
	// ms; keep it well above the longest pause that a healthy process has.
	// Default: [DefaultLease].
	Lease time.Duration
}

// Store is a [spotipie.Watcher] on Redis. Use New to make one; it may be used
// from many goroutines, and is one of any number on the same records.
type Store struct {
	client  redis.UniversalClient
	prefix  string
	lease   time.Duration
	scripts scripts
	hub     *notices.Hub
}

// New returns a store that uses client, which stays the caller's: close it
// when nothing uses the store any more. New does not connect. It fails for a
// lease that is too short, a prefix with "{" in it, and a cluster client that
// reads from replicas: they lag behind, and an old refresh token may be
// revoked by its use.
func New(client redis.UniversalClient, opts *Options) (*Store, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	o.Prefix = cmp.Or(o.Prefix, DefaultPrefix)
	o.Lease = cmp.Or(o.Lease, DefaultLease)
	if client == nil {
		return nil, errors.New("redisstore: the client is nil")
	}
	if o.Lease < lease.MinLength {
		return nil, fmt.Errorf("redisstore: Options.Lease is %s, less than %s", o.Lease, lease.MinLength)
	}
	if strings.Contains(o.Prefix, "{") {
		return nil, errors.New("redisstore: Options.Prefix has { in it, which marks where the name of a record begins")
	}
	if c, ok := client.(*redis.ClusterClient); ok && c.Options().ReadOnly {
		return nil, errors.New("redisstore: the client reads from replicas (ReadOnly, RouteByLatency or RouteRandomly), which lag behind: give the store one that does not")
	}
	s := &Store{client: client, prefix: o.Prefix, lease: o.Lease, scripts: newScripts()}
	s.hub = notices.NewHub(s.listen)
	return s, nil
}

// Load implements [spotipie.Store].
func (s *Store) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	fields, err := await(ctx, func(ctx context.Context) ([]any, error) {
		return s.client.HMGet(ctx, s.recordName(key), "format", "version", "record").Result()
	})
	if redis.HasErrorPrefix(err, "WRONGTYPE") {
		return spotipie.Record{}, false, s.mismatch(key, "is not a hash")
	}
	if err != nil {
		return spotipie.Record{}, false, s.wrap("loading", key, err)
	}
	if len(fields) != 3 || fields[0] == nil && fields[1] == nil && fields[2] == nil {
		return spotipie.Record{}, false, nil
	}
	rec, err := s.decode(key, fields)
	return rec, err == nil, err
}

func (s *Store) decode(key spotipie.Key, fields []any) (rec spotipie.Record, err error) {
	text := func(i int) string { v, _ := fields[i].(string); return v }
	switch found := text(0); {
	case found == "":
		return rec, s.mismatch(key, "has no field format")
	case found != format:
		return rec, s.mismatch(key, fmt.Sprintf("has format %.20q, and this program knows format %s", found, format))
	}
	version, err := strconv.ParseUint(text(1), 10, 64)
	if err != nil || version == 0 || version > maxVersion || text(1) != strconv.FormatUint(version, 10) {
		return rec, s.mismatch(key, "has a field version that is no version")
	}
	if data := text(2); len(data) > maxRecord || json.Unmarshal([]byte(data), &rec) != nil {
		return spotipie.Record{}, s.mismatch(key, "has a field record that is no record in JSON")
	}
	rec.Version = version
	return rec, nil
}

// Swap implements [spotipie.Store].
func (s *Store) Swap(ctx context.Context, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	rec.Version = 0
	data, err := json.Marshal(rec)
	if err != nil {
		return 0, fmt.Errorf("redisstore: encoding the record of %s: %w", key, err)
	}
	if len(data) > maxRecord {
		return 0, s.wrap("saving", key, fmt.Errorf("the record has %d bytes as JSON, and the store takes %d", len(data), maxRecord))
	}
	newVersion, err := s.runSwap(ctx, key, version, data)
	switch {
	case err != nil:
		return 0, s.wrap("saving", key, err)
	case newVersion == swapConflict:
		return 0, s.wrap("saving", key, spotipie.ErrVersionConflict)
	case newVersion == swapForeign:
		if _, _, err := s.Load(ctx, key); err != nil {
			return 0, err
		}
		return 0, s.mismatch(key, "is not a record, or has the last of all versions")
	}
	saved, err := strconv.ParseUint(newVersion, 10, 64)
	if err != nil {
		return 0, s.wrap("saving", key, errors.New("the script returned no version"))
	}
	return saved, nil
}

// Delete implements [spotipie.Store]. It also removes what Load refuses as a
// record of another format.
func (s *Store) Delete(ctx context.Context, key spotipie.Key) error {
	if err := s.runDelete(ctx, key); err != nil {
		return s.wrap("deleting", key, err)
	}
	return nil
}

// Lock implements [spotipie.Store]. The lock is a lease that is extended until
// unlock is called; a holder that is gone loses it when the lease ends. unlock
// fails if the lease was lost before.
func (s *Store) Lock(ctx context.Context, key spotipie.Key) (func(context.Context) error, error) {
	l := lease.Lease{
		Length:  s.lease,
		Acquire: func(ctx context.Context, owner string) (bool, error) { return s.runAcquire(ctx, key, owner) },
		Extend:  func(ctx context.Context, owner string) (bool, error) { return s.runExtend(ctx, key, owner) },
		Release: func(ctx context.Context, owner string) (bool, error) { return s.runRelease(ctx, key, owner) },
	}
	unlock, err := l.Lock(ctx)
	if err != nil {
		return nil, s.wrap("locking", key, err)
	}
	return func(ctx context.Context) error {
		if err := unlock(ctx); err != nil {
			return s.wrap("unlocking", key, err)
		}
		return nil
	}, nil
}

// wrap says what was being done, and with what in Redis.
func (s *Store) wrap(doing string, key spotipie.Key, err error) error {
	return fmt.Errorf("redisstore: %s %s: %w", doing, s.recordName(key), err)
}

func (s *Store) mismatch(key spotipie.Key, reason string) error {
	return &spotipie.RecordMismatchError{Key: key, Reason: fmt.Sprintf(
		"redisstore: the Redis key %s %s: update the program that is older, or delete the record and authorize again",
		s.recordName(key), reason)}
}

// await runs f and returns its result, or ctx's error as soon as ctx ends: the
// client itself looks at a context only between reads. f goes on then, for no
// longer than the client's timeouts.
func await[T any](ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if ctx.Done() == nil { // it never ends
		return f(ctx)
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f(ctx)
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
