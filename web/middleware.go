package web

import (
	"errors"
	"net/http"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/signinpage"
)

// Middleware adds the user to the requests of next: see [SessionFrom] and
// [UserFrom]. Requests without a signed-in user are passed on too. If the user
// cannot be found out because the store does not answer, the answer is a page
// that says so, and next is not called. Users whose session is in this
// process's memory do not depend on that. Answers are marked as private
// (Cache-Control) if a user is signed in.
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

// Require is [Auth.Middleware] for handlers that need a user who has granted
// scopes. Users who are not signed in, have to sign in again, or have granted
// less are sent to Spotify, and return to where they were. The answer to a form
// is a page instead (401 or 403), and to a program JSON; see the package's
// documentation. Without scopes, Require only needs a signed-in user.
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

// check returns an error if the visitor has to sign in (again), or to grant
// more.
func (v *visitor) check(r *http.Request, scopes []spotipie.Scope) error {
	if v.session == nil {
		if v.trouble != nil {
			return &needsLogin{v.trouble, scopes}
		}
		return &needsLogin{spotipie.ErrNotAuthorized, scopes}
	}
	err := v.has(r, scopes)
	if err != nil { // they may have signed in at another process meanwhile
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

// needsLogin means that the user has to sign in.
type needsLogin struct {
	err   error
	scope spotipie.Scopes // the scopes to ask for
}

func (e *needsLogin) Error() string { return e.err.Error() }
func (e *needsLogin) Unwrap() error { return e.err }

// isOver reports whether an authorization can no longer be used.
func isOver(err error) bool {
	return errors.Is(err, spotipie.ErrReauthorizationRequired) || errors.Is(err, spotipie.ErrNotAuthorized) ||
		errors.Is(err, spotipie.ErrNoRefreshToken) || errors.Is(err, spotipie.ErrTokenExpired)
}

// Error answers a request if the user's session has failed with err. A user who
// has to sign in again or to grant more is sent to Spotify, as by
// [Auth.Require]. For a rate limit, and for trouble with the store or Spotify,
// the answer is a page, or JSON, with 503 or 502. Error calls
// [Options].OnError, unless the user only has to sign in or to grant more. Call
// it before anything else is written to w.
func (a *Auth) Error(w http.ResponseWriter, r *http.Request, err error) {
	if isOver(err) {
		err = &needsLogin{err: err}
	}
	a.answer(w, r, err)
}

// answer sends the answer to a request that has failed.
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

// demandLogin asks the user to sign in.
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

// demandScope asks the user to grant more.
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

// isVisit reports whether a request can be redirected to Spotify and repeated
// afterwards. Forms cannot.
func isVisit(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }
