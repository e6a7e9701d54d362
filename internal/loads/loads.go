// Package loads lets goroutines that load the same record at the same time
// share one load.
package loads

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/spotipie/spotipie"
)

const (
	// timeout limits a load.
	timeout = 10 * time.Second
	// patience is how long a load waits for the one before it. If the server
	// does not answer one, it may answer the next on another connection.
	patience = 250 * time.Millisecond
)

var errTimeout = fmt.Errorf("no answer in %s", timeout)

// Load loads a record, as in [spotipie.Store]: it returns soon after its context
// ends.
type Load func(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error)

// Group loads records with a Load. Make one with NewGroup. Its Load method may
// be called from many goroutines.
type Group struct {
	load Load

	mu   sync.Mutex
	next map[spotipie.Key]*flight // new callers join it: it has not begun
	last map[spotipie.Key]*flight // the last one that has begun and not ended
}

// flight is a load that several callers wait for.
type flight struct {
	waiting int // Group.mu protects it
	cancel  context.CancelFunc
	done    chan struct{}

	record spotipie.Record
	found  bool
	err    error
}

// NewGroup returns a group.
func NewGroup(load Load) *Group {
	return &Group{load: load, next: make(map[spotipie.Key]*flight), last: make(map[spotipie.Key]*flight)}
}

// Load returns the result of a load that begins after Load is called, so it
// includes every save that has ended by then. While a load is under way, new
// callers share the next one. A load is given up when nobody waits for it any
// longer, or if it takes longer than ten seconds.
func (g *Group) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	if err := ctx.Err(); err != nil {
		return spotipie.Record{}, false, err
	}
	f, isShared := g.join(ctx, key)
	if !isShared {
		g.run(ctx, key, f)
		if f.err != nil && ctx.Err() != nil {
			return spotipie.Record{}, false, ctx.Err()
		}
		return f.record, f.found, f.err
	}
	select {
	case <-f.done:
		record := f.record
		record.RequestedScope = slices.Clone(record.RequestedScope)
		return record, f.found, f.err
	case <-ctx.Done():
		g.leave(key, f)
		return spotipie.Record{}, false, ctx.Err()
	}
}

// join returns the flight of a new caller. Without another load of the key it is
// the caller's own, who runs it: nobody joins a load that has begun.
func (g *Group) join(ctx context.Context, key spotipie.Key) (f *flight, isShared bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f = g.next[key]
	if f == nil {
		f = &flight{done: make(chan struct{})}
		previous := g.last[key]
		if previous == nil {
			g.last[key] = f
			return f, false
		}
		ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
		g.next[key] = f
		go g.fly(ctx, key, f, previous)
	}
	f.waiting++
	return f, true
}

func (g *Group) leave(key spotipie.Key, f *flight) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f.waiting--; f.waiting > 0 {
		return
	}
	f.cancel()
	if g.next[key] == f { // nobody may join it any more
		delete(g.next, key)
	}
}

// fly waits for its turn and loads.
func (g *Group) fly(ctx context.Context, key spotipie.Key, f, previous *flight) {
	defer f.cancel()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-previous.done:
	case <-timer.C:
	case <-ctx.Done():
	}
	g.mu.Lock()
	if g.next[key] == f {
		delete(g.next, key)
	}
	g.last[key] = f
	g.mu.Unlock()
	g.run(ctx, key, f)
}

// run loads.
func (g *Group) run(ctx context.Context, key spotipie.Key, f *flight) {
	limited := ctx
	if end, ok := ctx.Deadline(); !ok || time.Until(end) > timeout {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeoutCause(ctx, timeout, errTimeout)
		defer cancel()
	}
	defer func() { // even if the load panics
		g.mu.Lock()
		if g.last[key] == f {
			delete(g.last, key)
		}
		g.mu.Unlock()
		close(f.done)
	}()
	f.record, f.found, f.err = g.load(limited, key)
	if f.err != nil && limited.Err() != nil && ctx.Err() == nil {
		f.err = fmt.Errorf("%w: %w", context.Cause(limited), f.err)
	}
}
