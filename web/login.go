package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
)

// The parameters of the login handler.
const (
	returnToKey   = "return_to"
	askKey        = "ask"
	showDialogKey = "show_dialog"
)

const (
	askPurpose  = "ask"
	askLifetime = 24 * time.Hour
)

// asked has the scopes that a login address asks for besides the pool's. It is
// encrypted, so that nobody else can make the app ask for more than it wants.
type asked struct {
	Scope string `json:"a"`
}

// login sends the user to Spotify. If a signed-in user comes from another site,
// a page asks them first, so that the site cannot replace them by another user.
func (a *Auth) login(w http.ResponseWriter, r *http.Request) {
	v, unknown := a.visitor(r)
	if unknown != nil { // they may still sign in
		a.report(r, unknown)
		v = &visitor{}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest)
		return
	}
	page := Page{LoginURL: a.paths.login + query(r.Form), ReturnTo: a.returnTo(r.Form.Get(returnToKey))}
	var more asked
	_, _ = a.sealer.open(askPurpose, r.Form.Get(askKey), &more)
	scope := spotipie.ParseScopes(more.Scope)
	switch {
	case r.Method == http.MethodPost && a.crossOrigin.Check(r) != nil:
		a.fail(w, r, page, &Error{Page: pageSignIn, Status: http.StatusForbidden, Err: errCrossOrigin})
		return
	case r.Method == http.MethodGet && (v.user != "" || unknown != nil) && !isOwnClick(r):
		page.Missing = missing(scope.Normalize(), v.scope())
		a.show(w, r, http.StatusOK, pageSignIn, page)
		return
	}
	location, err := a.begin(w, r, &spotipie.AuthorizationURLOptions{
		ForceDialog: r.Form.Get(showDialogKey) == "true",
		Scope:       append(scope, v.scope()...),
	}, page.ReturnTo)
	if err != nil {
		a.fail(w, r, page, &Error{Page: pageFailed, Status: http.StatusInternalServerError, Err: err})
		return
	}
	redirect(w, location)
}

// isOwnClick reports whether the user has come from a page of the app, or by
// typing its address. It returns false if the browser does not say so
// (Sec-Fetch-Site).
func isOwnClick(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "same-origin" || site == "none"
}

// query returns the part of a form that the login handler reads.
func query(form url.Values) string {
	kept := url.Values{}
	for _, key := range []string{returnToKey, askKey, showDialogKey} {
		if value := form.Get(key); value != "" && len(value) <= maxSealed {
			kept.Set(key, value)
		}
	}
	return strings.TrimSuffix("?"+kept.Encode(), "?")
}

// missing describes the needed scopes that are not granted.
func missing(needed, granted spotipie.Scopes) (names []MissingScope) {
	for _, scope := range granted.Missing(needed) {
		names = append(names, MissingScope{Scope: scope, Description: scope.Description()})
	}
	return names
}
