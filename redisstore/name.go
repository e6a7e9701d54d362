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

// tag names an authorization in the keys of Redis. Its only colon is the one
// between its parts, and it has no brace and no wildcard of patterns.
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

// parseTag is the reverse of tag.
func parseTag(tag string) (key spotipie.Key, ok bool) {
	id, profile, hasColon := strings.Cut(tag, ":")
	var err1, err2 error
	key.ClientID, err1 = url.QueryUnescape(id)
	key.Profile, err2 = url.QueryUnescape(profile)
	return key, hasColon && err1 == nil && err2 == nil
}

// tagOf returns the tag in the name of a record.
func (s *Store) tagOf(name string) (tag string, ok bool) {
	name, hasPrefix := strings.CutPrefix(name, s.prefix+"{")
	name, hasSuffix := strings.CutSuffix(name, recordSuffix)
	return name, hasPrefix && hasSuffix
}

// List implements [spotipie.Store]. It scans all keys of the database, on every
// master of a cluster twice: call it at start-up or by hand, not for every
// request. A client of a single node of a cluster is refused, because it would list
// only a part.
func (s *Store) List(ctx context.Context) ([]spotipie.Key, error) {
	tags, err := await(ctx, s, func(ctx context.Context) ([]string, error) {
		return s.scanAll(ctx, "*", s.deleted)
	})
	if err != nil {
		return nil, fmt.Errorf("redisstore: listing %s*: %w", s.prefix, err)
	}
	var keys []spotipie.Key
	for _, tag := range tags {
		if key, ok := parseTag(tag); ok {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// unwanted reports which names on a node are not to be collected.
type unwanted func(ctx context.Context, node *redis.Client, names []string) ([]bool, error)

// scanAll returns the tags of all records that match a pattern, and, unless they
// are unwanted, of tombstones.
func (s *Store) scanAll(ctx context.Context, tags string, unwanted unwanted) ([]string, error) {
	found := &tagSet{tags: make(map[string]struct{})}
	pattern := escapePattern(s.prefix) + "{" + tags + recordSuffix
	scan := func(ctx context.Context, node *redis.Client) error {
		return s.scan(ctx, node, pattern, unwanted, found)
	}
	var err error
	switch c := s.client.(type) {
	case *redis.ClusterClient:
		// A slot that moves during the first round may be missed, but then it
		// is at its new node in the second one.
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
	return slices.Collect(maps.Keys(found.tags)), err
}

// refuseClusterNode fails if a client is connected to a single node of a
// cluster. If the user may not run the command, the server is not in a cluster,
// or the user could not use one.
func refuseClusterNode(ctx context.Context, client *redis.Client) error {
	if client.Do(ctx, "CLUSTER", "SLOTS").Err() != nil {
		return nil
	}
	return errors.New("the address is a single node of a cluster, which has only a part of the records: use a cluster client")
}

// tagSet collects tags from several goroutines. A scan may return one twice.
type tagSet struct {
	mu   sync.Mutex
	tags map[string]struct{}
}

func (s *Store) scan(ctx context.Context, node *redis.Client, pattern string, unwanted unwanted, found *tagSet) error {
	for cursor := uint64(0); ; {
		names, next, err := node.Scan(ctx, cursor, pattern, scanCount).Result()
		if err != nil {
			return err
		}
		skip := make([]bool, len(names))
		if unwanted != nil {
			if skip, err = unwanted(ctx, node, names); err != nil {
				return err
			}
		}
		found.mu.Lock()
		for i, name := range names {
			if tag, ok := s.tagOf(name); ok && !skip[i] {
				found.tags[tag] = struct{}{}
			}
		}
		found.mu.Unlock()
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// deleted reports which of the names are tombstones or no longer exist.
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
