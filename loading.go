package spotipie

import (
	"context"
	"errors"
	"time"
)

// load fetches the token from the store.
func (k *keeper) load(ctx context.Context) (*Token, error) {
	if err := k.isOpen(); err != nil {
		return nil, err
	}
	before := k.changes()
	s, err := k.reloadInTime(ctx)
	if err != nil {
		return nil, err
	}
	return s.current().tokenOrNil(), k.announceAfter(ctx, before)
}

// loadInTime is load with its own time limit.
func (k *keeper) loadInTime(ctx context.Context, from shelf) error {
	if err := k.isOpen(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	before := k.changes()
	if _, err := k.reloadFrom(ctx, from); err != nil {
		return err
	}
	return k.announceAfter(ctx, before)
}

// watch loads whenever the store reports a change, and again if that fails.
func (k *keeper) watch(ctx context.Context) error {
	if err := k.isOpen(); err != nil {
		return err
	}
	watching, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		select {
		case <-k.closing():
			stop(ErrClosed)
		case <-watching.Done():
		}
	}()
	changes, err := k.shelf().watch(watching)
	wait := time.Duration(0) // for the next try, if the last load has failed
	for more := true; err == nil && more; {
		wait = k.afterLoad(watching, k.loadInTime(watching, k.shelf()), wait)
		var again <-chan time.Time
		if wait > 0 {
			again = time.After(jitter(wait))
		}
		select {
		case _, more = <-changes:
		case <-again:
		case <-watching.Done():
			more = false
		}
	}
	switch {
	case errors.Is(context.Cause(watching), ErrClosed):
		return ErrClosed
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	}
	return k.shelf().failed(opWatch, errors.New("the store has stopped telling of changes"))
}

// afterLoad is called when a load because of a change has ended, waited after the last one
// that failed. It reports err if that is news, and returns how long to wait before the next
// try: the store reports a change only once. It returns 0 if another try does not help.
func (k *keeper) afterLoad(ctx context.Context, err error, waited time.Duration) (wait time.Duration) {
	if err == nil || ctx.Err() != nil || errors.Is(err, ErrClosed) {
		return 0
	}
	passes := isPassing(err)
	if waited == 0 || !passes {
		k.report(err)
	}
	switch {
	case !passes:
		return 0
	case waited == 0:
		return minBackoff
	}
	return min(2*waited, maxBackoff)
}

// isPassing reports whether err means that the store could not be read now.
func isPassing(err error) bool {
	var failed *StoreError
	return errors.As(err, &failed) && failed.Op == opLoad && !errors.Is(err, ErrUnreadableRecord)
}

// reload loads from the store and returns the new state. If the store has something
// older, the state is saved in the background.
func (k *keeper) reload(ctx context.Context) (*state, error) { return k.reloadFrom(ctx, k.shelf()) }

func (k *keeper) reloadFrom(ctx context.Context, from shelf) (*state, error) {
	store, err := k.readFitting(ctx, from)
	if err != nil {
		return nil, err
	}
	if k.app.store == nil {
		return k.state.Load(), nil
	}
	s := k.applyLoaded(ctx, store)
	if store.isOvertakenBy(s) { // ask again: the store may have fallen back since
		if store, err = k.readFitting(ctx, from); err != nil {
			return nil, err
		}
		s = k.applyLoaded(ctx, store)
	}
	if s.isUnsaved() {
		k.saveInBackground(nil, false)
	}
	return s, nil
}

// readFitting is read, but fails if the record does not fit this session.
func (k *keeper) readFitting(ctx context.Context, from shelf) (stored, error) {
	store, err := k.read(ctx, from)
	if err == nil && store.found {
		err = k.rules().check(k.key(), store.rec)
	}
	return store, err
}

// reloadInTime is reload with its own time limit.
func (k *keeper) reloadInTime(ctx context.Context) (*state, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	return k.reload(ctx)
}
