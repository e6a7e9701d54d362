package spotipie

import (
	"context"
	"errors"
	"fmt"
)

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
	if s := k.state.Load(); s.signedIn() && s.outlivesLifetime(now) {
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

// validLater waits for a token to replace s, which is expired or nil.
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

// renewInBackground starts a renewal if s is due for one, and reports whether it has.
func (k *keeper) renewInBackground(ctx context.Context, s *state, now instant) bool {
	switch {
	case !s.isStale(now), !k.mayRenew(s, false), k.renewal.Load() != nil:
		return false
	case s != k.state.Load(), k.failure.Load().putsOff(s, now), k.app.paused() != nil:
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.renewalOf(ctx, s, false, now)
	return true
}

// renewExpired waits for a renewal that replaces s.
func (k *keeper) renewExpired(ctx context.Context, s *state) (*state, error) {
	if k.renewal.Load() != nil && k.isInListener(ctx) {
		return nil, s.noToken() // the renewal may be waiting for this listener
	}
	// A renewal that already runs may have begun so long ago, on the wall clock,
	// that its token is expired too. Then another one must follow.
	var err error
	for range 2 {
		f := k.startRenewal(ctx, s, false)
		var next *state
		next, err = k.wait(ctx, f)
		if next.isUsable(k.app.clock()) {
			k.reportResult(f) // the caller gets the token, and nothing else
			return next, nil
		}
		if next == nil {
			return nil, err
		}
		s = next
	}
	return nil, join(k.whyExpired(s), err)
}

// errOutlived means that a session has a new token that it cannot give out.
var errOutlived = errors.New("spotipie: renewing takes longer than the new token is valid, or the computer was asleep meanwhile: try again")

// whyExpired returns why s, which a renewal has just brought, is expired.
func (k *keeper) whyExpired(s *state) error {
	if k.rules().isRenewable(s) {
		return errOutlived
	}
	return s.noToken()
}

// refreshNow gets a new token to replace the current one, expired or not.
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

// replace returns a state with another token than unwanted, and the last renewal
// that it waited for, or nil. It renews if necessary.
func (k *keeper) replace(ctx context.Context, unwanted *state) (*state, *flight, error) {
	// A renewal that already ran may only have saved the unwanted token, or a laptop
	// slept while the listeners were called with its token. Then another renewal
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
			return nil, f, join(k.whyExpired(s), err)
		case attempt == 2:
			return s, f, err
		}
	}
}

// tellExpired calls the token-expired listeners once for all callers who need the
// token now, and waits for the listeners. It returns the result, or nil if they
// were not called or ctx ended first.
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
		go k.runExpiry(k.app.background(ctx), f, s, withheld)
	}
	f.join()
	k.mu.Unlock()
	wait, leave := k.bell.Load().mayWait(ctx)
	defer leave()
	if !wait {
		k.leave(f)
		return nil
	}
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
	case !withheld && k.current().tokenOrNil() == s.token && !k.closed.Load() && k.mayRenew(s, false):
		// At once, so that a caller in between does not call them again.
		renewal := k.beginRenewal(k.app.background(ctx), s, false, true)
		if f.waiting.Load() > 0 {
			renewal.join() // on behalf of the waiting callers, so that they do not join too late
		}
	}
	k.mu.Unlock()
	k.land(f, nil, err)
}
