package spotipie

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
)

// keeper keeps one authorization: it has the state, returns the token, and
// makes sure that the token is renewed (renewal.go) and saved (saving.go) and
// that the listeners hear of it (bell.go). There is one for each session.
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

	mu      sync.Mutex // guards what follows, and changes of the above
	expiry  *flight    // the listeners hear that the token is expired
	saving  *flight
	retrier *retrier
	tasks   *tasks
	done    chan struct{} // closed with the session; nil: nobody waits for that
}

func (k *keeper) key() Key { return Key{ClientID: k.app.clientID, Profile: k.profile} }

func (k *keeper) shelf() shelf { return shelf{store: k.app.store, key: k.key(), keeper: k} }

func (k *keeper) flow() Flow { return k.session.Flow() }

func (k *keeper) rules() rules {
	return rules{clientID: k.app.clientID, flow: k.flow(), scope: k.app.scope, early: k.app.early, random: rand.Uint64}
}

// current returns what callers get: nil if nothing is known.
func (k *keeper) current() *state { return k.state.Load().current() }

// apply replaces the state by the result of a transition. Nothing else changes
// it.
func (k *keeper) apply(transition func(*state) *state) (from, to *state) {
	k.mu.Lock()
	defer k.mu.Unlock()
	from = k.state.Load()
	to = transition(from)
	if to == from {
		return from, to
	}
	if k.closed.Load() {
		to = to.shut()
	}
	k.state.Store(to)
	old, now := from.current(), to.current()
	first := from.detail().saving && !to.detail().saving && now.signedIn()
	if first || !old.tokenOrNil().isSame(now.tokenOrNil()) {
		k.bell.Load().note(old, now)
	}
	return from, to
}

// shut returns a copy of s in which the token is not fresh, so that callers
// look again and find the session closed.
func (s *state) shut() *state {
	if s == nil {
		return nil
	}
	c := *s
	c.fresh = never
	return &c
}

// announce tells the listeners of the latest change, and waits until they have
// heard of it.
func (k *keeper) announce(ctx context.Context) error {
	c := k.bell.Load().latestChange()
	if c.number == 0 {
		return nil
	}
	if !c.to.signedIn() {
		return k.bell.Load().announceLoggedOut(ctx, c.number, LoggedOut{Session: k.session, OldToken: c.from.tokenOrNil()})
	}
	return k.bell.Load().announceUpdated(ctx, c.number, TokenUpdated{
		Session: k.session, OldToken: c.from.tokenOrNil(), NewToken: c.to.token, ReauthorizeBy: c.to.reauthorizeBy(),
	})
}

// announceAfter announces what has changed since changes returned before. An
// error about an earlier change was returned to the caller who made that
// change.
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

// isInListener reports whether ctx was given to one of the session's listeners.
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

// valid returns a state with a token that may be used.
func (k *keeper) valid(ctx context.Context) (*state, error) {
	if s := k.state.Load(); s != nil && s.isFresh(k.app.clock()) {
		return s, nil
	}
	return k.validSlow(ctx)
}

func (k *keeper) validSlow(ctx context.Context) (*state, error) {
	if err := k.isOpen(); err != nil {
		return nil, err
	}
	now := k.app.clock()
	if s := k.state.Load(); s.signedIn() && s.isTooLong(now) {
		k.apply(func(s *state) *state { return k.rules().clockSetBack(s, now) })
	}
	s := k.current()
	if s.isUsable(now) {
		k.renewInBackground(ctx, s, now)
		return s, nil
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("spotipie: getting a token: %w", context.Cause(ctx))
	}
	if f := k.failure.Load(); f.isRecent(s, now) {
		return nil, f.err
	}
	end := k.observation(ctx, ObservedWait, "")
	next, err := k.validLater(ctx, s)
	end(err)
	return next, err
}

// validLater waits for a token in place of s, which is expired or nil.
func (k *keeper) validLater(ctx context.Context, s *state) (*state, error) {
	told := k.tellExpired(ctx, s, false)
	if next := k.current(); next.isUsable(k.app.clock()) {
		k.reportResult(told)
		return next, nil
	}
	next, err := k.renewExpired(ctx, k.current())
	if err != nil {
		if told != nil {
			err = join(err, told.err)
		}
		return nil, err
	}
	k.reportResult(told)
	return next, nil
}

// renewInBackground starts a renewal if s is due for one.
func (k *keeper) renewInBackground(ctx context.Context, s *state, now instant) {
	switch {
	case !s.isStale(now), !k.autoRefresh.Load(), !k.rules().isRenewable(s), k.renewal.Load() != nil:
		return
	case s != k.state.Load(), k.failure.Load().putsOff(s, now), k.app.paused() != nil:
		return
	}
	k.leave(k.startRenewal(ctx, s, false))
}

// renewExpired waits for a renewal in place of s.
func (k *keeper) renewExpired(ctx context.Context, s *state) (*state, error) {
	if k.renewal.Load() != nil && k.isInListener(ctx) {
		return nil, k.noToken(s) // the renewal may be waiting for this very listener
	}
	// A renewal under way may have begun so long ago, on the wall clock, that
	// its token is expired too; then one of its own has to follow.
	for range 2 {
		f := k.startRenewal(ctx, s, false)
		next, err := k.wait(ctx, f)
		if next.isUsable(k.app.clock()) {
			k.reportResult(f) // the caller gets the token, and nothing else
			return next, nil
		}
		if next == nil {
			return nil, err
		}
		s = next
	}
	return nil, ErrTokenExpired
}

// refreshNow gets a new token in place of the current one, expired or not.
func (k *keeper) refreshNow(ctx context.Context) (*Token, error) {
	if err := k.isOpen(); err != nil {
		return nil, err
	}
	if k.renewal.Load() != nil && k.isInListener(ctx) {
		return nil, errors.New("spotipie: RefreshToken called by a listener of the renewal under way: it would wait for itself")
	}
	s, _, err := k.replace(ctx, k.current())
	return s.tokenOrNil(), err
}

// replace returns a state with another token than unwanted, renewing if need
// be, and the renewal that it waited for last, or nil.
func (k *keeper) replace(ctx context.Context, unwanted *state) (*state, *flight, error) {
	// A renewal under way may only have saved the unwanted token, or a laptop
	// slept while the listeners heard of its token. Then another renewal
	// follows.
	for attempt := 1; ; attempt++ {
		current := k.current()
		if current != unwanted && !sameAccess(current, unwanted) && current.isUsable(k.app.clock()) {
			return current, nil, nil
		}
		joined := k.renewal.Load()
		f := k.startRenewal(ctx, current, true)
		s, err := k.wait(ctx, f)
		isNew := !sameAccess(s, unwanted) || f != joined
		usable := s.isUsable(k.app.clock())
		switch {
		case s == nil || isNew && usable:
			return s, f, err
		case attempt == 2 && !usable:
			return nil, f, join(ErrTokenExpired, err)
		case attempt == 2:
			return s, f, err
		}
	}
}

// noToken returns why there is no token and the session cannot get one.
func (k *keeper) noToken(s *state) error {
	switch {
	case !s.signedIn():
		return ErrNotAuthorized
	case s.detail().refused != "":
		return fmt.Errorf("%w: %w", ErrReauthorizationRequired, &TokenEndpointError{
			StatusCode: http.StatusBadRequest, Code: codeInvalidGrant, Description: s.detail().refused,
		})
	}
	return ErrTokenExpired
}

// tellExpired calls the token-expired listeners once for all who need the token
// now, and waits for them. It returns the result, or nil if they were not
// called or ctx ended before.
func (k *keeper) tellExpired(ctx context.Context, s *state, withheld bool) *flight {
	if !s.signedIn() || !k.bell.Load().listensForExpiry() || k.isInListener(ctx) {
		return nil
	}
	now := k.app.clock()
	k.mu.Lock()
	renewal := k.renewal.Load()
	if k.current().tokenOrNil() != s.token || renewal != nil && renewal.expiryTold || k.failure.Load().isRecent(s, now) {
		k.mu.Unlock()
		return nil
	}
	f := k.expiry
	if f == nil {
		f = newFlight()
		k.expiry = f
		go k.runExpiry(detached(ctx), f, s, withheld)
	}
	f.join()
	k.mu.Unlock()
	_, _ = k.wait(ctx, f)
	select {
	case <-f.done:
		return f
	default:
		return nil
	}
}

func (k *keeper) runExpiry(ctx context.Context, f *flight, s *state, withheld bool) {
	err := k.bell.Load().callExpired(ctx, TokenExpired{Session: k.session, ExpiredToken: s.token, WithholdToken: withheld})
	k.mu.Lock()
	k.expiry = nil
	switch renewal := k.renewal.Load(); {
	case renewal != nil:
		renewal.expiryTold = true
	case !withheld && k.current().tokenOrNil() == s.token && !k.closed.Load() && k.autoRefresh.Load() && k.rules().isRenewable(s):
		// At once, so that a caller in between does not call them again.
		renewal := k.beginRenewal(context.Background(), s, false, true)
		if f.waiting.Load() > 0 {
			renewal.join() // for those who wait, so that they do not come too late
		}
	}
	k.mu.Unlock()
	k.land(f, nil, err)
}

// report calls OnError with an error that no caller gets.
func (k *keeper) report(err error) {
	if err != nil {
		k.app.reports.add(&BackgroundError{Key: k.key(), Err: err})
	}
}

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
