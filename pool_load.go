package spotipie

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// unknownFor is how long a pool does not ask the store again for a user whom the store
// does not know. A login or a notice of the store ends that earlier.
const unknownFor = time.Second

// load loads a session that was just made. Callers at the same time share the load, and
// each waits only until its own context ends.
func (p *Pool) load(ctx context.Context, shard *poolShard, r *pooled) error {
	shard.mu.Lock()
	if p.tick() < shard.unknown[r.profile] {
		shard.mu.Unlock()
		return nil
	}
	f := shard.loading[r]
	if f == nil {
		f = newFlight()
		if shard.loading == nil {
			shard.loading = make(map[*pooled]*flight)
		}
		shard.loading[r] = f
		p.startLoad(p.app.background(ctx), shard, r, f)
	}
	shard.mu.Unlock()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return fmt.Errorf("spotipie: waiting for the session of a user: %w", context.Cause(ctx))
	}
}

// startLoad loads a session in a new goroutine, which also calls the store. If the store
// ignores its context, the flight ends without an answer, and an answer that comes later
// is applied like any other load.
func (p *Pool) startLoad(ctx context.Context, shard *poolShard, r *pooled, f *flight) {
	var isOver atomic.Bool
	land := func(err error) {
		if isOver.Swap(true) {
			return
		}
		shard.mu.Lock()
		delete(shard.loading, r)
		if err == nil && r.state.Load() == nil {
			shard.noteUnknown(r.profile, p.tick()+int64(unknownFor))
		}
		shard.mu.Unlock()
		p.loaded.Add(1)
		f.err = err
		close(f.done)
		r.taskDone()
	}
	r.taskBegun()
	limit := time.AfterFunc(loadTimeout+awaitGrace, func() { land(r.shelf().failed(opLoad, context.DeadlineExceeded)) })
	go func() {
		err := goexit("loading the session of a user")
		defer func() {
			limit.Stop()
			land(err)
		}()
		err = r.loadInTime(ctx, r.shelf().inPlace())
	}()
}
