package pgstore

import (
	"context"
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	minPoll = 10 * time.Millisecond
	maxPoll = 100 * time.Millisecond
	// releaseTimeout limits giving back a lock that nobody waited for.
	releaseTimeout = 5 * time.Second
)

var errLeaseLost = errors.New("the lease was lost before unlock: the holder was paused, or the server out of reach, for too long")

// lease is a lock that the server ends by itself unless it is extended. Each
// acquisition has an owner of its own.
type lease struct {
	length  time.Duration
	acquire func(ctx context.Context, owner string) (bool, error)
	extend  func(ctx context.Context, owner string) (bool, error)
	release func(ctx context.Context, owner string) error // does nothing unless it is owner's
}

// lock waits for the lease and extends it until unlock is called or it is lost.
func (l lease) lock(ctx context.Context) (unlock func(context.Context) error, err error) {
	owner := rand.Text()
	for wait := minPoll; ; wait = min(2*wait, maxPoll) {
		switch got, err := l.try(ctx, owner); {
		case err != nil:
			return nil, err
		case got:
			return l.hold(owner), nil
		}
		timer := time.NewTimer(wait/2 + mathrand.N(wait))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}

// try asks for the lease once. What comes of a request that ctx has overtaken,
// or whose outcome is not known, is given back.
func (l lease) try(ctx context.Context, owner string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	type result struct {
		got bool
		err error
	}
	results := make(chan result)
	go func() {
		detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.length)
		defer cancel()
		got, err := l.acquire(detached, owner)
		select {
		case results <- result{got, err}:
			if err == nil {
				return
			}
		case <-ctx.Done():
		}
		if got || err != nil {
			detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
			defer cancel()
			_ = l.release(detached, owner) // else it ends by itself
		}
	}()
	select {
	case r := <-results:
		return r.got, r.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func (l lease) hold(owner string) (unlock func(context.Context) error) {
	extending, stop := context.WithCancel(context.Background())
	var lost atomic.Bool
	go func() {
		lost.Store(l.extendUntilLost(extending, owner))
	}()
	var mu sync.Mutex
	released := false
	return func(ctx context.Context) error {
		stop()
		mu.Lock()
		defer mu.Unlock()
		if released {
			return nil
		}
		if lost.Load() {
			released = true
			return errLeaseLost
		}
		err := l.release(ctx, owner)
		released = err == nil
		return err
	}
}

// extendUntilLost extends the lease three times in its length. It returns true
// when the lease is lost, and false when ctx ends.
func (l lease) extendUntilLost(ctx context.Context, owner string) bool {
	every := l.length / 3
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for extended := time.Now(); time.Since(extended) < l.length; {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return false
		}
		asked := time.Now()
		attempt, cancel := context.WithTimeout(ctx, every)
		held, err := l.extend(attempt, owner)
		cancel()
		switch {
		case ctx.Err() != nil:
			return false
		case err == nil && !held:
			return true
		case err == nil:
			extended = asked
		}
	}
	return true
}
