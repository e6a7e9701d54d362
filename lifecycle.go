package spotipie

import (
	"context"
	"fmt"
)

// give replaces the authorization in memory and store by rec. It does so even if
// ctx ends, so that the token is not lost.
func (k *keeper) give(ctx context.Context, rec Record) error {
	ctx = context.WithoutCancel(ctx)
	now := k.app.clock()
	k.apply(func(s *state) *state { return k.rules().given(s, rec, now) })
	err := k.saveDecision(ctx)
	return join(err, k.announce(ctx))
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
	ctx = context.WithoutCancel(ctx)
	now := k.app.clock()
	k.apply(func(s *state) *state { return k.rules().loggedOut(s, now) })
	err := k.saveDecision(ctx)
	return join(err, k.announce(ctx))
}

// closing returns a channel that is closed with the session.
func (k *keeper) closing() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.done == nil {
		k.done = make(chan struct{})
		if k.closed.Load() {
			close(k.done)
		}
	}
	return k.done
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
	if !k.closed.Swap(true) && k.done != nil {
		close(k.done)
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
