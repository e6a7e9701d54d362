// Package lease makes locks with a server that only answers short requests: the
// holder extends the lease while it lives, and otherwise the server ends it. No
// connection is held meanwhile. If a holder dies, the others wait no longer
// than the lease.
//
// A lease saves work, but does not protect data: a holder that is suspended for
// longer does not know that it has lost the lease. Protect writes by other
// means, such as a version.
//
// The goroutines of one process queue in memory, first come, first served, and
// one of them asks the server for all. A process that has just had the lease
// does not get it again while another one waits, so a busy process cannot keep
// the others out.
package lease

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/spotipie/spotipie"
)

// MinLength is the shortest length that leaves time to extend a lease.
const MinLength = 50 * time.Millisecond

var (
	// ErrLost is what unlock and Check return if the server has ended the lease.
	ErrLost = errors.New("the lease was lost before unlock: the holder was suspended, or the server out of reach, for too long")

	// ErrNotHeld is what Check returns if nobody in this process holds the lock.
	ErrNotHeld = errors.New("nobody in this process holds the lock")
)

// Server keeps one lease for each key, and remembers who waits for it. Its
// methods are called from many goroutines, and end with their context.
//
// Owners are words of [OwnerPrefix] bytes that are the same for all owners of a
// process, and a number that counts up and compares as text.
type Server interface {
	// Acquire makes owner the holder if nobody else holds the lease, and
	// reports whether it is. A lease of an earlier owner of the same process
	// counts as free: it is a leftover. If another process has the lease, the
	// server remembers for the time turn that owner waits for it: until then
	// the holder does not get it again, unless others have had it. An owner may
	// ask again.
	Acquire(ctx context.Context, key spotipie.Key, owner string, turn time.Duration) (bool, error)
	// Extend makes the lease last for its length from now on if it is owner's,
	// and reports whether it is. It writes, so it fails where nothing can be
	// written.
	Extend(ctx context.Context, key spotipie.Key, owner string) (bool, error)
	// Release ends the lease if it is owner's, and reports whether it was.
	Release(ctx context.Context, key spotipie.Key, owner string) (bool, error)
	// Leave ends owner's wait, and ends the lease if it is owner's.
	Leave(ctx context.Context, key spotipie.Key, owner string) error
	// Hopeless reports whether trying again is useless after an error of
	// Acquire.
	Hopeless(err error) bool
	// Wrap adds the operation and the key of the lock to an error.
	Wrap(doing string, key spotipie.Key, err error) error
	// Released returns a channel that gets a value when a lease of the key has
	// been released while another process waited. It is nil if the server does
	// not report that.
	Released(key spotipie.Key) (notices <-chan struct{}, stop func())
}

// OwnerPrefix is how many bytes the owners of one process have in common.
const OwnerPrefix = 27

// held is a lease that this process has. It passes from one goroutine to the
// next without the server.
type held struct {
	server Server
	key    spotipie.Key
	owner  string
	length time.Duration
	since  time.Time // when it was asked for

	extended atomic.Int64 // when it ends, measured from since
	lost     atomic.Bool  // the server says that it is not owner's
	stop     context.CancelFunc
}

func newHeld(server Server, key spotipie.Key, owner string, length time.Duration, asked time.Time) *held {
	h := &held{server: server, key: key, owner: owner, length: length, since: asked}
	h.extended.Store(int64(length))
	ctx, stop := context.WithCancel(context.Background())
	h.stop = stop
	go h.keep(ctx)
	return h
}

// keep extends the lease three times in its length, the first time a third of
// it after it was asked for, until ctx ends or it is lost. A lease that seems
// over because the server does not answer may still be there when it does.
func (h *held) keep(ctx context.Context) {
	every := h.length / 3
	timer := time.NewTimer(every - time.Since(h.since))
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		asked := time.Now()
		attempt, cancel := context.WithTimeout(ctx, every)
		err := h.extend(attempt)
		cancel()
		if ctx.Err() != nil || h.lost.Load() {
			return
		}
		if err != nil {
			timer.Reset(every/4 - time.Since(asked))
		} else {
			timer.Reset(every - time.Since(asked))
		}
	}
}

// extend makes the lease last for its length from now on. It counts from the
// request: an answer that takes longer is ignored.
func (h *held) extend(ctx context.Context) error {
	if h.lost.Load() {
		return ErrLost
	}
	asked := time.Now()
	still, err := h.server.Extend(ctx, h.key, h.owner)
	switch {
	case err != nil:
		return err
	case !still:
		h.lost.Store(true)
		return ErrLost
	case time.Since(asked) >= h.length:
		return ErrLost
	}
	h.extended.Store(int64(asked.Sub(h.since) + h.length))
	return nil
}

// over reports whether the lease has ended as far as this process knows.
func (h *held) over() bool {
	return h.lost.Load() || time.Since(h.since) >= time.Duration(h.extended.Load())
}
