package spotipie

import (
	"context"
	"fmt"
	"sync/atomic"
)

// flight is work in progress that many callers wait for. It does not end with
// their contexts: each caller stops waiting when its own context ends.
type flight struct {
	done  chan struct{}
	state *state // the result; there may also be an error
	err   error

	waiting    atomic.Int32
	reported   atomic.Bool
	expiryTold bool // the token-expired listeners need not be called, or not again
}

func newFlight() *flight { return &flight{done: make(chan struct{})} }

// landed returns a flight that has already ended.
func landed(s *state, err error) *flight {
	f := newFlight()
	f.state, f.err = s, err
	f.reported.Store(true)
	close(f.done)
	return f
}

// isOverSoon gives a flight whose caller wants to leave a short time to end, because the
// answer may be arriving.
func (f *flight) isOverSoon() bool {
	ctx, cancel := context.WithTimeout(context.Background(), awaitGrace)
	defer cancel()
	return waitDone(ctx, f.done)
}

// join counts a caller who waits. The caller must hold the lock that the flight takes
// before it lands.
func (f *flight) join() { f.waiting.Add(1) }

// leave says that a caller who has joined no longer waits. If the flight has landed and
// nobody else waits, it calls OnError with the flight's error.
func (k *keeper) leave(f *flight) {
	if f.waiting.Add(-1) > 0 {
		return
	}
	select {
	case <-f.done:
		k.reportResult(f)
	default:
	}
}

// wait waits for a flight that the caller has joined.
func (k *keeper) wait(ctx context.Context, f *flight) (*state, error) {
	select {
	case <-f.done:
		return f.state, f.err
	default:
	}
	select {
	case <-f.done:
		return f.state, f.err
	case <-ctx.Done():
		k.leave(f)
		return nil, fmt.Errorf("spotipie: waiting for the token: %w", context.Cause(ctx))
	}
}

// land ends a flight. If nobody waits for it, OnError is called with its error.
func (k *keeper) land(f *flight, s *state, err error) {
	f.state, f.err = s, err
	close(f.done)
	if f.waiting.Load() == 0 {
		k.reportResult(f)
	}
}

// reportResult calls OnError with the error of a flight, once. f may be nil.
func (k *keeper) reportResult(f *flight) {
	if f != nil && f.err != nil && !f.reported.Swap(true) {
		k.report(f.err)
	}
}

// tasks counts background work that ends by itself.
type tasks struct {
	running int
	idle    chan struct{}
}

// inBackground runs a task that Close waits for.
func (k *keeper) inBackground(task func()) {
	k.taskBegun()
	go func() {
		defer k.taskDone()
		task()
	}()
}

func (k *keeper) taskBegun() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.tasks == nil {
		k.tasks = &tasks{idle: make(chan struct{})}
	}
	k.tasks.running++
}

func (k *keeper) taskDone() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.tasks.running--; k.tasks.running == 0 {
		close(k.tasks.idle)
		k.tasks = nil
	}
}

// waitForTasks waits until no task runs, or ctx ends.
func (k *keeper) waitForTasks(ctx context.Context) error {
	k.mu.Lock()
	running := k.tasks
	k.mu.Unlock()
	if running == nil || waitDone(ctx, running.idle) {
		return nil
	}
	return context.Cause(ctx)
}
