package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
)

// writeConfirmed writes, and waits until replicas have confirmed the write. It
// sends WAIT through the same connection, right after the script.
func (s *Store) writeConfirmed(ctx context.Context, key spotipie.Key, w writing) (string, error) {
	said, confirmed, err := s.writeToNode(ctx, w)
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

// writeToNode writes to the server that has the record. It returns the script's
// answer, and how many replicas have confirmed it, or 0 if that is unknown.
func (s *Store) writeToNode(ctx context.Context, w writing) (said string, confirmed int64, err error) {
	node, inCluster, err := s.nodeOf(ctx, w.name)
	if err != nil {
		return "", 0, err
	}
	said, confirmed, err = s.pipeline(ctx, node, w)
	if inCluster && isRedirection(err) { // the cluster's client follows it
		said, err = w.eval(ctx, s.client).Text()
		return said, 0, err
	}
	return said, confirmed, err
}

// pipeline sends a script and then WAIT. It sends the text of the script: with only
// its hash, a server that does not know it would let WAIT take its time in vain.
func (s *Store) pipeline(ctx context.Context, node *redis.Client, w writing) (said string, confirmed int64, err error) {
	var script, wait *redis.Cmd
	_, _ = node.WithTimeout(node.Options().ReadTimeout+s.replicaTimeout).Pipelined(ctx, func(pipe redis.Pipeliner) error {
		script = w.eval(ctx, pipe)
		wait = pipe.Do(ctx, "WAIT", s.replicas, s.replicaTimeout.Milliseconds())
		return nil
	})
	if said, err = script.Text(); err != nil {
		return "", 0, err
	}
	if confirmed, err = wait.Int64(); err != nil {
		confirmed = 0
	}
	return said, confirmed, nil
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
