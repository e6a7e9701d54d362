package lease

import (
	"container/list"
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/spotipie/spotipie"
)

// maxTurn is how long the goroutines of a process pass a lease to each other
// before they let other processes have it.
const maxTurn = 250 * time.Millisecond

// Locks are the locks of one process, or of one store value in it. Use NewLocks
// to make them. The methods may be called from many goroutines.
type Locks struct {
	server Server
	length time.Duration
	prefix string

	mu     sync.Mutex
	locks  map[spotipie.Key]*lock
	owners uint64
}

// lock is a lock that a goroutine holds, waits for or asks the server for.
// Locks.mu protects it.
type lock struct {
	holder  *holder   // nil: nobody in this process
	waiters list.List // of *waiter, in the order they came
	asking  bool      // a goroutine asks the server for the lease
	left    chan struct{}
	err     error     // of the last request, if it failed
	failing time.Time // since when all have
}

// waiter gets one grant, unless it leaves before.
type waiter struct {
	grants chan grant
	came   time.Time
	endsBy bool          // has a deadline of its own
	place  *list.Element // in lock.waiters, nil when it has a grant
}

type grant struct {
	holder *holder
	err    error
}

// holder is a goroutine that holds a lock.
type holder struct {
	locks *Locks
	lease *held

	turn   chan struct{} // is full while an unlock runs
	called bool          // unlock was called
	ended  bool          // and has nothing left to do
	unsure bool          // the lease may have been released by an unlock that failed
}

// NewLocks returns locks that server keeps, with leases of a length.
func NewLocks(server Server, length time.Duration) *Locks {
	return &Locks{server: server, length: length, prefix: rand.Text() + ":", locks: make(map[spotipie.Key]*lock)}
}

// Lock waits for the lock of a key. It returns soon after ctx ends, with the
// error of the last request if that failed, and holds no lock then. Errors of
// the server do not end a wait earlier, unless ctx has no deadline and there
// have been only errors for five seconds. The lease is extended three times in
// its length until unlock is called or it is lost.
//
// unlock fails with [ErrLost] if another process may have held the lease
// meanwhile. It may be called more than once; after another error it tries
// again. It returns when its context ends.
func (l *Locks) Lock(ctx context.Context, key spotipie.Key) (unlock func(context.Context) error, err error) {
	if err := ctx.Err(); err != nil {
		return nil, l.wrap("locking", key, err)
	}
	w := l.join(ctx, key)
	select {
	case g := <-w.grants:
		if g.err != nil {
			return nil, l.wrap("locking", key, g.err)
		}
		return func(ctx context.Context) error { return l.wrap("unlocking", key, g.holder.unlock(ctx)) }, nil
	case <-ctx.Done():
		return nil, l.wrap("locking", key, l.leave(key, w, ctx.Err()))
	}
}

// Check extends the lease of the goroutine that holds the lock of a key. It
// fails with [ErrLost] if the lease has ended, and with the server's error if
// it cannot be extended.
func (l *Locks) Check(ctx context.Context, key spotipie.Key) error {
	const doing = "checking the lock of"
	if err := ctx.Err(); err != nil {
		return l.wrap(doing, key, err)
	}
	l.mu.Lock()
	var h *holder
	if k := l.locks[key]; k != nil {
		h = k.holder
	}
	l.mu.Unlock()
	if h == nil {
		return l.wrap(doing, key, ErrNotHeld)
	}
	return l.wrap(doing, key, h.lease.extend(ctx))
}

func (l *Locks) wrap(doing string, key spotipie.Key, err error) error {
	if err == nil {
		return nil
	}
	return l.server.Wrap(doing, key, err)
}

func (l *Locks) join(ctx context.Context, key spotipie.Key) *waiter {
	w := &waiter{grants: make(chan grant, 1), came: time.Now()}
	_, w.endsBy = ctx.Deadline()
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.locks[key]
	if k == nil {
		k = &lock{left: make(chan struct{}, 1)}
		l.locks[key] = k
	}
	w.place = k.waiters.PushBack(w)
	l.ask(key, k)
	return w
}

// ask starts asking the server for the lease, unless that is under way already
// or useless.
func (l *Locks) ask(key spotipie.Key, k *lock) {
	if k.holder != nil || k.asking || k.waiters.Len() == 0 {
		return
	}
	k.asking = true
	l.owners++
	go l.poll(key, k, fmt.Sprintf("%s%016x", l.prefix, l.owners))
}

// leave ends a wait. If the waiter has got the lock at the same moment, leave
// releases it.
func (l *Locks) leave(key spotipie.Key, w *waiter, cause error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.place == nil {
		if g := <-w.grants; g.holder != nil {
			go g.holder.giveBack()
		}
		return cause
	}
	k := l.locks[key]
	k.waiters.Remove(w.place)
	if k.waiters.Len() == 0 {
		select {
		case k.left <- struct{}{}:
		default:
		}
	}
	if k.err != nil {
		return fmt.Errorf("%w; the last attempt: %w", cause, k.err)
	}
	return cause
}

// letIn makes the first waiter the holder of a lease. It returns false if
// nobody waits.
func (l *Locks) letIn(k *lock, lease *held) bool {
	first := k.waiters.Front()
	if first == nil {
		return false
	}
	k.holder = &holder{locks: l, lease: lease, turn: make(chan struct{}, 1)}
	k.grant(first, grant{holder: k.holder})
	return true
}

// grant ends the wait of the waiter at a place.
func (k *lock) grant(place *list.Element, g grant) {
	w := k.waiters.Remove(place).(*waiter)
	w.place = nil
	w.grants <- g
}

// passOn gives the holder's lease to the next goroutine, unless it is the turn
// of other processes. It returns false if the lease must be released.
func (l *Locks) passOn(h *holder) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.lease.over() || time.Since(h.lease.since) >= maxTurn {
		return false
	}
	return l.letIn(l.locks[h.lease.key], h.lease)
}

// next ends a holder, and asks the server again for those who wait.
func (l *Locks) next(key spotipie.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.locks[key]
	k.holder = nil
	l.ask(key, k)
	l.forget(key, k)
}

func (l *Locks) forget(key spotipie.Key, k *lock) {
	if k.holder == nil && !k.asking && k.waiters.Len() == 0 {
		delete(l.locks, key)
	}
}

// unlock is what Lock returns.
func (h *holder) unlock(ctx context.Context) error {
	select {
	case h.turn <- struct{}{}:
	default:
		select {
		case h.turn <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer func() { <-h.turn }()
	if h.ended {
		return nil
	}
	if !h.called {
		h.called = true
		if h.locks.passOn(h) {
			h.ended = true
			return nil
		}
		h.lease.stop()
		defer h.locks.next(h.lease.key)
	}
	return h.release(ctx)
}

// release gives the lease back to the server.
func (h *holder) release(ctx context.Context) error {
	if h.lease.lost.Load() {
		h.ended = true
		return ErrLost
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	was, err := h.lease.server.Release(ctx, h.lease.key, h.lease.owner)
	switch {
	case err == nil:
		h.ended = true
		if !was && !h.unsure {
			return ErrLost
		}
	case h.lease.over():
		h.ended = true
		return fmt.Errorf("%w (%w)", ErrLost, err)
	default:
		h.unsure = true
	}
	return err
}

// giveBack unlocks and ignores errors: the lease then ends when its time is
// over.
func (h *holder) giveBack() { _ = h.unlock(context.Background()) }
