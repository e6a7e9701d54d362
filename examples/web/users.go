package main

import (
	"context"
	"crypto/rand"
	"errors"
	"html/template"
	"log"
	"net/http"
	"sync"
	"time"

	"github.com/spotipie/spotipie"
)

// user is a browser that has signed in or is about to.
type user struct {
	session *spotipie.AuthorizationCodeSession
	since   time.Time
}

// app knows its users by the random text in their cookie. It forgets them when
// it ends; with [spotipie.Options].Store it could find their tokens again.
type app struct {
	creds spotipie.Credentials
	page  *template.Template
	mu    sync.Mutex
	users map[string]user
}

func newApp(creds spotipie.Credentials) *app {
	return &app{creds: creds, page: template.Must(template.New("page").Parse(page)), users: make(map[string]user)}
}

const (
	cookieName = "spotipie_example"
	signInTime = 10 * time.Minute // to finish a sign-in
	maxUsers   = 10_000
)

func (a *app) newSession() (*spotipie.AuthorizationCodeSession, error) {
	return spotipie.NewAuthorizationCodeSession(a.creds, spotipie.OptionsFromEnv(""))
}

// session returns the session of the browser, nil if it has none.
func (a *app) session(r *http.Request) *spotipie.AuthorizationCodeSession {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.users[cookie.Value].session
}

// keep makes session that of the browser, in place of any other. It reports
// whether there is room.
func (a *app) keep(w http.ResponseWriter, r *http.Request, session *spotipie.AuthorizationCodeSession) bool {
	if old := a.take(r); old != nil && old != session {
		closeSession(old)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, u := range a.users {
		if !u.session.IsAuthorized() && time.Since(u.since) > signInTime {
			delete(a.users, id)
		}
	}
	if len(a.users) >= maxUsers {
		return false
	}
	id := rand.Text()
	a.users[id] = user{session: session, since: time.Now()}
	setCookie(w, id, 0)
	return true
}

// forget signs the browser out.
func (a *app) forget(w http.ResponseWriter, r *http.Request) {
	if old := a.take(r); old != nil {
		closeSession(old)
	}
	setCookie(w, "", -1)
}

func (a *app) take(r *http.Request) *spotipie.AuthorizationCodeSession {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	session := a.users[cookie.Value].session
	delete(a.users, cookie.Value)
	return session
}

// setCookie lets no script read the cookie and no other site post with it. An
// app on https sets Secure as well, and puts __Host- before the name.
func setCookie(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: value, MaxAge: maxAge,
		Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func closeSession(session *spotipie.AuthorizationCodeSession) {
	if err := session.Close(context.Background()); err != nil {
		log.Print(err)
	}
}

// close waits until what is being renewed is done.
func (a *app) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var errs []error
	for _, u := range a.users {
		errs = append(errs, u.session.Close(context.Background()))
	}
	return errors.Join(errs...)
}
