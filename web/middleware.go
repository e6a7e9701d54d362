package web

import (
	"errors"
	"net/http"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/signinpage"
)

// Middleware gives the requests of next their user: see [SessionFrom] and
// [UserFrom]. Requests of nobody get through too. If it cannot be told who it is,
// because the store does not answer, the user gets a page that says so, and next
// is not called; users whose session this process has in memory go on. Answers
// are marked as private (Cache-Control) if somebody is signed in.
func (a *Auth) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := a.visitor(r)
		if err != nil {
			a.answer(w, r, err)
			return
		}
		next.ServeHTTP(w, a.withVisitor(w, r, v))
	})
}

// Require is [Auth.Middleware] for what needs a user who has granted scopes. Who
// is not signed in, has to sign in again or has granted less is sent to Spotify
// and gets back to where they were. A form gets a page instead (401 or 403), and
// a program JSON; see the package's documentation. Without scopes a user is all
// that is needed.
func (a *Auth) Require(scopes ...spotipie.Scope) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			v, err := a.visitor(r)
			if err == nil {
				err = v.check(r, scopes)
			}
			if err != nil {
				a.answer(w, r, err)
				return
			}
			next.ServeHTTP(w, a.withVisitor(w, r, v))
		})
	}
}

// check tells what keeps a visitor from something: that they have to sign in
// (again), or to grant more.
func (v *visitor) check(r *http.Request, scopes []spotipie.Scope) error {
	if v.session == nil {
		if v.trouble != nil {
			return &needsLogin{v.trouble, scopes}
		}
		return &needsLogin{spotipie.ErrNotAuthorized, scopes}
	}
	err := v.has(r, scopes)
	if err != nil { // they may have signed in by another process meanwhile
		_, _ = v.session.Load(r.Context())
		err = v.has(r, scopes)
	}
	return err
}

func (v *visitor) has(r *http.Request, scopes []spotipie.Scope) error {
	if _, err := v.session.Token(r.Context()); isOver(err) {
		return &needsLogin{err, scopes}
	}
	return spotipie.RequireScope(v.session, scopes...)
}

// needsLogin: only the user can help, by signing in.
type needsLogin struct {
	err   error
	scope spotipie.Scopes // that they should grant then
}

func (e *needsLogin) Error() string { return e.err.Error() }
func (e *needsLogin) Unwrap() error { return e.err }

// isOver reports whether an authorization cannot be used any more.
func isOver(err error) bool {
	return errors.Is(err, spotipie.ErrReauthorizationRequired) || errors.Is(err, spotipie.ErrNotAuthorized) ||
		errors.Is(err, spotipie.ErrNoRefreshToken) || errors.Is(err, spotipie.ErrTokenExpired)
}

// Error answers a request whose user's session has failed with err, as
// [http.Error] does for others: a user who has to sign in again or to grant more
// is sent to Spotify, as by [Auth.Require]; for a rate limit, a store or a
// Spotify that is in trouble there is a page, or JSON, with 503 or 502. It calls
// [Options].OnError, unless the user has only yet to sign in or to grant more.
// Nothing may have been written before.
func (a *Auth) Error(w http.ResponseWriter, r *http.Request, err error) {
	if isOver(err) {
		err = &needsLogin{err: err}
	}
	a.answer(w, r, err)
}

// answer answers a request that cannot be served.
func (a *Auth) answer(w http.ResponseWriter, r *http.Request, err error) {
	signinpage.SetHeaders(w.Header())
	var login *needsLogin
	var less *spotipie.InsufficientScopeError
	var limit *spotipie.RateLimitError
	var store *spotipie.StoreError
	var known *Error
	switch {
	case errors.Is(err, spotipie.ErrUnreadableRecord) && !errors.As(err, &known):
		a.fail(w, r, Page{}, &Error{Page: pageUnreadable, Status: http.StatusServiceUnavailable, Err: err})
	case errors.As(err, &login):
		a.demandLogin(w, r, login)
	case errors.As(err, &less):
		a.demandScope(w, r, less)
	case errors.As(err, &known):
		a.fail(w, r, Page{}, known)
	case errors.As(err, &limit):
		a.fail(w, r, Page{}, &Error{Page: pageUnavailable, Status: http.StatusServiceUnavailable, RetryAfter: limit.RetryAfter, Err: err})
	case errors.As(err, &store):
		a.fail(w, r, Page{}, &Error{Page: pageUnavailable, Status: http.StatusServiceUnavailable, RetryAfter: retryAfter, Err: err})
	default:
		a.fail(w, r, Page{}, &Error{Page: pageFailed, Status: http.StatusBadGateway, Err: err})
	}
}

// demandLogin has the user sign in.
func (a *Auth) demandLogin(w http.ResponseWriter, r *http.Request, login *needsLogin) {
	if !errors.Is(login, spotipie.ErrNotAuthorized) {
		a.report(r, &Error{Page: pageSignIn, Status: http.StatusUnauthorized, Err: login.err})
	}
	switch {
	case wantsJSON(r):
		writeJSON(w, http.StatusUnauthorized, answerJSON{
			Error: "login_required", Description: "the user has to sign in with Spotify", LoginURL: a.LoginURL("", login.scope...),
		})
	case isVisit(r):
		redirect(w, a.LoginURL(r.RequestURI, login.scope...))
	default:
		a.show(w, r, http.StatusUnauthorized, pageSignIn, Page{LoginURL: a.LoginURL("", login.scope...)})
	}
}

// demandScope has the user grant more.
func (a *Auth) demandScope(w http.ResponseWriter, r *http.Request, less *spotipie.InsufficientScopeError) {
	switch {
	case wantsJSON(r):
		writeJSON(w, http.StatusForbidden, answerJSON{
			Error: "insufficient_scope", Description: "the user has to grant more to this app",
			Missing: less.Missing, LoginURL: a.LoginURL("", less.Missing...),
		})
	case isVisit(r):
		redirect(w, a.LoginURL(r.RequestURI, less.Missing...))
	default:
		a.show(w, r, http.StatusForbidden, pageConsent, Page{
			LoginURL: a.LoginURL("", less.Missing...), Missing: missing(less.Missing, nil),
		})
	}
}

// isVisit reports whether a request can be sent away and made again: forms
// cannot.
func isVisit(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }
