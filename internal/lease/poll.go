package lease

import (
	"container/list"
	"context"
	"math/rand/v2"
	"time"

	"github.com/spotipie/spotipie"
)

const (
	// How long a process waits until it asks the server again, on average.
	minPoll = 10 * time.Millisecond
	maxPoll = 100 * time.Millisecond
	// The same if the server reports when a lease is released.
	maxPollWithNotices = 500 * time.Millisecond
	// The same after an error.
	maxPollAfterError = time.Second
	// patience is how long a caller without a deadline waits for a server that
	// returns only errors.
	patience = 5 * time.Second
	// requestTimeout limits one request.
	requestTimeout = 5 * time.Second
	// turnMargin is how much later than planned a process may ask again.
	turnMargin = 200 * time.Millisecond
)

// poll asks the server for a lease until the first waiter has it, nobody waits
// any longer, or asking is useless.
func (l *Locks) poll(key spotipie.Key, k *lock, owner string) {
	released, stop := l.server.Released(key)
	defer func() { stop() }()
	for wait := minPoll; ; {
		longest := maxPollWithNotices
		if released == nil { // the server may report notices now
			released, stop = l.server.Released(key)
			longest = maxPoll
		}
		lease, err := l.request(key, owner, 2*wait+turnMargin)
		if lease != nil || err != nil && l.server.Hopeless(err) {
			l.stopAsking(key, k, lease, err)
			return
		}
		l.noteError(k, err)
		if !l.pause(k, wait, released) {
			l.leaveServer(key, owner)
			l.stopped(key, k)
			return
		}
		if err != nil {
			wait = min(2*wait, maxPollAfterError)
		} else {
			wait = min(2*wait, longest)
		}
	}
}

// request asks for the lease once. It does not end when the waiters leave,
// since its result would then be unknown. A lease counts from the request: if
// the answer takes longer, the lease is not used.
func (l *Locks) request(key spotipie.Key, owner string, turn time.Duration) (*held, error) {
	ctx, cancel := context.WithTimeout(context.Background(), min(l.length, requestTimeout))
	defer cancel()
	asked := time.Now()
	got, err := l.server.Acquire(ctx, key, owner, turn)
	if err != nil || !got || time.Since(asked) >= l.length {
		return nil, err
	}
	return newHeld(l.server, key, owner, l.length, asked), nil
}

// stopAsking gives the lease to the first waiter, or tells all that it is
// hopeless. A lease that nobody waits for is released.
func (l *Locks) stopAsking(key spotipie.Key, k *lock, lease *held, err error) {
	l.mu.Lock()
	taken := lease != nil && l.letIn(k, lease)
	for lease == nil && k.waiters.Len() > 0 {
		k.grant(k.waiters.Front(), grant{err: err})
	}
	k.err, k.failing = nil, time.Time{}
	l.mu.Unlock()
	if lease != nil && !taken {
		lease.stop()
		l.leaveServer(key, lease.owner)
	}
	l.stopped(key, k)
}

// stopped ends the asking. If another waiter has come meanwhile, it starts
// again.
func (l *Locks) stopped(key spotipie.Key, k *lock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k.asking = false
	l.ask(key, k)
	l.forget(key, k)
}

// noteError keeps the error of the last request, or nil. It ends waits without
// a deadline if the server does not answer.
func (l *Locks) noteError(k *lock, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k.err = err
	if err == nil {
		k.failing = time.Time{}
		return
	}
	if k.failing.IsZero() {
		k.failing = time.Now()
	}
	if time.Since(k.failing) < patience {
		return
	}
	for place, next := k.waiters.Front(), (*list.Element)(nil); place != nil; place = next {
		next = place.Next()
		if w := place.Value.(*waiter); !w.endsBy && time.Since(w.came) >= patience {
			k.grant(place, grant{err: err})
		}
	}
}

// pause waits until it is time to ask again. It returns false as soon as nobody
// waits any longer.
func (l *Locks) pause(k *lock, wait time.Duration, released <-chan struct{}) bool {
	timer := time.NewTimer(wait/2 + rand.N(wait))
	defer timer.Stop()
	for {
		l.mu.Lock()
		wanted := k.waiters.Len() > 0
		l.mu.Unlock()
		if !wanted {
			return false
		}
		select {
		case <-timer.C:
			return true
		case <-released:
			return true
		case <-k.left: // all may have left, and a new one may have come since
		}
	}
}

// leaveServer gives up owner's lease or turn. If it fails they end when their
// time is over.
func (l *Locks) leaveServer(key spotipie.Key, owner string) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	_ = l.server.Leave(ctx, key, owner)
}
