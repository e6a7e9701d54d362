package spotipie

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// keeper keeps one authorization. It has the state, returns the token to callers
// (valid_token.go), renews it (renewal.go), saves it (saving.go) and announces it
// (bell.go). Each session has one.
type keeper struct {
	app     *app
	session Session // for events
	profile string

	state       atomic.Pointer[state]
	failure     atomic.Pointer[failure]
	renewal     atomic.Pointer[flight]
	renewed     atomic.Pointer[renewed]
	bell        atomic.Pointer[bell]
	mounts      atomic.Pointer[[]mount] // the longest prefix first
	autoRefresh atomic.Bool
	closed      atomic.Bool

	mu      sync.Mutex // guards the fields below, and changes of state, renewal, bell and closed
	expiry  *flight    // the running calls of the token-expired listeners
	saving  *flight
	retrier *retrier
	tasks   *tasks
	ending  *ending // nil: nobody waits for the end, and Close was not called
}

// ending is what a session has for its end. Few sessions have it, so that the others are
// smaller.
type ending struct {
	done chan struct{} // closed with the session
	// stopped is set when Close has ended saving in the background. abandoned was the
	// state then. Only another state is still saved, and only for a while.
	stopped   bool
	abandoned *state
}

func (k *keeper) key() Key { return Key{ClientID: k.app.clientID, Profile: k.profile} }

func (k *keeper) shelf() shelf {
	return shelf{app: k.app, key: k.key(), flow: k.flow(), closing: k.closing}
}

func (k *keeper) flow() Flow { return k.session.Flow() }

// mayRenew reports whether the token of s may be renewed: with force on request, and
// without force automatically.
func (k *keeper) mayRenew(s *state, force bool) bool {
	return k.rules().isRenewable(s) && (force || k.autoRefresh.Load())
}

func (k *keeper) rules() rules {
	return rules{clientID: k.app.clientID, flow: k.flow(), scope: k.app.scope, early: k.app.early, random: rand.Uint64}
}

// current returns what callers get: nil if nothing is known.
func (k *keeper) current() *state { return k.state.Load().current() }

// apply replaces the state by the result of a transition. Besides apply, only markClosed
// changes the state.
func (k *keeper) apply(transition func(*state) *state) (from, to *state) {
	k.mu.Lock()
	defer k.mu.Unlock()
	from = k.state.Load()
	to = transition(from)
	if to == from {
		return from, to
	}
	if k.closed.Load() {
		to = to.withoutFresh()
	}
	k.state.Store(to)
	old, now := from.current(), to.current()
	first := from.detail().saving && !to.detail().saving && now.signedIn()
	if first || !old.tokenOrNil().isSame(now.tokenOrNil()) {
		k.bell.Load().note(old, now)
	}
	return from, to
}

// read returns what the store has.
func (k *keeper) read(ctx context.Context, from shelf) (stored, error) {
	var seen uint64
	if s := k.state.Load(); s != nil {
		seen = s.version
	}
	store, err := from.load(ctx)
	store.seen = seen
	return store, err
}

// applyLoaded applies what was read, and returns the new state. If the store has fallen
// back, Options.Observe is called.
func (k *keeper) applyLoaded(ctx context.Context, store stored) *state {
	now := k.app.clock()
	from, to := k.apply(func(s *state) *state { return k.rules().loaded(s, store, now) })
	if to.detail().fallenBack && !from.detail().fallenBack {
		k.observation(ctx, ObservedFallback, "")(nil)
	}
	return to
}

// announce tells the listeners of the latest change, and waits until they have
// heard of it.
func (k *keeper) announce(ctx context.Context) error {
	c := k.bell.Load().latestChange()
	if c.number == 0 {
		return nil
	}
	var err error
	if !c.to.signedIn() {
		err = k.bell.Load().announceLoggedOut(ctx, c.number, LoggedOut{Session: k.session, OldToken: c.from.tokenOrNil()})
	} else {
		err = k.bell.Load().announceUpdated(ctx, c.number, TokenUpdated{
			Session: k.session, OldToken: c.from.tokenOrNil(), NewToken: c.to.token, ReauthorizeBy: c.to.reauthorizeBy(),
		})
	}
	if errors.Is(err, errWaitingInTurn) {
		k.inBackground(func() { k.report(k.announce(context.Background())) })
		return nil
	}
	return err
}

// announceAfter announces the changes since changes returned before. Errors about
// earlier changes go to the callers who made them.
func (k *keeper) announceAfter(ctx context.Context, before uint64) error {
	if k.changes() == before {
		return nil
	}
	return k.announce(ctx)
}

// changes returns how often the token has changed, if there are listeners.
func (k *keeper) changes() uint64 { return k.bell.Load().latestChange().number }

// listeners returns the bell, and makes it if this is the first listener.
func (k *keeper) listeners() *bell {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.bell.Load() == nil {
		k.bell.Store(newBell(k.app.refreshTimeout))
	}
	return k.bell.Load()
}

// isInListener reports whether ctx comes from a call of one of the session's listeners.
func (k *keeper) isInListener(ctx context.Context) bool { return k.bell.Load().ringFor(ctx) != nil }

// isOpen returns an error if the session is closed or was never made.
func (k *keeper) isOpen() error {
	switch {
	case k.app == nil:
		return errNotMade
	case k.closed.Load():
		return ErrClosed
	}
	return nil
}

// report calls OnError with an error that no caller gets.
func (k *keeper) report(err error) { k.app.report(k.key(), err) }

// join is errors.Join, but leaves a single error as it is.
func join(a, b error) error {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return errors.Join(a, b)
}
