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

// Load loads a record, as in [spotipie.Store].
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
	f := g.join(ctx, key)
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

func (g *Group) join(ctx context.Context, key spotipie.Key) *flight {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.next[key]
	if f == nil {
		f = &flight{done: make(chan struct{})}
		ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
		g.next[key] = f
		go g.fly(ctx, key, f, g.last[key])
	}
	f.waiting++
	return f
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
	if previous != nil {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-previous.done:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	g.mu.Lock()
	if g.next[key] == f {
		delete(g.next, key)
	}
	g.last[key] = f
	g.mu.Unlock()

	limited, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer in %s", timeout))
	defer cancel()
	f.record, f.found, f.err = g.load(limited, key)
	if f.err != nil && limited.Err() != nil && ctx.Err() == nil {
		f.err = fmt.Errorf("%w: %w", context.Cause(limited), f.err)
	}

	g.mu.Lock()
	if g.last[key] == f {
		delete(g.last, key)
	}
	g.mu.Unlock()
	close(f.done)
}
