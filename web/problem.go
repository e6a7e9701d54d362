package web

import (
	"net/http"
	"net/url"

	"github.com/spotipie/spotipie"
)

// problemKey is the parameter of the callback's address that says what went
// wrong, in place of a code and a state.
const problemKey = "problem"

// problem sends the browser on to a page about what has gone wrong, which offers
// to try again.
func (a *Auth) problem(w http.ResponseWriter, r *http.Request, t attempt, failed *Error) {
	a.report(r, failed)
	params := a.loginParameters(t.ReturnTo, spotipie.ParseScopes(t.Scope))
	params.Set(problemKey, failed.Page)
	if failed.Page == pageNotAllowed || failed.Page == pageRefused {
		params.Set(showDialogKey, "true") // another account may do better
	}
	redirect(w, a.paths.callback+"?"+params.Encode())
}

// showProblem is that page. Anybody can send a user to it: it says nothing but
// what stands in its template.
func (a *Auth) showProblem(w http.ResponseWriter, r *http.Request, params url.Values) {
	name := params.Get(problemKey)
	status, ok := problemStatus(name)
	if !ok {
		name, status = pageStray, http.StatusBadRequest
	}
	a.show(w, r, status, name, Page{LoginURL: a.paths.login + query(params)})
}

func problemStatus(page string) (status int, ok bool) {
	switch page {
	case pageDenied, pageNotAllowed, pageGrantedLess, pageRefused:
		return http.StatusForbidden, true
	case pageStray:
		return http.StatusBadRequest, true
	case pageFailed:
		return http.StatusBadGateway, true
	case pageUnavailable, pageUnreadable:
		return http.StatusServiceUnavailable, true
	}
	return 0, false
}
