package spotipie

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// maxSwaps is how often a save is tried while other processes save first.
const maxSwaps = 8

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

// save saves what is not saved yet, if anything, in at most 10 seconds. Calls at the
// same time share an attempt. A state that could not be saved is still used.
func (k *keeper) save(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	want := k.state.Load()
	for {
		k.mu.Lock()
		s := k.state.Load()
		f := k.saving
		switch {
		case !s.isUnsaved():
			k.mu.Unlock()
			return nil
		case f == nil:
			f = newFlight()
			k.saving = f
			k.mu.Unlock()
			return k.runSave(ctx, f)
		}
		k.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			k.saveFailed(want)
			return k.shelf().failed(s.saveOp(), fmt.Errorf("waiting for an earlier save: %w", context.Cause(ctx)))
		}
		if f.err != nil && f.state.isSame(want) && !errors.Is(f.err, context.Canceled) {
			return f.err
		}
	}
}

// errSaveEnded means that the program has ended the goroutine that was saving, from
// Options.Observe for example.
var errSaveEnded = errors.New("spotipie: saving has ended its goroutine")

// runSave tries to save and wakes the callers who wait for that.
func (k *keeper) runSave(ctx context.Context, f *flight) error {
	f.state = k.state.Load()
	err := errSaveEnded
	defer func() {
		if err != nil {
			k.saveFailed(f.state)
		}
		k.mu.Lock()
		k.saving = nil
		if k.retrier != nil && err == nil {
			k.retrier.poke() // there may be nothing left to do
		}
		k.mu.Unlock()
		f.err = err
		close(f.done)
	}()
	f.state, err = k.trySave(ctx)
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrVersionConflict) {
		f.state, err = k.trySave(ctx) // a connection may have been reset
	}
	return err
}

// saveFailed lets callers have the state that could not be saved. A decision that came
// meanwhile is saved by its own caller.
func (k *keeper) saveFailed(tried *state) {
	k.apply(func(s *state) *state {
		if !s.isSame(tried) {
			return s
		}
		return k.rules().saveFailed(s)
	})
}

// trySave saves the state, and saves again if it changes meanwhile. It returns the
// state that it tried to save last.
func (k *keeper) trySave(ctx context.Context) (*state, error) {
	s := k.state.Load()
	version := s.versionOrZero()
	look := s.detail().unsaved == unsavedDecision // a decision is saved over any record: read its version
	for conflicts := 0; s.isUnsaved(); {
		if look && k.app.store != nil {
			var err error
			if s, version, err = k.lookBeforeSaving(ctx, s); err != nil {
				return s, err
			}
			look = false
		}
		if s = k.state.Load(); !s.isUnsaved() {
			break
		}
		saved, err := k.saveOnce(ctx, s, version)
		if err == nil {
			what := s
			_, s = k.apply(func(current *state) *state { return k.rules().saved(current, what, saved) })
			version = saved
			continue
		}
		if conflicts++; !errors.Is(err, ErrVersionConflict) || conflicts == maxSwaps {
			return s, err
		}
		look = true
	}
	return s, nil
}

// lookBeforeSaving reads the store and applies what others have saved. It returns the
// new state and the version that it will be saved over.
func (k *keeper) lookBeforeSaving(ctx context.Context, s *state) (*state, uint64, error) {
	shelf := k.shelf()
	store, err := k.read(ctx, shelf)
	if err != nil && store.found && store.version != 0 && k.state.Load().detail().unsaved == unsavedDecision {
		k.report(fmt.Errorf("spotipie: the user's login or logout replaces a stored record that cannot be read: %w", err))
		return s, store.version, nil
	}
	if err != nil {
		return s, 0, shelf.failed(s.saveOp(), fmt.Errorf("looking for what others have saved: %w", err))
	}
	if !store.found {
		return k.applyLoaded(ctx, store), 0, nil
	}
	if mismatch := k.rules().check(shelf.key, store.rec); mismatch != nil {
		switch {
		case store.rec.Sealed != nil && s.signedIn():
			return s, 0, mismatch // what is encrypted stays encrypted
		case k.mustNotReplace(mismatch):
			return s, 0, mismatch
		}
		return s, store.version, nil
	}
	return k.applyLoaded(ctx, store), store.version, nil
}

// quickLook is how long a login is held up by a look whether it may be saved.
const quickLook = time.Second

// mayReplace returns an error if the store has a sealed record, and seals nothing
// itself. What cannot be found out in a moment is left to the save.
func (k *keeper) mayReplace(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, quickLook)
	defer cancel()
	store, err := k.read(ctx, k.shelf())
	if err != nil || store.rec.Sealed == nil {
		return nil
	}
	return k.rules().check(k.key(), store.rec)
}

// mustNotReplace reports whether err, from reading the store, means that this session is
// an app's and the record is of a user's login: that is worth more than an app's token.
func (k *keeper) mustNotReplace(err error) bool {
	var mismatch *RecordMismatchError
	return k.flow() == FlowClientCredentials && errors.As(err, &mismatch) && mismatch.isUsers
}

// isUsers reports whether a record is of a user's login.
func (r Record) isUsers() bool {
	return r.Token != nil && r.Token.RefreshToken() != ""
}

// saveOnce saves s over a version. Without a store, a state in memory counts as saved.
func (k *keeper) saveOnce(ctx context.Context, s *state, version uint64) (uint64, error) {
	shelf := k.shelf()
	switch {
	case !shelf.isThere():
		return 0, nil
	case s.signedIn():
		return shelf.swap(ctx, version, s.toSave(k.rules()))
	}
	if err := shelf.remove(ctx, version); err != nil {
		return 0, err
	}
	store, err := shelf.load(ctx) // for the version of the deletion
	if err != nil || store.found || store.version == 0 {
		return s.version, nil
	}
	return store.version, nil
}

// saveOp returns the name of the store operation that saves s.
func (s *state) saveOp() string {
	if s.signedIn() {
		return opSave
	}
	return opDelete
}

func (s *state) versionOrZero() uint64 {
	if !s.signedIn() {
		return 0
	}
	return s.version
}

// isSame reports whether two states would be saved as the same record.
func (s *state) isSame(other *state) bool {
	return s == other || s != nil && other != nil &&
		s.token.isSame(other.token) && s.consent == other.consent && s.detail().refused == other.detail().refused
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
	switch {
	case r != nil:
		if r.lock == nil {
			r.lock, lock = lock, nil
		}
		r.poke()
	case k.app.store != nil && !(k.stopped && k.state.Load().isSame(k.abandoned)):
		ctx, stop := context.WithCancel(context.Background())
		k.retrier = &retrier{stop: stop, wake: make(chan struct{}, 1), ended: make(chan struct{}), lock: lock, brief: k.stopped}
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
	k.retrier, k.stopped, k.abandoned = nil, true, k.state.Load()
	k.mu.Unlock()
	if r == nil {
		return nil
	}
	r.stop()
	isDone(ctx, r.ended)
	return k.takeLock(r)
}
