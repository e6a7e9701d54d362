package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/notices"
)

const (
	// silence is how long the connection may be silent before it is tested by a
	// ping.
	silence = 5 * time.Second
	// answerTimeout is how long the answer to the ping may take.
	answerTimeout = 2 * time.Second
)

// Watch implements [spotipie.Watcher]. All watchers share one connection. When
// it fails, the store connects again, and all watchers get a value, since
// notices may have been lost. When the client is closed, the channels are
// closed too.
func (s *Store) Watch(ctx context.Context, key spotipie.Key) (<-chan struct{}, error) {
	changes, err := s.hub.Watch(ctx, tag(key))
	if err != nil {
		return nil, s.wrap("watching", key, err)
	}
	return changes, nil
}

// WatchChanges implements [spotipie.ChangeWatcher]. It shares the connection of
// all watchers. Changes by older versions of this package come without a
// version.
func (s *Store) WatchChanges(ctx context.Context) (<-chan spotipie.Change, error) {
	changes, err := s.hub.WatchAll(ctx)
	if err != nil {
		return nil, fmt.Errorf("redisstore: watching %s*: %w", s.prefix, err)
	}
	return changes, nil
}

// reader reads the messages of the channel, in order.
type reader struct {
	hub    *notices.Hub
	notify func(name string)
	last   string // the tag of the last message with a version
}

// read passes a message on. It ignores the message with only the tag after the
// one with the version, since that is for older versions of this package.
func (r *reader) read(message string) {
	last := r.last
	r.last = ""
	if message == last {
		return
	}
	name, number, versioned := strings.Cut(message, " ")
	key, ok := parseTag(name)
	if !ok { // about a lock
		r.notify(message)
		return
	}
	version, _ := parseVersion(number)
	if versioned {
		r.last = name
	}
	r.notify(name)
	r.hub.Changed(spotipie.Change{Key: key, Version: version})
}

// listen subscribes and passes notices on until ctx ends, the connection fails
// or the client is closed.
func (s *Store) listen(ctx context.Context, ready func(), notify func(tag string)) error {
	err := s.subscribe(ctx, ready, notify)
	if ctx.Err() == nil {
		s.noteFailure(err)
	}
	if errors.Is(err, redis.ErrClosed) && ctx.Err() == nil {
		return fmt.Errorf("%w: %w", notices.ErrClosed, err)
	}
	return err
}

func (s *Store) subscribe(ctx context.Context, ready func(), notify func(tag string)) error {
	subscription := s.client.Subscribe(ctx)
	defer context.AfterFunc(ctx, func() { _ = subscription.Close() })()
	defer func() { _ = subscription.Close() }()
	if err := subscription.Subscribe(ctx, s.channel()); err != nil {
		return err
	}
	channel := reader{hub: s.hub, notify: notify}
	for asked := false; ; {
		patience := silence
		if asked {
			patience = answerTimeout
		}
		message, err := subscription.ReceiveTimeout(ctx, patience)
		var netErr net.Error
		switch {
		case err == nil:
			asked = false
		case !asked && ctx.Err() == nil && errors.As(err, &netErr) && netErr.Timeout():
			asked = true
			if err := subscription.Ping(ctx); err != nil {
				return err
			}
			continue
		default:
			return err
		}
		switch m := message.(type) {
		case *redis.Subscription:
			ready()
		case *redis.Message:
			channel.read(m.Payload)
		}
	}
}
