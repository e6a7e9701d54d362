package spotipie

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Login is a login between the authorization URL and the callback. A program
// keeps it outside of the process, so that any replica can finish the login. It
// holds secrets: keep it where only the browser that began the login has it,
// for example in an encrypted cookie, as package web does.
type Login struct {
	State       string    `json:"state"`
	Verifier    string    `json:"verifier"` // PKCE (RFC 7636)
	RedirectURI string    `json:"redirect_uri"`
	Scope       Scopes    `json:"scope,omitempty"` // asked for
	Expires     time.Time `json:"expires"`
}

// String describes the login without secrets.
func (l Login) String() string {
	return fmt.Sprintf("Login(state %s, verifier %s, redirect_uri %s, scope %q, expires %s)",
		redacted(l.State), redacted(l.Verifier), l.RedirectURI, l.Scope, l.Expires.Format(time.RFC3339))
}

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (l Login) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, l.String()) }

// LogValue implements [slog.LogValuer] without secrets.
func (l Login) LogValue() slog.Value { return slog.StringValue(l.String()) }

// AuthorizationURL returns the URL that a user must visit to agree, and what is
// needed to finish the login. The pool does not remember it.
func (p *Pool) AuthorizationURL(opts *AuthorizationURLOptions) (authorizationURL string, login Login, err error) {
	if err := p.isOpen(); err != nil {
		return "", Login{}, err
	}
	authorizationURL, pending, err := p.newLoginSession().authorizationRequest(opts)
	if err != nil {
		return "", Login{}, err
	}
	return authorizationURL, Login{
		State: pending.state(), Verifier: pending.verifier(), RedirectURI: pending.redirectURI,
		Scope: pending.scope, Expires: pending.expires.UTC(),
	}, nil
}

// SignIn is the result of a login.
type SignIn struct {
	User    User
	Session *AuthorizationCodeSession // of the user, in the pool
}

// FinishLogin finishes a login: it exchanges the code of the callback for a
// token, asks the Web API which user it belongs to, and saves it under the key
// of that user ([User].Key), replacing what was there. callbackURL is the
// address that the accounts service sent the user to, or only its query after a
// "?".
//
// A code works only once, so FinishLogin goes on in the background if ctx ends. If the
// Web API fails, FinishLogin asks it again for up to 90 seconds. A second call with the
// same login and callback joins the first. Errors are those of
// [AuthorizationCodeSession.FetchToken] and [CurrentUser], [ErrClosed],
// [ErrTooManyLogins], and a [*RecordMismatchError] if a pool that asked for fewer
// scopes began the login: begin another one. If the user's record is sealed and this
// pool's store does not seal, the error is also an [ErrUnreadableRecord], and nothing
// is saved. With a [*StoreError], a [*ListenerError] or an [*InsufficientScopeError]
// the SignIn is returned too: the user has signed in. After a [*StoreError] only this
// process knows of it, and saving is tried again.
func (p *Pool) FinishLogin(ctx context.Context, login Login, callbackURL string) (*SignIn, error) {
	if p.app == nil {
		return nil, errPoolNotMade
	}
	f, err := p.finish.join(login.State+" "+callbackURL, func(f *loginFlight) (*SignIn, error) {
		return p.finishLogin(context.WithValue(p.app.background(ctx), loginKey{}, f), login, callbackURL)
	})
	if err != nil {
		return nil, err
	}
	select {
	case <-f.done:
		return f.signIn, f.err
	case <-ctx.Done():
		return nil, fmt.Errorf("spotipie: waiting for the end of a login, which goes on: %w", context.Cause(ctx))
	}
}

// newLoginSession returns a session for a user who is not known yet. It has no store.
func (p *Pool) newLoginSession() *AuthorizationCodeSession {
	s := &AuthorizationCodeSession{}
	s.initFor(s, p.loginApp, "login", true)
	return s
}

func (p *Pool) finishLogin(ctx context.Context, login Login, callbackURL string) (*SignIn, error) {
	s := p.newLoginSession()
	s.logins().add(pendingLogin{
		state: newSecret(login.State), verifier: newSecret(login.Verifier),
		redirectURI: login.RedirectURI, scope: login.Scope, expires: login.Expires,
	}, p.app.wallTime())
	_, warning := s.FetchToken(ctx, callbackURL)
	if !s.IsAuthorized() {
		return nil, warning
	}
	user, err := p.identify(ctx, s)
	if err != nil {
		return nil, err
	}
	rec, _ := s.Record()
	shard, hash := p.shardOf(user.Key())
	r := p.admit(shard, hash, user.Key())
	if rec, err = r.fitting(rec); err != nil {
		return nil, err
	}
	if err := r.mayReplace(ctx); err != nil {
		return nil, err
	}
	if err := r.give(ctx, rec); err != nil { // even if the pool is closed: the code is used up
		warning = join(warning, err)
	}
	return &SignIn{User: *user, Session: &r.AuthorizationCodeSession}, warning
}

// The pool asks the Web API for identifyLimit who has signed in. The code is used up, so
// after a failure the user would have to agree again. If the pool is closed, or the
// error may not pass, it asks only identifyTries times.
const (
	identifyLimit   = 90 * time.Second
	identifyTries   = 3
	minIdentifyWait = 300 * time.Millisecond
	maxIdentifyWait = 5 * time.Second
)

func (p *Pool) identify(ctx context.Context, s *AuthorizationCodeSession) (*User, error) {
	ctx, cancel := context.WithTimeout(ctx, identifyLimit)
	defer cancel()
	wait := minIdentifyWait
	for try := 1; ; try++ {
		asking, cancel := context.WithTimeout(ctx, p.app.refreshTimeout)
		user, err := await(asking, func(ctx context.Context) (*User, error) { return CurrentUser(ctx, s) }, nil)
		cancel()
		pause, isPassing := whenToIdentify(err)
		isLast := try >= identifyTries && (!isPassing || p.closed.Load())
		if err == nil || isLast || pause < 0 || !p.wait(ctx, max(pause, jitter(wait))) {
			return user, err
		}
		wait = min(2*wait, maxIdentifyWait)
	}
}

// whenToIdentify returns how long to wait at least before the Web API is asked again,
// and whether the error may pass. The pause is negative if asking again does not help.
func whenToIdentify(err error) (pause time.Duration, isPassing bool) {
	var answer *APIError
	var limited *RateLimitError
	var network net.Error
	switch {
	case errors.As(err, &limited):
		return limited.RetryAfter, true
	case errors.As(err, &answer) && answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests:
		return -1, false
	case answer != nil:
		return answer.RetryAfter, true
	}
	return 0, errors.As(err, &network)
}

// wait waits for d, or until the pool is closed. It returns false if ctx ends first.
func (p *Pool) wait(ctx context.Context, d time.Duration) bool {
	if end, limited := ctx.Deadline(); limited && time.Until(end) < d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.done:
	case <-ctx.Done():
		return false
	}
	return true
}

// loginKey is the key under which the context of a login has its flight. A listener of
// the login may close the pool with that context.
type loginKey struct{}

// finishing has the logins that are being finished.
type finishing struct {
	mu      sync.Mutex
	closed  bool
	flights map[string]*loginFlight
}

// close makes join begin no more logins, and returns the running ones.
func (l *finishing) close() []*loginFlight {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return slices.Collect(maps.Values(l.flights))
}

type loginFlight struct {
	done   chan struct{}
	signIn *SignIn
	err    error
}

// close waits for the end of a login, and saves what the login could not save. It does
// not wait if the caller is a listener of the login.
func (f *loginFlight) close(ctx context.Context) error {
	if ctx.Value(loginKey{}) == f {
		return nil
	}
	if !waitDone(ctx, f.done) {
		return fmt.Errorf("spotipie: closing the pool while a login is being finished, which goes on: %w", context.Cause(ctx))
	}
	if f.signIn == nil {
		return nil
	}
	return f.signIn.Session.Close(ctx)
}

// maxLogins is how many logins a pool finishes at the same time. Each of them goes
// on when its browser leaves, so a flood of callbacks would take all memory.
const maxLogins = 256

// join finishes a login in the background, or returns the flight that already does so.
func (l *finishing) join(key string, finish func(*loginFlight) (*SignIn, error)) (*loginFlight, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.flights[key]
	switch {
	case f != nil:
		return f, nil
	case l.closed:
		return nil, ErrClosed
	case len(l.flights) == maxLogins:
		return nil, ErrTooManyLogins
	}
	f = &loginFlight{done: make(chan struct{}), err: goexit("finishing a login")}
	if l.flights == nil {
		l.flights = make(map[string]*loginFlight)
	}
	l.flights[key] = f
	go func() {
		defer func() {
			l.mu.Lock()
			delete(l.flights, key)
			l.mu.Unlock()
			close(f.done)
		}()
		f.signIn, f.err = recovering(context.Background(), func(context.Context) (*SignIn, error) { return finish(f) })
		if panicked := (*panicError)(nil); errors.As(f.err, &panicked) {
			f.err = fmt.Errorf("spotipie: finishing a login: %w", f.err)
		}
	}()
	return f, nil
}
