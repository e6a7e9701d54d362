package web

import (
	"errors"
	"fmt"
	"net/http"
)

const (
	// maxForm is how much of a form is read.
	maxForm   = 64 << 10
	forgetKey = "forget"
)

var errCrossOrigin = errors.New("the form is not one of this app's pages: another site may have sent it")

// logout signs the user out. A visit shows a page with the button, for whoever
// was sent to the address.
func (a *Auth) logout(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		a.show(w, r, http.StatusOK, pageSignOut, Page{})
		return
	}
	if a.crossOrigin.Check(r) != nil {
		a.fail(w, r, Page{}, &Error{Page: pageSignOut, Status: http.StatusForbidden, Err: errCrossOrigin})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest)
		return
	}
	if err := a.signOut(w, r, r.PostForm.Get(forgetKey) == "true"); err != nil {
		a.fail(w, r, Page{}, &Error{Page: pageUnavailable, Status: http.StatusServiceUnavailable, Err: err})
		return
	}
	if wantsJSON(r) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	redirect(w, a.opts.Home)
}

// signOut gives the authorization up first, if it is to: who could not have that
// is still signed in, and can try again.
func (a *Auth) signOut(w http.ResponseWriter, r *http.Request, forget bool) error {
	user, err := a.sessions.User(r)
	if err != nil {
		return fmt.Errorf("asking Options.Sessions who is signed in: %w", err)
	}
	if user == "" {
		return nil
	}
	if forget {
		session, err := a.pool.Session(r.Context(), user)
		if err != nil {
			return fmt.Errorf("forgetting the authorization: %w", err)
		}
		if err := session.Logout(r.Context()); err != nil {
			a.report(r, &Error{Err: fmt.Errorf("forgetting the authorization: %w", err)})
		}
	}
	if err := a.sessions.SignOut(w, r); err != nil {
		return fmt.Errorf("signing out with Options.Sessions: %w", err)
	}
	if a.opts.OnLogout != nil {
		a.opts.OnLogout(r, user)
	}
	return nil
}
