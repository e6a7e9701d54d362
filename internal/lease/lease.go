// Package lease locks by means of a server that only has to answer short
// requests: whoever holds the lock extends it while it lives, and the server
// ends it when nobody does. No connection is held meanwhile, and a holder that
// is gone keeps nobody waiting for longer than the lease.
//
// A lease saves work and protects nothing: a holder that is paused for longer
// does not know that it has lost it. What is written has to be fenced by other
// means, such as a version.
package lease

import (
	"context"
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// MinLength is the shortest length that leaves time to extend a lease.
const MinLength = 50 * time.Millisecond

const (
	minPoll = 10 * time.Millisecond
	maxPoll = 100 * time.Millisecond
	// releaseTimeout limits giving back a lock that nobody waited for.
	releaseTimeout = 5 * time.Second
)

// ErrLost is what unlock returns if the server ended the lease before.
var ErrLost = errors.New("the lease was lost before unlock: the holder was paused, or the server out of reach, for too long")

// Lease is a lock that a server ends after Length unless it is extended. Each
// acquisition has an owner of its own, a random word. The functions ask the
// server, and are called from many goroutines.
type Lease struct {
	Length time.Duration
	// Acquire makes owner the holder if there is no other, and reports whether
	// it is. An owner may ask again.
	Acquire func(ctx context.Context, owner string) (bool, error)
	// Extend has the lease last for Length from now on if it is owner's, and
	// reports whether it is.
	Extend func(ctx context.Context, owner string) (bool, error)
	// Release ends the lease if it is owner's, and reports whether it was.
	Release func(ctx context.Context, owner string) (bool, error)
}

// Lock waits for the lease, and has it extended three times in its length
// until unlock is called or it is lost. The lease counts from when it was asked
// for: one whose answer takes longer is given back and asked for again. Lock
// returns soon after ctx ends, and gives back what it may have got. unlock may
// be called more than once; after an error it tries again. It fails with
// [ErrLost] if somebody else may have held the lease meanwhile.
func (l Lease) Lock(ctx context.Context) (unlock func(context.Context) error, err error) {
	owner := rand.Text()
	for wait := minPoll; ; wait = min(2*wait, maxPoll) {
		asked := time.Now()
		switch got, err := l.try(ctx, owner); {
		case err != nil:
			return nil, err
		case got:
			return l.hold(owner, asked), nil
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
// whose outcome is not known, or whose answer is as old as the lease, is given
// back.
func (l Lease) try(ctx context.Context, owner string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	type result struct {
		got bool
		err error
	}
	results := make(chan result)
	go func() {
		asked := time.Now()
		detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.Length)
		defer cancel()
		got, err := l.Acquire(detached, owner)
		if got && err == nil && time.Since(asked) >= l.Length {
			got = false
			l.giveBack(ctx, owner)
		}
		select {
		case results <- result{got, err}:
			if err == nil {
				return
			}
		case <-ctx.Done():
		}
		if got || err != nil {
			l.giveBack(ctx, owner)
		}
	}()
	select {
	case r := <-results:
		return r.got, r.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// giveBack releases what nobody holds, whether or not ctx has ended. If it
// fails the lease ends by itself.
func (l Lease) giveBack(ctx context.Context, owner string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	_, _ = l.Release(ctx, owner)
}

func (l Lease) hold(owner string, asked time.Time) (unlock func(context.Context) error) {
	extending, stop := context.WithCancel(context.Background())
	var lost atomic.Bool
	go func() {
		lost.Store(l.extendUntilLost(extending, owner, asked))
	}()
	var mu sync.Mutex
	released, unsure := false, false
	return func(ctx context.Context) error {
		stop()
		mu.Lock()
		defer mu.Unlock()
		if released {
			return nil
		}
		if lost.Load() {
			released = true
			return ErrLost
		}
		held, err := l.Release(ctx, owner)
		if err != nil {
			unsure = true // it may have been released all the same
			return err
		}
		released = true
		if !held && !unsure {
			return ErrLost
		}
		return nil
	}
}

// extendUntilLost extends a lease three times in its length, the first time a
// third of it after it was asked for. It returns true when the lease is lost,
// and false when ctx ends.
func (l Lease) extendUntilLost(ctx context.Context, owner string, asked time.Time) bool {
	every := l.Length / 3
	timer := time.NewTimer(every - time.Since(asked))
	defer timer.Stop()
	for extended := asked; time.Since(extended) < l.Length; timer.Reset(every - time.Since(asked)) {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return false
		}
		asked = time.Now()
		attempt, cancel := context.WithTimeout(ctx, every)
		held, err := l.Extend(attempt, owner)
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
