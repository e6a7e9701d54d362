package spotipie

import (
	"context"
	"sync"
	"time"
)

// reports passes errors to [Options].OnError, one after the other and in order.
// No work of a session waits for that, so OnError may use the session, and may
// close it.
type reports struct {
	onError func(error)

	mu      sync.Mutex
	waiting []error
	busy    bool          // OnError is being called
	idle    chan struct{} // closed when it no longer is; nil: nobody waits for that
}

// report calls OnError with an error about a key that no caller gets. err may be nil.
func (a *app) report(key Key, err error) {
	if err != nil {
		a.reports.add(&BackgroundError{Key: key, Err: err})
	}
}

// newReports returns nil if there is nobody to report to.
func newReports(onError func(error)) *reports {
	if onError == nil {
		return nil
	}
	return &reports{onError: onError}
}

// settleTimeout is how long Close waits for OnError. It is short, as OnError
// itself may call Close.
const settleTimeout = 250 * time.Millisecond

// settle waits until OnError has heard of every error, or for a moment.
func (r *reports) settle(ctx context.Context) {
	if r == nil {
		return
	}
	r.mu.Lock()
	if !r.busy {
		r.mu.Unlock()
		return
	}
	if r.idle == nil {
		r.idle = make(chan struct{})
	}
	idle := r.idle
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	waitDone(ctx, idle)
}

// add passes err to OnError.
func (r *reports) add(err error) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(r.waiting, err)
	if !r.busy {
		r.startNext()
	}
}

// startNext calls OnError with the first waiting error. r.mu is held.
func (r *reports) startNext() {
	r.busy = len(r.waiting) > 0
	if !r.busy {
		r.waiting = nil
		if r.idle != nil {
			close(r.idle)
			r.idle = nil
		}
		return
	}
	err := r.waiting[0]
	r.waiting = r.waiting[1:]
	go func() {
		defer func() { // even if OnError ends its goroutine
			r.mu.Lock()
			defer r.mu.Unlock()
			r.startNext()
		}()
		r.onError(err)
	}()
}
