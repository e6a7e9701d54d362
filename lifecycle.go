package spotipie

import (
	"context"
	"fmt"
)

// give replaces the authorization in memory and store by rec.
func (k *keeper) give(ctx context.Context, rec Record) error {
	now := k.app.clock()
	k.apply(func(s *state) *state { return k.rules().given(s, rec, now) })
	return k.settle(ctx)
}

// settle saves and announces a decision of the user. The work goes on if ctx ends, so
// that the decision is not lost. Its error then goes to OnError.
func (k *keeper) settle(ctx context.Context) error {
	f := newFlight()
	f.join()
	go func() {
		err := goexit("saving")
		defer func() { k.land(f, nil, err) }()
		ctx := context.WithoutCancel(ctx)
		err = k.saveDecision(ctx)
		err = join(err, k.announce(ctx))
	}()
	if waitDone(ctx, f.done) || f.isOverSoon() {
		return f.err
	}
	k.inBackground(func() { // Close waits for it in place of the caller
		<-f.done
		k.leave(f)
	})
	return fmt.Errorf("spotipie: waiting for the store and the listeners, which go on in the background: %w", context.Cause(ctx))
}

// saveDecision saves a decision of the user. If that fails, it is tried again in the
// background.
func (k *keeper) saveDecision(ctx context.Context) (err error) {
	err = goexit("saving")
	defer func() {
		if err != nil {
			k.saveInBackground(nil, true)
		}
	}()
	return k.save(ctx)
}

// logout forgets the authorization, in memory and store.
func (k *keeper) logout(ctx context.Context) error {
	if err := k.isOpen(); err != nil {
		return err
	}
	now := k.app.clock()
	k.apply(func(s *state) *state { return k.rules().loggedOut(s, now) })
	return k.settle(ctx)
}

// closing returns a channel that is closed with the session.
func (k *keeper) closing() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.madeEnding().done
}

// madeEnding returns the ending, and makes it if there is none. k.mu is held.
func (k *keeper) madeEnding() *ending {
	if k.ending == nil {
		k.ending = &ending{done: make(chan struct{})}
		if k.closed.Load() {
			close(k.ending.done)
		}
	}
	return k.ending
}

// close ends the session: see [Session].
func (k *keeper) close(ctx context.Context) error {
	if k.app == nil {
		return nil
	}
	inListener := k.isInListener(ctx)
	underWay := k.markClosed()
	if !inListener { // otherwise they may wait for that listener
		if err := k.waitFor(ctx, underWay); err != nil {
			k.inBackground(func() {
				lock := k.stopRetrier(context.Background())
				k.report(k.save(context.Background()))
				lock.giveBack()
			})
			return join(err, k.bell.Load().close(ctx))
		}
	}
	lock := k.stopRetrier(ctx)
	err := k.save(ctx)
	k.inBackground(lock.giveBack)
	if !inListener {
		err = join(err, k.waitFor(ctx, nil))
		_ = k.announce(ctx) // the bell's close returns its error
	}
	return join(err, k.bell.Load().close(ctx))
}

// waitFor waits until the flights have ended and no background work runs.
func (k *keeper) waitFor(ctx context.Context, flights []*flight) error {
	for _, f := range flights {
		if !waitDone(ctx, f.done) {
			return fmt.Errorf("spotipie: closing the session: %w", context.Cause(ctx))
		}
	}
	if err := k.waitForTasks(ctx); err != nil {
		return fmt.Errorf("spotipie: closing the session: %w", err)
	}
	return nil
}

// markClosed makes all new calls fail, and returns the flights that still run.
func (k *keeper) markClosed() []*flight {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.closed.Swap(true) && k.ending != nil {
		close(k.ending.done)
	}
	k.state.Store(k.state.Load().withoutFresh())
	var underWay []*flight
	for _, f := range []*flight{k.renewal.Load(), k.expiry} {
		if f != nil {
			underWay = append(underWay, f)
		}
	}
	return underWay
}
