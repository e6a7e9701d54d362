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

var errCrossOrigin = errors.New("the form does not come from a page of this app: another site may have sent it")

// logout signs the user out. For a GET request it shows a page with a button.
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

// signOut signs the user out. If the user wants the authorization deleted, it
// deletes it first: if that fails, the user is still signed in and can try
// again.
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
