package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/spotipie/spotipie"
)

const page = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>spotipie example</title>
<p>{{.Message}}</p>
{{if .SignedIn}}<form method="post" action="/logout"><button>Sign out</button></form>
{{else}}<form method="post" action="/login"><button>Sign in with Spotify</button></form>{{end}}
`

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("POST /login", a.login)
	mux.HandleFunc("GET /callback", a.callback)
	mux.HandleFunc("POST /logout", a.logout)
	// Other sites cannot sign a user in or out: their POSTs are refused.
	return http.NewCrossOriginProtection().Handler(mux)
}

func (a *app) show(w http.ResponseWriter, status int, message string, signedIn bool) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	err := a.page.Execute(w, struct {
		Message  string
		SignedIn bool
	}{message, signedIn})
	if err != nil {
		log.Print(err)
	}
}

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	session := a.session(r)
	if session == nil || !session.IsAuthorized() {
		a.show(w, http.StatusOK, "Nobody is signed in.", false)
		return
	}
	name, err := nameOf(r, session)
	switch {
	case errors.Is(err, spotipie.ErrReauthorizationRequired):
		a.show(w, http.StatusOK, "You have taken this app's access back, or six months are over: please sign in again.", false)
	case err != nil:
		log.Print(err)
		a.show(w, http.StatusBadGateway, "Spotify does not answer as it should. Try again in a while.", true)
	default:
		a.show(w, http.StatusOK, "Hello, "+name+"!", true)
	}
}

func nameOf(r *http.Request, session spotipie.Session) (string, error) {
	resp, err := session.Request(r.Context(), "GET", "/v1/me", nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if err := spotipie.CheckResponse(resp); err != nil {
		return "", err
	}
	var me struct {
		Name string `json:"display_name"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&me); err != nil {
		return "", fmt.Errorf("reading the profile: %w", err)
	}
	return me.Name, nil
}

// login makes a session for this browser and sends it to Spotify.
func (a *app) login(w http.ResponseWriter, r *http.Request) {
	session, err := a.newSession()
	if err != nil {
		log.Print(err)
		a.show(w, http.StatusInternalServerError, "This app is not set up as it should be.", false)
		return
	}
	authorizationURL, _, err := session.AuthorizationURL(nil)
	if err != nil {
		log.Print(err)
		a.show(w, http.StatusInternalServerError, "This app is not set up as it should be.", false)
		return
	}
	if !a.keep(w, r, session) {
		a.show(w, http.StatusServiceUnavailable, "Too many people are signing in. Try again in a while.", false)
		return
	}
	http.Redirect(w, r, authorizationURL, http.StatusSeeOther)
}

// callback is where Spotify sends the browser back to. The state in its URL is
// good for the session of this browser's cookie only, and only once.
func (a *app) callback(w http.ResponseWriter, r *http.Request) {
	session := a.session(r)
	if session == nil {
		a.show(w, http.StatusBadRequest, "This sign-in was not started here, or too long ago.", false)
		return
	}
	_, err := session.FetchToken(r.Context(), r.URL.String())
	switch {
	case errors.Is(err, spotipie.ErrAccessDenied):
		a.show(w, http.StatusForbidden, "You did not agree. That is fine.", false)
	case errors.Is(err, spotipie.ErrStateMismatch):
		a.show(w, http.StatusBadRequest, "This sign-in was not started here, or is over.", session.IsAuthorized())
	case err != nil:
		log.Print(err)
		a.show(w, http.StatusBadGateway, "The sign-in did not work. Try again.", false)
	default:
		a.keep(w, r, session) // under a new name, which nobody could know before
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

func (a *app) logout(w http.ResponseWriter, r *http.Request) {
	a.forget(w, r)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
