package redisstore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/lease"
	"github.com/spotipie/spotipie/internal/loads"
	"github.com/spotipie/spotipie/internal/notices"
	"github.com/spotipie/spotipie/internal/typednil"
)

// Defaults of [Options].
const (
	DefaultPrefix = "spotipie:"
	DefaultLease  = 30 * time.Second
	// DefaultReplicaTimeout is much longer than a healthy replica lags behind, and
	// shorter than users like to wait.
	DefaultReplicaTimeout = time.Second
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
	// Lease is how long a lock lasts after its holder has died. At least 50 ms.
	// It should be much longer than a healthy process ever pauses. Default:
	// [DefaultLease].
	Lease time.Duration
	// Replicas is how many replicas Swap, Delete and Check wait for (WAIT of Redis),
	// so that a fail-over to one of them does not lose the save, the deletion or
	// the lock. Each then takes as long as the replicas need. Do not set it for a
	// server without replicas. Default: 0, which does not wait.
	Replicas int
	// ReplicaTimeout is how long Swap and Delete wait for the replicas; Check waits
	// for half a second at most, and succeeds without them. Default:
	// [DefaultReplicaTimeout].
	ReplicaTimeout time.Duration
	// OnUnconfirmed is called if fewer than Replicas have confirmed a save or a
	// deletion in time: the server has it, but a fail-over may lose it. The error
	// says how many have confirmed it. Swap and Delete return after OnUnconfirmed,
	// which many goroutines may call at the same time. Default: no call.
	OnUnconfirmed func(key spotipie.Key, err error)
}

// Store is a [spotipie.Checker], [spotipie.Watcher], [spotipie.ChangeWatcher]
// and [spotipie.Summarizer] on Redis. Make one with New. It may be used from
// many goroutines, and any number of stores may share the same records.
type Store struct {
	client  redis.UniversalClient
	prefix  string
	lease   time.Duration
	scripts scripts
	locks   *lease.Locks
	loads   *loads.Group
	hub     *notices.Hub

	replicas       int
	replicaTimeout time.Duration
	onUnconfirmed  func(spotipie.Key, error)
}

// New returns a store that uses client. The caller closes the client when
// nothing uses the store any longer. New does not connect. It fails for a lease
// that is too short, a prefix with "{" in it, a cluster client that reads from
// replicas (they lag behind, so that a used-up refresh token could be sent
// again), and a [redis.Ring] (when a server is down, it looks for a record on
// another one, which does not have it).
func New(client redis.UniversalClient, opts *Options) (*Store, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	o.Prefix = cmp.Or(o.Prefix, DefaultPrefix)
	o.Lease = cmp.Or(o.Lease, DefaultLease)
	o.ReplicaTimeout = cmp.Or(o.ReplicaTimeout, DefaultReplicaTimeout)
	if client == nil || typednil.Is(client) {
		return nil, errors.New("redisstore: the client is nil")
	}
	if o.Lease < lease.MinLength {
		return nil, fmt.Errorf("redisstore: Options.Lease is %s, less than %s", o.Lease, lease.MinLength)
	}
	if strings.Contains(o.Prefix, "{") {
		return nil, errors.New("redisstore: Options.Prefix has { in it, which marks where the name of a record begins")
	}
	if c, ok := client.(*redis.ClusterClient); ok && c.Options().ReadOnly {
		return nil, errors.New("redisstore: the client reads from replicas (ReadOnly, RouteByLatency or RouteRandomly), which lag behind: give the store a client that does not")
	}
	if _, ok := client.(*redis.Ring); ok {
		return nil, errors.New("redisstore: the client is a redis.Ring, which uses another server, without the records, when one is down: use a cluster or Sentinel")
	}
	if o.Replicas < 0 || o.ReplicaTimeout < time.Millisecond {
		return nil, errors.New("redisstore: Options.Replicas is negative, or Options.ReplicaTimeout less than 1ms")
	}
	s := &Store{
		client: client, prefix: o.Prefix, lease: o.Lease, scripts: newScripts(),
		replicas: o.Replicas, replicaTimeout: o.ReplicaTimeout, onUnconfirmed: o.OnUnconfirmed,
	}
	s.hub = notices.NewHub(s.listen)
	s.locks = lease.NewLocks(leases{s}, o.Lease)
	s.loads = loads.NewGroup(s.load)
	return s, nil
}

// Load implements [spotipie.Store]. Loads of one key at the same time share a
// command. A load that takes longer than ten seconds fails.
func (s *Store) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	rec, found, err := s.loads.Load(ctx, key)
	if err != nil && errors.Is(err, ctx.Err()) {
		err = s.wrap("loading", key, err)
	}
	return rec, found, err
}

// load is Load without sharing.
func (s *Store) load(ctx context.Context, key spotipie.Key) (rec spotipie.Record, found bool, err error) {
	state, err := s.read(ctx, key)
	if err != nil {
		return rec, false, err
	}
	if state.record == nil {
		return spotipie.Record{Version: state.version}, false, nil
	}
	rec, err = s.decode(key, *state.record)
	rec.Version = state.version
	return rec, err == nil, err
}

// state is what Redis has at the name of a record.
type state struct {
	version uint64  // of the record or the deletion; 0 if there is neither
	record  *string // JSON; nil if there is none
	old     bool    // the deletion is one of an older version of this package
}

// read reads a state. If it does not understand what is there, the error is a
// [*spotipie.RecordMismatchError].
func (s *Store) read(ctx context.Context, key spotipie.Key) (state, error) {
	fields, err := await(ctx, s, func(ctx context.Context) ([]any, error) {
		return s.client.HMGet(ctx, s.recordName(key), "format", "version", "record", "deleted").Result()
	})
	if redis.HasErrorPrefix(err, "WRONGTYPE") {
		return state{}, s.mismatch(key, "is not a hash")
	}
	if err != nil {
		return state{}, s.wrap("loading", key, err)
	}
	if !slices.ContainsFunc(fields, func(field any) bool { return field != nil }) {
		return s.readOldTombstone(ctx, key)
	}
	text := func(i int) string { v, _ := fields[i].(string); return v }
	switch found := text(0); {
	case found == "":
		return state{}, s.mismatch(key, "has no field format")
	case found != format:
		return state{}, s.mismatch(key, fmt.Sprintf("has format %.20q, and this program knows format %s", found, format))
	}
	version, ok := parseVersion(text(1))
	if !ok {
		return state{}, s.mismatch(key, "has an invalid field version")
	}
	if fields[3] != nil {
		return state{version: version}, nil
	}
	record := text(2)
	return state{version: version, record: &record}, nil
}

// readOldTombstone reads a deletion by an older version of this package, which
// kept deletions under another name, if there is nothing newer.
func (s *Store) readOldTombstone(ctx context.Context, key spotipie.Key) (state, error) {
	text, err := await(ctx, s, func(ctx context.Context) (string, error) {
		return s.client.Get(ctx, s.oldTombstoneName(key)).Result()
	})
	if errors.Is(err, redis.Nil) || redis.HasErrorPrefix(err, "WRONGTYPE") {
		return state{}, nil
	}
	if err != nil {
		return state{}, s.wrap("loading", key, err)
	}
	version, _ := parseVersion(text)
	return state{version: version, old: true}, nil
}

func parseVersion(text string) (version uint64, ok bool) {
	version, err := strconv.ParseUint(text, 10, 64)
	ok = err == nil && version > 0 && version <= maxVersion && text == strconv.FormatUint(version, 10)
	if !ok {
		return 0, false
	}
	return version, true
}

func (s *Store) decode(key spotipie.Key, data string) (rec spotipie.Record, err error) {
	if len(data) > maxRecord || json.Unmarshal([]byte(data), &rec) != nil {
		return spotipie.Record{}, s.mismatch(key, "has a field record that is not a record in JSON")
	}
	return rec, nil
}

// Swap implements [spotipie.Store]. If the client has repeated the command
// because the server's answer was lost, and another process has saved since, it
// is not known whether Swap has saved: the error is not
// [spotipie.ErrVersionConflict].
func (s *Store) Swap(ctx context.Context, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	floor := max(version, rec.Version)
	rec.Version = 0
	data, err := json.Marshal(rec)
	switch {
	case err != nil:
		return 0, fmt.Errorf("redisstore: encoding the record of %s: %w", key, err)
	case len(data) > maxRecord:
		return 0, s.wrap("saving", key, fmt.Errorf("the record has %d bytes as JSON, and the store accepts at most %d", len(data), maxRecord))
	case floor >= maxVersion:
		return 0, s.swapOverTheLast(ctx, key, version)
	}
	if version == 0 {
		return s.swapNew(ctx, key, floor, data)
	}
	saved, err := s.write(ctx, s.scripts.swap, key, strconv.FormatUint(version, 10), floor, data)
	return s.written(ctx, key, saved, err)
}

// swapNew saves a new record. It first looks what is there, so that the write
// does not replace anything newer, however late or often it arrives.
func (s *Store) swapNew(ctx context.Context, key spotipie.Key, floor uint64, data []byte) (uint64, error) {
	for try := 1; ; try++ {
		now, err := s.read(ctx, key)
		switch {
		case err != nil:
			return 0, err
		case now.record != nil:
			return 0, s.wrap("saving", key, spotipie.ErrVersionConflict)
		}
		over := now.version
		if now.old {
			over, floor = 0, max(floor, now.version)
		}
		saved, err := s.write(ctx, s.scripts.swap, key, strconv.FormatUint(over, 10), floor, data)
		if err == nil && saved == writeConflict && try < maxTries {
			continue
		}
		version, err := s.written(ctx, key, saved, err)
		if err == nil && now.old { // if the record were lost, it would look like a deletion
			_, _ = await(ctx, s, func(ctx context.Context) (int64, error) { return s.client.Del(ctx, s.oldTombstoneName(key)).Result() })
		}
		return version, err
	}
}

// swapOverTheLast returns why there can be no version after the last one.
func (s *Store) swapOverTheLast(ctx context.Context, key spotipie.Key, version uint64) error {
	now, err := s.read(ctx, key)
	switch {
	case err != nil:
		return err
	case now.version != version:
		return s.wrap("saving", key, spotipie.ErrVersionConflict)
	}
	return s.mismatch(key, "has the highest possible version, or would have to follow it")
}

// written turns the answer of a script into a version or an error.
func (s *Store) written(ctx context.Context, key spotipie.Key, said string, err error) (uint64, error) {
	switch {
	case err != nil:
		return 0, s.wrap("saving", key, err)
	case said == writeConflict:
		return 0, s.wrap("saving", key, spotipie.ErrVersionConflict)
	case said == writeUnknown:
		return 0, s.wrap("saving", key, errUnknown)
	case said == writeForeign:
		if _, err := s.read(ctx, key); err != nil {
			return 0, err
		}
		return 0, s.mismatch(key, "is not a record, or has the highest possible version")
	}
	version, ok := parseVersion(said)
	if !ok {
		return 0, s.wrap("saving", key, errors.New("the script returned no version"))
	}
	return version, nil
}

// Delete implements [spotipie.Store]. It also removes a record of another
// format, which Load refuses. Like Swap it may fail although it has deleted, if
// the client has repeated the command.
func (s *Store) Delete(ctx context.Context, key spotipie.Key) error {
	return s.deleteIf(ctx, key, nil)
}

// DeleteVersion implements [spotipie.VersionDeleter]. Like Delete it may fail
// although it has deleted.
func (s *Store) DeleteVersion(ctx context.Context, key spotipie.Key, version uint64) error {
	return s.deleteIf(ctx, key, func(now state) bool {
		if now.record == nil {
			return version == 0
		}
		return now.version == version
	})
}

// deleteIf deletes the record if isWanted says so, or anything if isWanted is
// nil.
func (s *Store) deleteIf(ctx context.Context, key spotipie.Key, isWanted func(state) bool) error {
	said := ""
	for range maxTries {
		over, floor := writeForeign, uint64(0)
		if said != writeForeign {
			now, err := s.read(ctx, key)
			var mismatch *spotipie.RecordMismatchError
			switch {
			case err == nil && isWanted != nil && !isWanted(now):
				return s.wrap("deleting", key, spotipie.ErrVersionConflict)
			case err == nil && now.old:
				over, floor = "0", now.version
			case err == nil:
				over = strconv.FormatUint(now.version, 10)
			case !errors.As(err, &mismatch) || isWanted != nil:
				return err
			}
		}
		var err error
		said, err = s.write(ctx, s.scripts.delete, key, over, floor, tombstoneLife.Milliseconds())
		switch {
		case err != nil:
			return s.wrap("deleting", key, err)
		case said == writeUnknown:
			return s.wrap("deleting", key, errUnknown)
		case said == writeForeign && isWanted != nil:
			return s.mismatch(key, "is not a record")
		case said != writeConflict && said != writeForeign:
			return nil
		}
	}
	return s.wrap("deleting", key, errors.New("other processes keep saving it"))
}

// wrap adds to an error what was being done, and with which key.
func (s *Store) wrap(doing string, key spotipie.Key, err error) error {
	return fmt.Errorf("redisstore: %s %s: %w", doing, s.recordName(key), err)
}

func (s *Store) mismatch(key spotipie.Key, reason string) error {
	return &spotipie.RecordMismatchError{Key: key, Reason: fmt.Sprintf(
		"redisstore: the Redis key %s %s: update the older program, or delete the record and authorize again",
		s.recordName(key), reason)}
}

// await runs f, which calls the client, and returns its result, or ctx's error as
// soon as ctx ends: the client itself looks at a context only between reads. f goes
// on then, for no longer than the client's timeouts.
func await[T any](ctx context.Context, s *Store, f func(context.Context) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	type result struct {
		value T
		err   error
	}
	call := func() result {
		value, err := f(ctx)
		s.noteFailure(err)
		return result{value, err}
	}
	if ctx.Done() == nil { // it never ends
		r := call()
		return r.value, r.err
	}
	done := make(chan result, 1)
	go func() { done <- call() }()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// noteFailure has a cluster's client ask who the masters are, if a node did not
// answer: another one may have taken over. By itself the client asks once a minute
// (ClusterStateReloadInterval), and when a node that answers sends it elsewhere. It
// makes one such request at a time, and no more than five a second that are answered.
func (s *Store) noteFailure(err error) {
	cluster, isCluster := s.client.(*redis.ClusterClient)
	var answer redis.Error
	if !isCluster || err == nil || errors.As(err, &answer) || errors.Is(err, redis.ErrClosed) {
		return
	}
	cluster.ReloadState(context.Background())
}
