package web

import (
	"errors"
	"net/http"
	"time"
)

// errStray means that a callback does not belong to a login of this browser. It
// may be forged (RFC 6749 section 10.12).
var errStray = errors.New("this browser has no login under way for the callback: the login began in another browser, " +
	"at another host name (localhost instead of 127.0.0.1, say), or too long ago, or the callback is forged")

// Error is what went wrong with a request, for [Options].OnError.
type Error struct {
	// Page is the name of the page that the user sees, or empty if they see
	// none.
	Page string
	// Status is the HTTP status of that page.
	Status int
	// RetryAfter is how long to wait before trying again; 0 if that is not
	// known.
	RetryAfter time.Duration
	// Err is the cause. It contains no secrets.
	Err error
}

func (e *Error) Error() string { return "web: " + e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// report calls OnError.
func (a *Auth) report(r *http.Request, err error) {
	if a.opts.OnError != nil {
		a.opts.OnError(r, err)
	}
}

// fail calls OnError, and shows the user a page.
func (a *Auth) fail(w http.ResponseWriter, r *http.Request, page Page, failed *Error) {
	a.report(r, failed)
	if failed.RetryAfter > 0 {
		w.Header().Set("Retry-After", seconds(failed.RetryAfter))
	}
	if page.ReturnTo == "" && isVisit(r) {
		page.ReturnTo, _ = a.appPath(r.RequestURI)
	}
	if wantsJSON(r) {
		writeJSON(w, failed.Status, answerJSON{Error: failed.Page, Description: http.StatusText(failed.Status)})
		return
	}
	a.show(w, r, failed.Status, failed.Page, page)
}
