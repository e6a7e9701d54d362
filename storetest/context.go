package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// soon is how long a method may take after its context has ended.
const soon = 5 * time.Second

// call is a call of a store's method.
type call struct {
	method string
	do     func(ctx context.Context) error
}

// calls returns a call of every method that the store has, with a key that has a
// record in the given version.
func calls(t *testing.T, s spotipie.Store, k spotipie.Key, version uint64) []call {
	all := []call{
		{"Load", func(ctx context.Context) error { _, _, err := s.Load(ctx, k); return err }},
		{"Swap", func(ctx context.Context) error { _, err := s.Swap(ctx, k, version, record(t, "two")); return err }},
		{"Delete", func(ctx context.Context) error { return s.Delete(ctx, k) }},
		{"List", func(ctx context.Context) error { _, err := s.List(ctx); return err }},
		{"Lock", func(ctx context.Context) error {
			unlock, err := s.Lock(ctx, k)
			if err == nil {
				err = unlock(t.Context())
			}
			return err
		}},
		{"Summaries", func(ctx context.Context) error {
			_, err := spotipie.Summaries(ctx, s, spotipie.SummaryQuery{})
			return err
		}},
	}
	if c, ok := s.(spotipie.Checker); ok {
		all = append(all, call{"Check", func(ctx context.Context) error { return c.Check(ctx, k) }})
	}
	if d, ok := s.(spotipie.VersionDeleter); ok {
		all = append(all, call{"DeleteVersion", func(ctx context.Context) error { return d.DeleteVersion(ctx, k, version) }})
	}
	if w, ok := s.(spotipie.Watcher); ok {
		all = append(all, call{"Watch", func(ctx context.Context) error {
			changes, err := w.Watch(ctx, k)
			return untilClosed(ctx, changes, err)
		}})
	}
	if w, ok := s.(spotipie.ChangeWatcher); ok {
		all = append(all, call{"WatchChanges", func(ctx context.Context) error {
			changes, err := w.WatchChanges(ctx)
			return untilClosed(ctx, changes, err)
		}})
	}
	return all
}

// untilClosed waits until a channel is closed. It must stay open until ctx ends.
func untilClosed[T any](ctx context.Context, changes <-chan T, err error) error {
	if err != nil {
		return err
	}
	for range changes {
	}
	if ctx.Err() == nil {
		return errors.New("the channel was closed before the context ended")
	}
	return ctx.Err()
}

// returns makes a call with a context, and fails the test unless it returns soon
// after that has ended.
func (c call) returns(t *testing.T, ctx context.Context) error {
	t.Helper()
	result := make(chan error, 1)
	go func() { result <- c.do(ctx) }()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-result:
		return err
	case <-time.After(soon):
		t.Fatalf("%s has not returned %s after its context ended", c.method, soon)
		return nil
	}
}

func endedContext(t *testing.T, s spotipie.Store) {
	version := swap(t, s, key("ada"), 0, record(t, "one"))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for _, ctx := range []context.Context{cancelled, expired} {
		for _, c := range calls(t, s, key("ada"), version) {
			err := c.returns(t, ctx)
			if !errors.Is(err, ctx.Err()) && !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s: got error %v, want %v", c.method, err, ctx.Err())
			}
		}
		if _, err := s.Swap(ctx, key("grace"), 0, record(t, "two")); !errors.Is(err, ctx.Err()) {
			t.Errorf("a first Swap: got error %v, want %v", err, ctx.Err())
		}
	}
	expectNothing(t, s, key("grace"))
	expect(t, s, key("ada"), record(t, "one"), version)
	lock(t, s, key("ada"))()
}

// contextThatEndsMeanwhile lets contexts end at random moments of each method. The
// store must then have the old record, the new one or, after a deletion, none. No lock
// may be held.
func contextThatEndsMeanwhile(t *testing.T, s spotipie.Store) {
	for i, c := range calls(t, s, key("ada"), 0) {
		for round := range 10 {
			k := key(fmt.Sprint(c.method, round))
			version := swap(t, s, k, 0, record(t, "one"))
			ctx, cancel := context.WithTimeout(t.Context(), rand.N(2*time.Millisecond))
			err := calls(t, s, k, version)[i].returns(t, ctx)
			isFine := err == nil || errors.Is(err, ctx.Err()) || errors.Is(err, errors.ErrUnsupported)
			if !isFine && c.method != "Check" { // which fails, as the lock is not held
				t.Errorf("%s: got error %v, want %v", c.method, err, ctx.Err())
			}
			cancel()
			rec, found, err := s.Load(t.Context(), k)
			switch {
			case err != nil:
				t.Fatalf("Load after %s: %v", c.method, err)
			case !found && (c.method == "Delete" || c.method == "DeleteVersion"):
			case found && rec.Version == version && rec.Token.Equal(record(t, "one").Token):
			case found && rec.Version > version && rec.Token.Equal(record(t, "two").Token) && c.method == "Swap":
			default:
				t.Errorf("after %s of version %d: found %t, %v", c.method, version, found, rec)
			}
			if c.method == "Lock" {
				lock(t, s, k)()
			}
		}
	}
}
