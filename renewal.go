package spotipie

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// startRenewal returns the running renewal, or starts one to replace s. The caller has
// joined it, and must wait for it. With force it gets a new token even if s is still
// valid. The renewal uses ctx only for observations, and to find out whether it was given
// to a listener.
func (k *keeper) startRenewal(ctx context.Context, s *state, force bool) *flight {
	now := k.app.clock() // not with the lock: Options.Now may use the session
	k.mu.Lock()
	defer k.mu.Unlock()
	f := k.renewalOf(ctx, s, force, now)
	f.join()
	return f
}

// renewalOf is startRenewal without joining the renewal. k.mu is held.
func (k *keeper) renewalOf(ctx context.Context, s *state, force bool, now instant) *flight {
	current := k.current()
	usable := current.isUsable(now)
	switch f := k.renewal.Load(); {
	case k.closed.Load():
		return landed(nil, ErrClosed)
	case f != nil:
		return f
	case current != s && !sameAccess(current, s) && usable:
		return landed(current, nil) // another caller was faster
	}
	if f := k.failure.Load(); f.isRecent(current, now) && (force || !usable) {
		return landed(nil, f.err) // another caller was faster, and failed
	}
	return k.beginRenewal(k.app.background(ctx), current, force, !usable)
}

// beginRenewal starts a renewal to replace s. k.mu is held, and no renewal runs.
func (k *keeper) beginRenewal(ctx context.Context, s *state, force, expiryTold bool) *flight {
	f := newFlight()
	f.expiryTold = expiryTold
	k.renewal.Store(f)
	go k.runRenewal(ctx, f, s, force)
	return f
}

// runRenewal runs a renewal and wakes the callers who wait for it.
func (k *keeper) runRenewal(ctx context.Context, f *flight, unwanted *state, force bool) {
	var next *state
	err := goexit("the renewal")
	defer func() {
		k.mu.Lock()
		k.renewal.Store(nil)
		k.mu.Unlock()
		k.land(f, next, err)
		if failed := (*StoreError)(nil); errors.As(err, &failed) && failed.Op == opSave {
			k.reportResult(f) // even if a caller got the error, because saving goes on
		}
	}()
	next, err = k.renew(ctx, unwanted, force)
	if next != nil && (next.detail().saving || k.state.Load().detail().saving) { // a login that came meanwhile
		err = join(err, k.save(ctx))
	}
	next, err = k.outcome(next, unwanted, err)
	if next == nil && isFailure(err) {
		now := k.app.clock()
		k.failure.Store(k.failure.Load().after(k.current(), err, now))
	}
}

// outcome returns what the callers get who waited for a renewal: what the session has
// now. The user may have signed in or out while the renewal was under way or its
// listeners were called. If there is a token although the renewal has failed, OnError is
// called with the error, which is about an earlier token.
func (k *keeper) outcome(renewed, unwanted *state, err error) (*state, error) {
	s := k.current()
	switch {
	case !s.signedIn() && (renewed != nil || err == nil):
		return nil, join(ErrNotAuthorized, err)
	case renewed != nil || err == nil:
		return s, err
	case sameAccess(s, unwanted) || !s.isUsable(k.app.clock()):
		return nil, err
	}
	k.report(err)
	return s, nil
}

// renew saves what is not saved yet. Then it locks, loads, checks whether a renewal is
// still needed, asks the accounts service, saves, unlocks and announces. It returns the
// state to use, and may also return an error.
func (k *keeper) renew(ctx context.Context, unwanted *state, force bool) (*state, error) {
	before := k.changes()
	saveErr := k.save(ctx)
	s, err := k.stateToRenew(ctx, force)
	if err == nil && !k.isEnough(s, unwanted, force) {
		end := k.observation(ctx, ObservedRenewal, "")
		var locked bool
		if s, locked, err = k.renewInTurn(ctx, unwanted, force); locked {
			saveErr = nil // saving was tried again
		}
		end(err)
	}
	return s, join(err, join(saveErr, k.announceAfter(ctx, before)))
}

// renewInTurn waits for the store's lock and renews, or finds that another process has
// renewed. It reports whether it had the lock.
func (k *keeper) renewInTurn(ctx context.Context, unwanted *state, force bool) (s *state, locked bool, err error) {
	pause := time.Duration(0)
	if !force {
		pause = k.renewed.Load().wait(k.app.clock())
	}
	lock, s, err := k.lockOrReload(ctx, pause, unwanted, force)
	if err != nil {
		s, err = k.learn(ctx, err, unwanted, force)
	}
	if err != nil || lock == nil {
		return s, false, err
	}
	defer func() {
		if k.current().isUnsaved() {
			k.saveInBackground(lock, err != nil)
		} else {
			k.inBackground(lock.giveBack)
		}
	}()
	for range maxSuperseded {
		if s, err = k.renewLocked(ctx, unwanted, force); !errors.Is(err, errSuperseded) {
			break
		}
	}
	return s, true, err
}

// stateToRenew returns the state to renew. If the session has no token that it may renew,
// it reads the store. The error says why there is nothing to renew.
func (k *keeper) stateToRenew(ctx context.Context, force bool) (*state, error) {
	s := k.state.Load()
	if s.signedIn() && k.mayRenew(s, force) {
		return s, nil
	}
	s, err := k.reloadInTime(ctx)
	if err != nil {
		return nil, err
	}
	usable := s.isUsable(k.app.clock())
	switch {
	case k.mayRenew(s, force), usable && !force:
		return s, nil
	case usable && s.detail().refused == "":
		return nil, ErrNoRefreshToken
	}
	return nil, s.noToken()
}

// learn looks for a token that others have saved, if the session itself cannot renew
// because of err.
func (k *keeper) learn(ctx context.Context, err error, unwanted *state, force bool) (*state, error) {
	if s, loadErr := k.reloadInTime(ctx); loadErr == nil && k.isEnough(s, unwanted, force) {
		return s, nil
	}
	return nil, err
}

// isEnough reports whether s can replace unwanted without a request to the accounts
// service.
func (k *keeper) isEnough(s, unwanted *state, force bool) bool {
	now := k.app.clock()
	switch {
	case !s.isUsable(now):
		return false
	case !s.isStale(now) && !(force && sameAccess(s, unwanted)):
		return true
	}
	return !force && !k.mayRenew(s, false)
}

// renewLocked does the part of a renewal that needs the lock. The caller must save what
// it could not save.
func (k *keeper) renewLocked(ctx context.Context, unwanted *state, force bool) (*state, error) {
	s, err := k.reloadInTime(ctx)
	if current := k.state.Load(); err != nil && current.detail().unsaved == unsavedDecision && !k.mustNotReplace(err) {
		s, err = current, nil // a decision of the user: the store can have nothing newer
	}
	if err == nil && s.isUnsaved() { // the store has fallen back
		k.report(k.save(ctx))
		s = k.state.Load()
	}
	switch {
	case err != nil:
		return nil, err
	case k.isEnough(s, unwanted, force):
		return s, nil
	case !k.mayRenew(s, force):
		return nil, s.noToken()
	}
	token, sent, err := k.ask(ctx, s)
	var storeErr *StoreError
	if errors.As(err, &storeErr) { // another process may have taken the lock and renewed
		return k.learn(ctx, err, unwanted, force)
	}
	var answer *TokenEndpointError
	if errors.As(err, &answer) && answer.isFinal() && s.refreshToken() != "" {
		return k.refuse(ctx, s, err, answer)
	}
	if err != nil {
		return nil, err
	}
	k.receive(s, token, sent)
	err = k.save(ctx)
	if next := k.current(); next.signedIn() {
		return next, err
	}
	return nil, err
}

// receive applies a new token that replaces the token of asked.
func (k *keeper) receive(asked *state, token *Token, sent instant) {
	now := k.app.clock()
	k.apply(func(s *state) *state { return k.rules().received(s, asked, token, sent, now) })
	k.failure.Store(nil)
	k.renewed.Store(k.renewed.Load().after(token, now))
}

// errSuperseded means that the session no longer has the refresh token that it was
// about to send: another process has used it, or the user has signed in or out.
var errSuperseded = errors.New("spotipie: another process has used the refresh token meanwhile, or the user has signed in or out")

// maxSuperseded is how often a renewal begins again with another refresh token.
const maxSuperseded = 4

// ask gets a new token from the accounts service to replace the token of s. sent is
// when the request was sent. Before that ask checks that the store can save.
func (k *keeper) ask(ctx context.Context, s *state) (token *Token, sent instant, err error) {
	waiting, cancel := context.WithTimeout(ctx, k.app.lockTimeout)
	defer cancel()
	giveBack, err := k.app.takeTurn(waiting)
	if err != nil {
		return nil, sent, err
	}
	defer giveBack()
	form := url.Values{"grant_type": {"client_credentials"}} // RFC 6749 section 4.4.2
	if k.flow() == FlowAuthorizationCode {
		form = url.Values{"grant_type": {"refresh_token"}, "refresh_token": {s.refreshToken()}} // section 6
	}
	sent = k.app.clock()
	token, err = k.requestToken(ctx, form, k.isAwaited, requestSteps{
		check: func(ctx context.Context) error {
			err := k.shelf().check(ctx)
			if err == nil && k.state.Load().refreshToken() != s.refreshToken() {
				err = errSuperseded
			}
			return err
		},
		again: func(ctx context.Context) error {
			_, err := k.reload(ctx)
			return err
		},
		late: func(token *Token) { // from a transport that ignores its context
			k.receive(s, token, sent)
			k.saveInBackground(nil, false)
		},
	})
	var answer *TokenEndpointError
	if isFinal := errors.As(err, &answer) && answer.isFinal(); err == nil || isFinal {
		k.app.refusals.note(answer.finalWords(), k.app.clock())
	}
	return token, sent, err
}

// isAwaited reports whether a caller waits for the running renewal.
func (k *keeper) isAwaited() bool {
	f := k.renewal.Load()
	return f != nil && f.waiting.Load() > 0
}

// refuse marks the refresh token of asked as refused for good. If the store or another
// goroutine has a newer token by now, the refusal does not count.
func (k *keeper) refuse(ctx context.Context, asked *state, err error, answer *TokenEndpointError) (*state, error) {
	words, now := answer.finalWords(), k.app.clock()
	k.apply(func(s *state) *state { return k.rules().refused(s, asked, words, now) })
	saveErr := k.save(ctx)
	next := k.current()
	switch {
	case next.isUsable(k.app.clock()) && next.detail().refused == "":
		return next, saveErr
	case next.refreshToken() != asked.refreshToken() && k.rules().isRenewable(next):
		return nil, errSuperseded // the token that came meanwhile is expired
	}
	err = fmt.Errorf("%w: %w", ErrReauthorizationRequired, err)
	k.observation(ctx, ObservedRefusal, "")(err)
	return nil, join(err, saveErr)
}

const (
	// quickLock is how long to wait for the lock before reading what its holder has
	// saved.
	quickLock = 25 * time.Millisecond
	// How often to read the record while waiting for the lock, if the store reports
	// changes, and if it does not.
	watchedReload   = 10 * time.Second
	unwatchedReload = time.Second
)

// lockOrReload waits until a pause is over, and then for the store's lock. If another
// process renews the record meanwhile, it returns that record and no lock.
func (k *keeper) lockOrReload(ctx context.Context, pause time.Duration, unwanted *state, force bool) (*storeLock, *state, error) {
	shelf := k.shelf()
	if !shelf.isThere() {
		sleep(ctx, pause)
		return &storeLock{}, nil, nil
	}
	waiting, cancel := context.WithTimeout(ctx, pause+k.app.lockTimeout)
	defer cancel()
	type result struct {
		lock *storeLock
		err  error
	}
	locked := make(chan result, 1)
	go func() {
		r := result{err: goexit("waiting for the store's lock")}
		defer func() { locked <- r }()
		sleep(waiting, pause)
		r.lock, r.err = shelf.lock(waiting)
	}()
	learned := make(chan *state, 1)
	go k.reloadWhileLocking(waiting, unwanted, force, learned)
	select {
	case r := <-locked:
		return r.lock, nil, r.err
	case s := <-learned:
		cancel()
		k.inBackground(func() {
			if r := <-locked; r.lock != nil {
				r.lock.giveBack()
			}
		})
		return nil, s, nil
	}
}

// reloadWhileLocking reads the store again and again until another process has renewed the
// record, which it passes to learned, or ctx ends. The wait for the lock goes on
// meanwhile, even if a call of the store hangs.
func (k *keeper) reloadWhileLocking(ctx context.Context, unwanted *state, force bool, learned chan<- *state) {
	if !sleep(ctx, quickLock) {
		return
	}
	watching := make(chan (<-chan struct{}), 1)
	go func() {
		changes, _ := k.shelf().watch(ctx) // if it fails, the timer is enough
		watching <- changes
	}()
	reload := time.NewTimer(unwatchedReload)
	defer reload.Stop()
	var changes <-chan struct{}
	for {
		select {
		case <-reload.C:
		case changes = <-watching:
		case _, more := <-changes:
			if !more {
				changes = nil
			}
		case <-ctx.Done():
			return
		}
		// Many database drivers close the connection of a call that is cancelled.
		s, err := k.reloadInTime(context.WithoutCancel(ctx))
		if ctx.Err() != nil {
			return
		}
		if err == nil && k.isEnough(s, unwanted, force) {
			learned <- s
			return
		}
		next := unwatchedReload
		if changes != nil {
			next = watchedReload
		}
		reload.Reset(jitter(next))
	}
}
