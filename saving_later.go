package spotipie

import (
	"context"
	"time"
)

// The waits between attempts to save in the background: the first wait, the longest
// wait within the time that a save may take, and the longest wait after that. When the
// lease ends, another process may take the lock, and the state should be saved by then.
const (
	minSaveWait  = 100 * time.Millisecond
	soonSaveWait = 250 * time.Millisecond
	maxSaveWait  = 10 * time.Second
)

// saveWait returns how long to wait after a wait and a failed attempt.
func saveWait(last, sinceBegun time.Duration) time.Duration {
	if sinceBegun < saveTimeout {
		return min(2*last, soonSaveWait)
	}
	return min(2*last, maxSaveWait)
}

// retrier saves in the background what could not be saved.
type retrier struct {
	stop  context.CancelFunc
	wake  chan struct{}
	ended chan struct{}
	lock  *storeLock // held until it is saved, for as long as saving may take; or nil
	brief bool       // it gives up after that time, because the session is closed
}

// saveInBackground saves what is not saved yet as soon as the store accepts it. It
// unlocks the lock, if there is one, then or after 10 seconds. If a first attempt has
// failed, and a caller was told of that, it waits before the next attempt. After Close it
// saves only what the accounts service has answered since, and gives up after 10 seconds.
func (k *keeper) saveInBackground(lock *storeLock, failed bool) {
	k.mu.Lock()
	r := k.retrier
	stopped := k.ending != nil && k.ending.stopped
	switch {
	case r != nil:
		if r.lock == nil {
			r.lock, lock = lock, nil
		}
		r.poke()
	case k.app.store != nil && !(stopped && k.state.Load().isSame(k.ending.abandoned)):
		ctx, stop := context.WithCancel(context.Background())
		k.retrier = &retrier{stop: stop, wake: make(chan struct{}, 1), ended: make(chan struct{}), lock: lock, brief: stopped}
		lock = nil
		go k.runRetrier(ctx, k.retrier, failed)
	}
	k.mu.Unlock()
	if lock != nil {
		k.inBackground(lock.giveBack)
	}
}

// poke makes the next attempt start at once.
func (r *retrier) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (k *keeper) runRetrier(ctx context.Context, r *retrier, failed bool) {
	defer close(r.ended)
	defer r.stop()
	defer k.forgetRetrier(r)
	end := k.observation(ctx, ObservedSavedLate, "")
	begun := time.Now()
	for wait := minSaveWait; ; wait = saveWait(wait, time.Since(begun)) {
		if failed {
			r.sleep(ctx, jitter(wait))
		}
		err := k.save(ctx)
		if ctx.Err() != nil {
			return // Close has taken over
		}
		if err == nil && k.endRetrier(r) {
			end(nil)
			k.report(k.announce(ctx))
			return
		}
		k.report(err)
		if time.Since(begun) >= saveTimeout {
			k.inBackground(k.takeLock(r).giveBack)
			if r.brief {
				return
			}
		}
		failed = err != nil
	}
}

// forgetRetrier makes the next call of saveInBackground start another one.
func (k *keeper) forgetRetrier(r *retrier) {
	k.mu.Lock()
	isCurrent := k.retrier == r
	if isCurrent {
		k.retrier = nil
	}
	k.mu.Unlock()
	if isCurrent {
		k.inBackground(k.takeLock(r).giveBack)
	}
}

// sleep waits for d, or until r is poked or ended.
func (r *retrier) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.wake:
	case <-ctx.Done():
	}
}

// endRetrier ends r if there is nothing left to save.
func (k *keeper) endRetrier(r *retrier) bool {
	k.mu.Lock()
	if k.state.Load().isUnsaved() || k.retrier != r {
		k.mu.Unlock()
		return false
	}
	k.retrier = nil
	lock := r.lock
	r.lock = nil
	k.mu.Unlock()
	k.inBackground(lock.giveBack)
	return true
}

func (k *keeper) takeLock(r *retrier) *storeLock {
	k.mu.Lock()
	defer k.mu.Unlock()
	lock := r.lock
	r.lock = nil
	return lock
}

// stopRetrier ends saving in the background, and returns the lock that it had. It waits
// for a running attempt until ctx ends.
func (k *keeper) stopRetrier(ctx context.Context) *storeLock {
	k.mu.Lock()
	r := k.retrier
	k.retrier = nil
	end := k.madeEnding()
	end.stopped, end.abandoned = true, k.state.Load()
	k.mu.Unlock()
	if r == nil {
		return nil
	}
	r.stop()
	waitDone(ctx, r.ended)
	return k.takeLock(r)
}
