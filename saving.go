package spotipie

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// maxSwaps is how often a save is tried while other processes save first.
const maxSwaps = 8

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

// runSave tries to save and wakes the callers who wait for that.
func (k *keeper) runSave(ctx context.Context, f *flight) error {
	f.state = k.state.Load()
	err := goexit("saving")
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
			if version, err = k.lookBeforeSaving(ctx, s); err != nil {
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
// version that the state will be saved over.
func (k *keeper) lookBeforeSaving(ctx context.Context, s *state) (version uint64, err error) {
	shelf := k.shelf()
	store, err := k.read(ctx, shelf)
	if err != nil && store.found && store.version != 0 && k.state.Load().detail().unsaved == unsavedDecision {
		k.report(fmt.Errorf("spotipie: the user's login or logout replaces a stored record that cannot be read: %w", err))
		return store.version, nil
	}
	if err != nil {
		return 0, shelf.failed(s.saveOp(), fmt.Errorf("looking for what others have saved: %w", err))
	}
	if !store.found {
		k.applyLoaded(ctx, store)
		return 0, nil
	}
	mismatch := k.rules().check(shelf.key, store.rec)
	switch {
	case mismatch == nil:
		k.applyLoaded(ctx, store)
	case k.mustNotReplace(mismatch), store.rec.Sealed != nil && s.signedIn(): // what is encrypted stays encrypted
		return 0, mismatch
	}
	return store.version, nil
}

// quickRead is how long a login is held up by a look whether it may be saved.
const quickRead = time.Second

// mayReplace returns an error if the store has a sealed record, and seals nothing
// itself. What cannot be found out in a moment is left to the save.
func (k *keeper) mayReplace(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, quickRead)
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
