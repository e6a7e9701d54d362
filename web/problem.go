package web

import (
	"net/http"
	"net/url"

	"github.com/spotipie/spotipie"
)

// problemKey is the parameter of the callback's address that names the problem,
// in place of a code and a state.
const problemKey = "problem"

// problem redirects the browser to a page about the problem, with a link to try
// again.
func (a *Auth) problem(w http.ResponseWriter, r *http.Request, t attempt, failed *Error) {
	a.report(r, failed)
	params := a.loginParameters(t.ReturnTo, spotipie.ParseScopes(t.Scope))
	params.Set(problemKey, failed.Page)
	if failed.Page == pageNotAllowed || failed.Page == pageRefused {
		params.Set(showDialogKey, "true") // another account may work
	}
	redirect(w, a.paths.callback+"?"+params.Encode())
}

// showProblem shows that page. Anybody can send a user to it, so it shows only
// the text of its template.
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
