package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/spotipie/spotipie"
)

const (
	// callbackTimeout is how long the browser waits for a login to finish. The
	// login continues after that, and the page that the browser shows checks
	// again.
	callbackTimeout = 20 * time.Second
	maxState        = 128
	retryAfter      = 5 * time.Second
	maxRetryAfter   = time.Minute
)

// callback handles the redirect from Spotify. It then redirects the browser to
// an address without code and state, unless the code may still work.
func (a *Auth) callback(w http.ResponseWriter, r *http.Request) {
	params, err := url.ParseQuery(r.URL.RawQuery)
	if err == nil && params.Has(problemKey) && !params.Has("state") {
		a.showProblem(w, r, params)
		return
	}
	t, ok := attempt{}, false
	if state := params["state"]; err == nil && len(state) == 1 && len(state[0]) <= maxState {
		t, ok = a.attemptOf(r, state[0])
	}
	if !ok {
		a.problem(w, r, t, &Error{Page: pageStray, Status: http.StatusBadRequest, Err: errStray})
		return
	}
	signIn, failed := a.finish(r, t)
	if failed != nil && failed.Page == pageDelayed {
		a.delayed(w, r, failed)
		return
	}
	a.sealer.removeCookie(w, attemptPurpose(slotOf(t.State)))
	location := a.returnTo(t.ReturnTo)
	if signIn != nil {
		isOther, refused := a.signIn(w, r, signIn)
		if isOther { // another user must not see the page of the first one
			location = a.opts.Home
		}
		if refused != nil {
			failed = refused
		}
	}
	if failed != nil {
		a.problem(w, r, t, failed)
		return
	}
	redirect(w, location)
}

// finish finishes a login. If it returns both results, the user has signed in,
// and a page tells them something.
func (a *Auth) finish(r *http.Request, t attempt) (*spotipie.SignIn, *Error) {
	if failed := a.callbacks.try(t.State); failed != nil {
		return nil, failed
	}
	ctx, cancel := context.WithTimeout(r.Context(), callbackTimeout)
	defer cancel()
	signIn, err := a.pool.FinishLogin(ctx, a.loginOf(t), "?"+r.URL.RawQuery)
	var failed *Error
	var less *spotipie.InsufficientScopeError
	switch {
	case signIn == nil:
		failed = callbackError(err)
	case errors.Is(err, spotipie.ErrUnreadableRecord): // it will not be saved
		signIn, failed = nil, callbackError(err)
	case errors.As(err, &less):
		failed = &Error{Page: pageGrantedLess, Status: http.StatusForbidden, Err: err}
	case err != nil:
		a.report(r, &Error{Err: err})
	}
	switch {
	case failed == nil || failed.Page != pageDelayed:
		a.callbacks.end(t.State)
	case errors.Is(err, spotipie.ErrTooManyLogins):
		a.callbacks.untry(t.State)
	}
	return signIn, failed
}

// callbackError chooses the page and status for a failed login.
func callbackError(err error) *Error {
	var token *spotipie.TokenEndpointError
	var network net.Error
	var api *spotipie.APIError
	switch {
	case errors.Is(err, spotipie.ErrAccessDenied):
		return &Error{Page: pageDenied, Status: http.StatusForbidden, Err: err}
	case errors.Is(err, spotipie.ErrStateMismatch):
		return &Error{Page: pageStray, Status: http.StatusBadRequest, Err: err}
	case errors.Is(err, spotipie.ErrUnreadableRecord):
		return &Error{Page: pageUnreadable, Status: http.StatusServiceUnavailable, Err: err}
	case errors.As(err, &api) && api.StatusCode == http.StatusForbidden:
		return &Error{Page: pageNotAllowed, Status: http.StatusForbidden, Err: err}
	case errors.As(err, &token) && token.Temporary():
		return &Error{Page: pageDelayed, Status: http.StatusServiceUnavailable, RetryAfter: max(token.RetryAfter, retryAfter), Err: err}
	case errors.As(err, &network), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled),
		errors.Is(err, spotipie.ErrTooManyLogins), errors.Is(err, spotipie.ErrClosed): // this replica is stopping: another one continues
		return &Error{Page: pageDelayed, Status: http.StatusServiceUnavailable, RetryAfter: retryAfter, Err: err}
	}
	return &Error{Page: pageFailed, Status: http.StatusBadGateway, Err: err}
}

// delayed shows a page that reloads the callback by itself.
func (a *Auth) delayed(w http.ResponseWriter, r *http.Request, failed *Error) {
	w.Header().Set("Refresh", seconds(min(failed.RetryAfter, maxRetryAfter))) // works without script
	a.fail(w, r, Page{}, failed)
}

// signIn signs the user of a login in with the browser, and signs another user
// out first.
func (a *Auth) signIn(w http.ResponseWriter, r *http.Request, signIn *spotipie.SignIn) (isOther bool, failed *Error) {
	if a.opts.OnLogin != nil {
		if err := a.opts.OnLogin(r, signIn); err != nil {
			return false, &Error{Page: pageRefused, Status: http.StatusForbidden, Err: fmt.Errorf("OnLogin: %w", err)}
		}
	}
	unavailable := func(doing string, err error) (bool, *Error) {
		return false, &Error{Page: pageUnavailable, Status: http.StatusServiceUnavailable, Err: fmt.Errorf("%s with Options.Sessions: %w", doing, err)}
	}
	user := signIn.User.Key()
	before, err := a.sessions.User(r)
	if err != nil {
		return unavailable("asking who is signed in", err)
	}
	if before != "" && before != user {
		isOther = true
		if err := a.sessions.SignOut(w, r); err != nil {
			return unavailable("signing the previous user out", err)
		}
		if a.opts.OnLogout != nil {
			a.opts.OnLogout(r, before)
		}
	}
	if err := a.sessions.SignIn(w, r, user); err != nil {
		return unavailable("signing in", err)
	}
	return isOther, nil
}
