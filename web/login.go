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

// asked is what the login address asks for beside the pool's scopes. It is
// sealed, lest somebody else makes the app ask for more than it wants.
type asked struct {
	Scope string `json:"a"`
}

// login sends the user to Spotify. Another site cannot have a user who is signed
// in replaced: they are asked first.
func (a *Auth) login(w http.ResponseWriter, r *http.Request) {
	v, unknown := a.visitor(r)
	if unknown != nil { // they may sign in all the same
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
// typing its address. Browsers that do not tell (Sec-Fetch-Site) are not
// believed.
func isOwnClick(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "same-origin" || site == "none"
}

// query is the part of a form that the login handler takes.
func query(form url.Values) string {
	kept := url.Values{}
	for _, key := range []string{returnToKey, askKey, showDialogKey} {
		if value := form.Get(key); value != "" && len(value) <= maxSealed {
			kept.Set(key, value)
		}
	}
	return strings.TrimSuffix("?"+kept.Encode(), "?")
}

// missing describes the scopes of needed that are not in granted.
func missing(needed, granted spotipie.Scopes) (names []MissingScope) {
	for _, scope := range granted.Missing(needed) {
		names = append(names, MissingScope{Scope: scope, Description: scope.Description()})
	}
	return names
}
