package accounts

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
)

//go:embed home.html
var homeHTML string

//go:embed home.css
var homeCSS string

type homeView struct {
	Style                                      template.CSS
	Base, Mode                                 string
	App, ClientID, RedirectURI, SignIn, Artist string
	Confidential, Control, Development         bool
	Users                                      []userView
	Endpoints                                  []endpointView
	Requests                                   []controlView
}

type endpointView struct{ Operation, Needs string }

type controlView struct{ Request, Example, Does string }

// serveHome answers / with a page that describes the service.
func (s *Service) serveHome(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		methodNotAllowed(w, http.MethodGet, http.MethodHead)
		writePage(w, http.StatusMethodNotAllowed, "Method not allowed")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	app := s.opts.Apps[0]
	view := homeView{
		Style: s.home.style, Base: baseURL(r), Mode: s.mode(),
		App: app.Name, ClientID: app.ClientID, Confidential: app.ClientSecret != "",
		Artist: tutorialArtist, Control: s.opts.Control, Development: s.development(),
	}
	if len(app.RedirectURIs) > 0 {
		view.RedirectURI = app.RedirectURIs[0]
		view.SignIn = "/authorize?" + url.Values{
			"client_id": {app.ClientID}, "response_type": {responseTypeCode}, "redirect_uri": {view.RedirectURI},
			"scope": {"user-library-read user-read-email"}, "show_dialog": {"true"},
			"code_challenge_method": {challengeMethodS256}, "code_challenge": {exampleChallenge},
		}.Encode()
	}
	for _, user := range s.opts.Users {
		view.Users = append(view.Users, userView{Name: user.DisplayName, Detail: fmt.Sprintf("%s, %s, %d saved tracks", user.ID, user.Product, user.SavedTracks)})
	}
	for _, e := range s.endpoints {
		if e.handle != nil && !(e.removed && s.development()) {
			view.Endpoints = append(view.Endpoints, endpointView{e.method + " " + e.path, e.needs()})
		}
	}
	for _, c := range controlRequests() {
		view.Requests = append(view.Requests, controlView{c.method + " " + servicePath + c.name, c.example, c.does})
	}
	s.home.write(w, view)
}

// exampleChallenge is the challenge of RFC 7636 appendix B. The page's link to an
// example consent page has it.
const exampleChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

// mode describes how the service behaves.
func (s *Service) mode() string {
	what := "Spotify does today for an app in extended quota mode"
	if s.development() {
		what = "Spotify does today for an app in development mode"
	}
	if s.opts.Legacy {
		what = "Spotify did until 27 November 2025, with the implicit grant"
	}
	switch {
	case s.opts.RotateAllRefreshTokens:
		what += ", but each refresh token can be used once"
	case s.opts.RotateRefreshTokens:
		what += ", but each refresh token of an app without a secret can be used once, as until mid 2026"
	}
	return what
}

func (e endpoint) needs() string {
	switch {
	case e.scope != "":
		return "scope " + string(e.scope)
	case e.user:
		return "a user’s token"
	}
	return "any token"
}
