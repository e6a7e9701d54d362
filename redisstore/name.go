package redisstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
)

const (
	recordSuffix = "}:record"
	scanCount    = 1000 // how many keys Redis looks at for a page of List
)

// tag names an authorization in the keys of Redis. It has no colon but the one
// between its parts, no brace and nothing that a pattern could take for a
// wildcard.
func tag(key spotipie.Key) string {
	return url.QueryEscape(key.ClientID) + ":" + url.QueryEscape(key.Profile)
}

func (s *Store) recordName(key spotipie.Key) string { return s.prefix + "{" + tag(key) + recordSuffix }

func (s *Store) lockName(key spotipie.Key) string { return s.prefix + "{" + tag(key) + "}:lock" }

// oldTombstoneName is where older versions of this package kept deletions.
func (s *Store) oldTombstoneName(key spotipie.Key) string {
	return s.prefix + "{" + tag(key) + "}:tombstone"
}

func (s *Store) channel() string { return s.prefix + "changed" }

// parseRecordName is the reverse of recordName.
func (s *Store) parseRecordName(name string) (key spotipie.Key, ok bool) {
	name, hasPrefix := strings.CutPrefix(name, s.prefix+"{")
	name, hasSuffix := strings.CutSuffix(name, recordSuffix)
	id, profile, hasColon := strings.Cut(name, ":")
	if !hasPrefix || !hasSuffix || !hasColon {
		return key, false
	}
	var err1, err2 error
	key.ClientID, err1 = url.QueryUnescape(id)
	key.Profile, err2 = url.QueryUnescape(profile)
	return key, err1 == nil && err2 == nil
}

// List implements [spotipie.Store]. It scans all keys of the database, on every
// master of a cluster twice: it is for people and start-up, not for every
// request. A client of one node of a cluster is refused, as it would list a part.
func (s *Store) List(ctx context.Context) ([]spotipie.Key, error) {
	keys, err := await(ctx, s.scanAll)
	if err != nil {
		return nil, fmt.Errorf("redisstore: listing %s*: %w", s.prefix, err)
	}
	return keys, nil
}

func (s *Store) scanAll(ctx context.Context) ([]spotipie.Key, error) {
	found := &keySet{keys: make(map[spotipie.Key]bool)}
	scan := func(ctx context.Context, node *redis.Client) error { return s.scan(ctx, node, found) }
	var err error
	switch c := s.client.(type) {
	case *redis.ClusterClient:
		// A slot that moves during the first round, and is missed there, is where
		// it belongs during the second one.
		for range 2 {
			c.ReloadState(ctx)
			err = errors.Join(err, c.ForEachMaster(ctx, scan))
		}
	case *redis.Client:
		if err = refuseClusterNode(ctx, c); err == nil {
			err = scan(ctx, c)
		}
	default:
		err = fmt.Errorf("cannot scan with a client of type %T", c)
	}
	return slices.Collect(maps.Keys(found.keys)), err
}

// refuseClusterNode fails if a client leads to one node of a cluster. A user who
// may not ask for that is not in a cluster, or could not use it.
func refuseClusterNode(ctx context.Context, client *redis.Client) error {
	if client.Do(ctx, "CLUSTER", "SLOTS").Err() != nil {
		return nil
	}
	return errors.New("the address is that of one node of a cluster, which has a part of the records: use a cluster client")
}

// keySet collects keys from several goroutines. A scan may return a key twice.
type keySet struct {
	mu   sync.Mutex
	keys map[spotipie.Key]bool
}

func (s *Store) scan(ctx context.Context, node *redis.Client, found *keySet) error {
	for cursor := uint64(0); ; {
		names, next, err := node.Scan(ctx, cursor, escapePattern(s.prefix)+"{*"+recordSuffix, scanCount).Result()
		if err != nil {
			return err
		}
		deleted, err := s.deleted(ctx, node, names)
		if err != nil {
			return err
		}
		found.mu.Lock()
		for i, name := range names {
			if key, ok := s.parseRecordName(name); ok && !deleted[i] {
				found.keys[key] = true
			}
		}
		found.mu.Unlock()
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// deleted reports which of the names are those of tombstones, or gone.
func (s *Store) deleted(ctx context.Context, node *redis.Client, names []string) ([]bool, error) {
	marks := make([]*redis.StringCmd, len(names))
	_, _ = node.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, name := range names {
			marks[i] = pipe.HGet(ctx, name, "deleted")
		}
		return nil
	})
	deleted := make([]bool, len(names))
	for i, mark := range marks {
		switch err := mark.Err(); {
		case err == nil:
			deleted[i] = true
		case errors.Is(err, redis.Nil), redis.HasErrorPrefix(err, "WRONGTYPE"):
		case redis.HasErrorPrefix(err, "ASK"), redis.HasErrorPrefix(err, "MOVED"): // it is on its way to another node
			deleted[i] = true
		default:
			return nil, err
		}
	}
	return deleted, nil
}

func escapePattern(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(s)
}
