package spotipie

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"
)

const (
	// defaultLoginLifetime is how long the user has to answer.
	defaultLoginLifetime = time.Hour
	// maxPending limits the unfinished logins of one session. The oldest is
	// forgotten first.
	maxPending = 100
)

// logins has a session's unfinished logins: authorization requests without an answer.
type logins struct {
	mu        sync.Mutex
	pending   []pendingLogin
	exchanges []*exchange
}

// pendingLogin is an authorization request that the user has not answered yet.
type pendingLogin struct {
	state       secret
	verifier    secret // PKCE (RFC 7636); not used in the implicit grant
	redirectURI string
	scope       Scopes // asked for
	expires     time.Time
	// failed is why the last exchange of its code has failed, and again is when
	// the next may be made: at once after the first failure.
	failed error
	again  instant
}

// after returns the login after its exchange has failed.
func (l pendingLogin) after(err error, now instant) pendingLogin {
	if l.failed != nil {
		l.again = now.add(expiredRetry)
	}
	l.failed = err
	return l
}

// exchange is a running exchange of a code for a token. Calls with the same
// callback join it.
type exchange struct {
	login  pendingLogin
	code   secret
	flight *flight
	token  *Token // the result
}

// newLogin returns a login with its state and verifier.
func newLogin(redirectURI string, scope Scopes, expires time.Time) pendingLogin {
	return pendingLogin{
		state:       newSecret(randomText()),
		verifier:    newSecret(randomText()),
		redirectURI: redirectURI,
		scope:       scope,
		expires:     expires.Round(0), // the wall clock advances while a laptop sleeps
	}
}

// add registers a login.
func (l *logins) add(login pendingLogin, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = slices.DeleteFunc(l.pending, func(other pendingLogin) bool { return !now.Before(other.expires) })
	if len(l.pending) >= maxPending {
		l.pending = slices.Delete(l.pending, 0, 1)
	}
	l.pending = append(l.pending, login)
}

// take finds the login with the given state and forgets it: a state works once.
func (l *logins) take(state string, now time.Time) (pendingLogin, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.takePending(state, now)
}

// takePending finds and removes a login. It compares the state with that of every
// login, in constant time. l.mu is held.
func (l *logins) takePending(state string, now time.Time) (pendingLogin, error) {
	found := -1
	for i, login := range l.pending {
		if isEqualSecret(login.state(), state) && now.Before(login.expires) {
			found = i
		}
	}
	if found < 0 {
		return pendingLogin{}, ErrStateMismatch
	}
	login := l.pending[found]
	l.pending = slices.Delete(l.pending, found, found+1)
	if len(l.pending) == 0 {
		l.pending = nil
	}
	return login, nil
}

// begin takes the login with the given state for an exchange of its code. If the same
// exchange already runs, it returns that one and started == false.
func (l *logins) begin(state, code string, now time.Time, clock instant) (x *exchange, started bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range l.exchanges {
		if isEqualSecret(x.login.state(), state) && isEqualSecret(x.code(), code) {
			x.flight.join()
			return x, false, nil
		}
	}
	login, err := l.takePending(state, now)
	if err != nil {
		return nil, false, err
	}
	if login.failed != nil && clock.isBefore(login.again) {
		l.pending = append(l.pending, login)
		return nil, false, login.failed
	}
	x = &exchange{login: login, code: newSecret(code), flight: newFlight()}
	x.flight.join()
	l.exchanges = append(l.exchanges, x)
	return x, true, nil
}

func (l *logins) end(x *exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.exchanges = slices.DeleteFunc(l.exchanges, func(other *exchange) bool { return other == x })
}

func isEqualSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// exchangeCode exchanges the code of a callback for a token (RFC 6749 section
// 4.1.3). The code works once, so the exchange continues if ctx ends.
func (s *session) exchangeCode(ctx context.Context, code, state string) (*Token, error) {
	if err := s.isOpen(); err != nil {
		return nil, err
	}
	x, started, err := s.logins().begin(state, code, s.app.wallTime(), s.app.clock())
	if err != nil {
		return nil, err
	}
	if started {
		s.inBackground(func() { s.runExchange(s.app.background(ctx), x) })
	}
	select {
	case <-x.flight.done:
		return x.token, x.flight.err
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) && x.flight.isOverSoon() {
			return x.token, x.flight.err
		}
		s.leave(x.flight)
		return nil, fmt.Errorf("spotipie: waiting for the token of the login, which continues in the background: %w", context.Cause(ctx))
	}
}

func (s *session) runExchange(ctx context.Context, x *exchange) {
	err := goexit("the exchange of the code")
	defer func() {
		s.logins().end(x)
		s.land(x.flight, nil, err)
	}()
	s.app.waitForPause(ctx, s.app.refreshTimeout) // codes expire soon
	var token *Token
	token, err = s.exchangeInTurn(ctx, url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {x.code()},
		"redirect_uri":  {x.login.redirectURI},
		"code_verifier": {x.login.verifier()},
	}, requestSteps{
		check: func(context.Context) error { return nil },
		late:  func(token *Token) { _, _ = s.authorize(ctx, token, x.login.scope) },
	})
	var answer *TokenEndpointError
	if err != nil && (!errors.As(err, &answer) || answer.Temporary()) {
		s.logins().add(x.login.after(err, s.app.clock()), s.app.wallTime()) // the code may still work
	}
	if err == nil {
		x.token, err = s.authorize(ctx, token, x.login.scope)
	}
}

// exchangeInTurn requests a token when it is this login's turn among all token
// requests of the app.
func (s *session) exchangeInTurn(ctx context.Context, form url.Values, steps requestSteps) (*Token, error) {
	waiting, cancel := context.WithTimeout(ctx, s.app.refreshTimeout)
	defer cancel()
	giveBack, err := s.app.takeSlot(waiting)
	if err != nil {
		return nil, err
	}
	defer giveBack()
	return s.requestToken(ctx, form, func() bool { return true }, steps)
}

// authorize sets a token of a new consent. The error says if the user granted less than
// they were asked for.
func (s *session) authorize(ctx context.Context, token *Token, asked Scopes) (*Token, error) {
	if len(token.scope) == 0 { // the scope is then the requested one (RFC 6749 section 5.1)
		granted := *token
		granted.scope = asked
		token = &granted
	}
	if len(asked) > 0 { // otherwise nothing is granted, even if the session itself asks for scopes
		token = s.rules().inherit(token, nil)
	}
	err := s.give(ctx, Record{
		Token:          token,
		AuthorizedAt:   s.app.wallTime().Round(0).UTC(),
		ClientID:       s.app.clientID,
		RequestedScope: asked,
	})
	if missing := token.scope.Missing(asked); len(missing) > 0 {
		err = join(&InsufficientScopeError{Needed: asked.Normalize(), Current: token.Scope(), Missing: missing}, err)
	}
	return token, err
}

// randomText returns 256 random bits as 43 characters that are unreserved in a
// URL, as RFC 7636 section 4.1 recommends for a verifier.
func randomText() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// challenge returns the S256 code challenge of a verifier (RFC 7636 section
// 4.2).
func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
