package spotipie

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// flight is work in progress that many callers wait for. It is detached from
// their contexts: each stops waiting when its own ends.
type flight struct {
	done chan struct{}
	held *held // the result; may be there together with an error
	err  error
	// expiryTold: the token-expired listeners need not be called (again).
	expiryTold bool
}

func (f *flight) wait(ctx context.Context) (*held, error) {
	select {
	case <-f.done:
		return f.held, f.err
	default:
	}
	select {
	case <-f.done:
		return f.held, f.err
	case <-ctx.Done():
		return nil, fmt.Errorf("spotipie: waiting for the token: %w", context.Cause(ctx))
	}
}

func landed(h *held, err error) *flight {
	f := &flight{done: make(chan struct{}), held: h, err: err}
	close(f.done)
	return f
}

// failure is why there is no token, remembered for a while so that callers in
// a loop do not become a storm on the accounts service.
type failure struct {
	held  *held // what it is about
	until int64 // until then it is the answer
	// banned is until when the accounts service does not want to be asked
	// (Retry-After). The store may be.
	banned int64
	err    error
}

// expiredRetry is how soon after a failed renewal of an expired token the next
// one is tried.
const expiredRetry = time.Second

// Token implements [Session].
func (s *session) Token(ctx context.Context) (*Token, error) {
	h, err := s.valid(ctx)
	if err != nil {
		return nil, err
	}
	return h.token, nil
}

// valid returns a token that may be handed out.
func (s *session) valid(ctx context.Context) (*held, error) {
	if h := s.held.Load(); h != nil {
		if now := s.now().UnixNano(); now < h.renewAt.Load() && !h.ahead(now) {
			return h, nil
		}
	}
	return s.validSlow(ctx)
}

func (s *session) validSlow(ctx context.Context) (*held, error) {
	if s.closed.Load() {
		return nil, ErrClosed
	}
	h, now := s.held.Load(), s.now()
	if h != nil && h.ahead(now.UnixNano()) {
		h = s.setBack(h, now)
	}
	if h.usable(now) {
		if h.claim(now) && (h.saving != saved || s.autoRefresh.Load() && s.renewable(h)) {
			s.startRenewal(ctx, h, false)
		}
		return h, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("spotipie: getting a token: %w", context.Cause(ctx))
	}
	if err := s.lastFailure(h, now); err != nil {
		return nil, err
	}
	listenerErr := s.tokenExpired(ctx, h, false)
	if next := s.held.Load(); next != h && next.usable(s.now()) {
		return next, nil
	}
	next, err := s.renewExpired(ctx, s.held.Load())
	if err != nil {
		return nil, join(err, listenerErr)
	}
	return next, nil
}

// setBack replaces h, which was received while the clock was ahead, so that
// nobody knows how old it is: by one that is expired now, or if it cannot be
// renewed, a lifetime from now.
func (s *session) setBack(h *held, now time.Time) *held {
	next := s.newHeld(s.record(h), h.saving)
	next.expired = now.UnixNano()
	if !s.renewable(h) {
		next.expired += int64(h.token.expiresIn)
	}
	next.due = next.expired
	next.lookAt(next.due)
	placed, _ := s.place(next, func(current *held) bool { return current == h })
	return placed
}

// lastFailure returns what went wrong last in renewing h, if that was just now.
func (s *session) lastFailure(h *held, now time.Time) error {
	if f := s.failure.Load(); f != nil && f.held == h && now.UnixNano() < f.until {
		return f.err
	}
	return nil
}

// renewExpired waits for a token in place of h, which is expired or nil.
func (s *session) renewExpired(ctx context.Context, h *held) (*held, error) {
	if s.calledFromListener(ctx) && s.renewing() {
		// The renewal may be waiting for this very listener.
		return nil, s.noToken(h)
	}
	// A renewal under way may have begun so long ago, on the wall clock, that
	// its token is expired too; then one of its own has to follow.
	for range 2 {
		next, err := s.startRenewal(ctx, h, false).wait(ctx)
		if next.usable(s.now()) {
			return next, nil // an error beside it was reported
		}
		if next == nil {
			return nil, err
		}
		h = next
	}
	return nil, ErrTokenExpired
}

// noToken says why there is no token and none will come by itself.
func (s *session) noToken(h *held) error {
	switch {
	case h == nil:
		return ErrNotAuthorized
	case h.rejected() != "":
		return fmt.Errorf("%w: %w", ErrReauthorizationRequired, &TokenEndpointError{
			StatusCode: http.StatusBadRequest, Code: codeInvalidGrant, Description: h.rejected(),
		})
	}
	return ErrTokenExpired
}

// tokenExpired calls the token-expired listeners once for all who need the
// token now.
func (s *session) tokenExpired(ctx context.Context, h *held, withheld bool) error {
	if l := s.listeners.Load(); h == nil || l == nil || len(l.expired) == 0 || s.calledFromListener(ctx) {
		return nil
	}
	now := s.now()
	s.mu.Lock()
	if s.held.Load() != h || s.renewal != nil && s.renewal.expiryTold || s.lastFailure(h, now) != nil {
		s.mu.Unlock()
		return nil
	}
	f := s.expiry
	if f == nil {
		f = &flight{done: make(chan struct{})}
		s.expiry = f
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), s.cfg.refreshTimeout)
			defer cancel()
			f.err = s.announceExpired(ctx, TokenExpired{Session: s.self, ExpiredToken: h.token, WithholdToken: withheld})
			s.mu.Lock()
			s.expiry = nil
			switch {
			case s.renewal != nil:
				s.renewal.expiryTold = true
			case !withheld && s.held.Load() == h && !s.closed.Load() && s.autoRefresh.Load() && s.renewable(h):
				// At once, lest a caller in between has them called again.
				s.beginRenewal(context.Background(), h, false, true)
			}
			s.mu.Unlock()
			close(f.done)
			s.report(f.err)
		}()
	}
	s.mu.Unlock()
	_, err := f.wait(ctx)
	return err
}

// refreshNow gets a new token in place of the current one, expired or not.
func (s *session) refreshNow(ctx context.Context) (*Token, error) {
	if s.calledFromListener(ctx) && s.renewing() {
		return nil, errors.New("spotipie: RefreshToken called by a listener of the renewal under way: it would wait for itself")
	}
	h, err := s.replace(ctx, s.held.Load())
	if h == nil {
		return nil, err
	}
	return h.token, err
}

// replace returns a usable token other than unwanted, renewing if need be.
func (s *session) replace(ctx context.Context, unwanted *held) (*held, error) {
	// A renewal under way may turn out to have saved unwanted, no more; then
	// one of its own has to follow.
	for range 2 {
		if current := s.held.Load(); current != unwanted && !sameToken(current, unwanted) && current.usable(s.now()) {
			return current, nil
		}
		h, err := s.startRenewal(ctx, s.held.Load(), true).wait(ctx)
		if h == nil || !sameToken(h, unwanted) {
			return h, err
		}
	}
	return nil, ErrTokenExpired
}

func sameToken(a, b *held) bool {
	return a != nil && b != nil && (a.token == b.token || a.token.AccessToken() == b.token.AccessToken())
}

func (s *session) renewing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renewal != nil
}

// startRenewal joins the renewal under way or starts one in place of h. With
// force it gets a new token even if h is still good. Of ctx the renewal knows
// only whether it was given to a listener.
func (s *session) startRenewal(ctx context.Context, h *held, force bool) *flight {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch current := s.held.Load(); {
	case s.closed.Load():
		return landed(nil, ErrClosed)
	case s.renewal != nil:
		return s.renewal
	case current != h && current.usable(now):
		return landed(current, nil) // somebody was faster
	default:
		h = current
	}
	if err := s.lastFailure(h, now); err != nil && !force && !h.usable(now) {
		return landed(nil, err) // somebody was faster, in vain
	}
	return s.beginRenewal(detached(ctx), h, force, !h.usable(now))
}

// beginRenewal starts a renewal in place of h. s.mu is held and there is none
// under way.
func (s *session) beginRenewal(ctx context.Context, h *held, force, expiryTold bool) *flight {
	f := &flight{done: make(chan struct{}), expiryTold: expiryTold}
	s.renewal = f
	go s.fly(ctx, f, h, force)
	return f
}

// fly runs a renewal and lets those who wait for it go.
func (s *session) fly(ctx context.Context, f *flight, h *held, force bool) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.refreshTimeout)
	defer cancel()
	f.held, f.err = s.renew(ctx, h, force)
	switch {
	case f.held == nil && f.err == nil: // somebody has logged out
		f.err = ErrNotAuthorized
	case f.held == nil:
		s.remember(f.err)
	case f.held == h && h.saving == saved: // there was nothing to do
		h.lookAt(h.due)
	}
	s.mu.Lock()
	s.renewal = nil
	s.mu.Unlock()
	close(f.done)
	s.report(f.err)
}

// remember puts off the next attempt after one that failed. That there is
// nothing to attempt is no failure.
func (s *session) remember(err error) {
	if errors.Is(err, ErrNotAuthorized) || errors.Is(err, ErrTokenExpired) || errors.Is(err, ErrNoRefreshToken) {
		return
	}
	h, now := s.held.Load(), s.now()
	f := &failure{held: h, until: now.Add(expiredRetry).UnixNano(), err: err}
	var retryAfter time.Duration
	var answer *TokenEndpointError
	if errors.As(err, &answer) {
		retryAfter = answer.RetryAfter
		f.banned = now.Add(retryAfter).UnixNano()
	}
	if last := s.failure.Load(); last != nil && last.err == err { // said again, not asked again
		f.banned = last.banned
	}
	s.failure.Store(f)
	if h.usable(now) {
		h.postpone(now, retryAfter)
	}
}

// renew is lock → load → still needed? → ask → save → announce → unlock. It
// returns the token to use, together with an error if something besides it
// went wrong.
func (s *session) renew(ctx context.Context, h *held, force bool) (*held, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	current, warning := s.reload(ctx)
	if current == nil && warning != nil {
		return nil, warning
	}
	if current != nil && current.saving != saved {
		current, err = s.saveAgain(ctx)
		warning = join(warning, err)
	}
	if s.answers(current, h, force) {
		return current, warning
	}
	if force && current.usable(s.now()) && !s.renewable(current) && current.rejected() == "" {
		return nil, join(ErrNoRefreshToken, warning)
	}
	if !s.renewable(current) || !force && !s.autoRefresh.Load() {
		return nil, join(s.noToken(current), warning)
	}
	if f := s.failure.Load(); !force && f != nil && s.now().UnixNano() < f.banned {
		return nil, f.err
	}
	next, err := s.ask(ctx, current)
	return next, join(err, warning)
}

// answers reports whether current will do in place of h, without asking the
// accounts service.
func (s *session) answers(current, h *held, force bool) bool {
	now := s.now()
	switch {
	case !current.usable(now):
		return false
	case now.UnixNano() < current.due && !(force && sameToken(current, h)):
		return true
	}
	return !force && !(s.renewable(current) && s.autoRefresh.Load())
}

// ask gets a new token from the accounts service in place of current.
func (s *session) ask(ctx context.Context, current *held) (*held, error) {
	rec := Record{ClientID: s.clientID, RequestedScope: s.cfg.scope}
	var refreshToken string
	if current != nil {
		rec = s.record(current)
		refreshToken = rec.Token.RefreshToken()
	}
	token, err := s.obtain(ctx, refreshToken)
	var answer *TokenEndpointError
	if current != nil && errors.As(err, &answer) && answer.isFinal() {
		return s.reject(ctx, current, err, answer)
	}
	if err != nil {
		return nil, err
	}
	rec.Token = s.inherit(token, rec.Token)
	return s.adopt(ctx, current, rec, refreshToken)
}

// inherit fills in what an answer left out because it has not changed: the
// refresh token (RFC 6749 section 6) and the scope (section 5.1).
func (s *session) inherit(token, old *Token) *Token {
	t := *token
	if len(t.scope) == 0 {
		if t.scope = s.cfg.scope; old != nil {
			t.scope = old.scope
		}
	}
	if slices.Equal(t.scope, s.cfg.scope) {
		t.scope = s.cfg.scope // one copy for all the session's tokens
	}
	if t.secrets().refresh == "" && old != nil && old.secrets().refresh != "" {
		secrets := *t.secrets()
		secrets.refresh = old.secrets().refresh
		t.secrets = secrets.self
	}
	return &t
}

// reject marks the refresh token of current as refused for good. If the store
// or another goroutine has a newer token by now, the verdict was on an old one
// and does not count.
func (s *session) reject(ctx context.Context, current *held, err error, answer *TokenEndpointError) (*held, error) {
	rec := s.record(current)
	if rec.Rejected = answer.Description; rec.Rejected == "" {
		rec.Rejected = answer.Code
	}
	next, saveErr := s.adopt(ctx, current, rec, "")
	if next.usable(s.now()) && next.rejected() == "" {
		return next, saveErr
	}
	return nil, join(fmt.Errorf("%w: %w", ErrReauthorizationRequired, err), saveErr)
}
