package redisstore

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/lease"
)

// writeConfirmed writes, and waits until replicas have confirmed the write. It
// sends WAIT through the same connection, right after the script.
func (s *Store) writeConfirmed(ctx context.Context, key spotipie.Key, w writing) (string, error) {
	answer, confirmed, err := s.evalConfirmed(ctx, w.name, s.replicaTimeout, w.eval)
	if err != nil {
		return "", err
	}
	said, err := answer.Text()
	switch {
	case err != nil:
		return "", err
	case said == writeConflict || said == writeUnknown || said == writeForeign:
		return said, nil
	case confirmed < int64(s.replicas) && s.onUnconfirmed != nil:
		s.onUnconfirmed(key, fmt.Errorf("redisstore: %s was written, but %d of %d replicas confirmed it within %s: a fail-over may lose it",
			w.name, confirmed, s.replicas, s.replicaTimeout))
	}
	return said, nil
}

// evaluator sends a script to a server.
type evaluator func(context.Context, redis.Scripter) *redis.Cmd

// evalConfirmed runs a script that writes to a key of Redis, on the server that has
// it. It returns the script's answer, and how many replicas have confirmed the write
// within timeout, or 0 if that is unknown.
func (s *Store) evalConfirmed(ctx context.Context, name string, timeout time.Duration, eval evaluator) (answer *redis.Cmd, confirmed int64, err error) {
	node, inCluster, err := s.nodeOf(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	answer, confirmed = s.pipeline(ctx, node, timeout, eval)
	if inCluster && isRedirection(answer.Err()) { // the cluster's client follows it
		return eval(ctx, s.client), 0, nil
	}
	return answer, confirmed, nil
}

// pipeline sends a script and then WAIT. It sends the text of the script: with only
// its hash, a server that does not know it would let WAIT take its time in vain.
func (s *Store) pipeline(ctx context.Context, node *redis.Client, timeout time.Duration, eval evaluator) (answer *redis.Cmd, confirmed int64) {
	var wait *redis.Cmd
	_, _ = node.WithTimeout(node.Options().ReadTimeout+timeout).Pipelined(ctx, func(pipe redis.Pipeliner) error {
		answer = eval(ctx, pipe)
		wait = pipe.Do(ctx, "WAIT", s.replicas, timeout.Milliseconds())
		return nil
	})
	confirmed, err := wait.Int64()
	if err != nil {
		confirmed = 0
	}
	return answer, confirmed
}

// lockReplicaTimeout is how long a check of a lock waits for replicas at most. A
// session believes only a quick check, and makes a slower one again.
const lockReplicaTimeout = 500 * time.Millisecond

// extendConfirmed extends a lock, and waits until replicas know of it. So a server
// that takes over while Spotify answers has the lock, and nobody uses the same
// refresh token again. If replicas are away, the lock is good all the same.
func (l leases) extendConfirmed(ctx context.Context, key spotipie.Key, owner string) (bool, error) {
	return await(ctx, l.Store, func(ctx context.Context) (bool, error) {
		name := l.lockName(key)
		answer, _, err := l.evalConfirmed(ctx, name, min(l.replicaTimeout, lockReplicaTimeout), func(ctx context.Context, c redis.Scripter) *redis.Cmd {
			return l.scripts.extend.Eval(ctx, c, []string{name}, owner, lease.OwnerPrefix, l.lease.Milliseconds())
		})
		if err != nil {
			return false, err
		}
		return answer.Bool()
	})
}

// nodeOf returns the client of the server that has a record.
func (s *Store) nodeOf(ctx context.Context, name string) (node *redis.Client, inCluster bool, err error) {
	switch c := s.client.(type) {
	case *redis.Client:
		return c, false, nil
	case *redis.ClusterClient:
		node, err = c.MasterForKey(ctx, name)
		return node, true, err
	}
	return nil, false, fmt.Errorf("cannot wait for replicas with a client of type %T", s.client)
}

// isRedirection reports whether a record is on another node, or is being moved
// there.
func isRedirection(err error) bool {
	for _, prefix := range []string{"MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "READONLY"} {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return false
}
