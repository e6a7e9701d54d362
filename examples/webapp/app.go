package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/metric"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/pgstore"
	"github.com/spotipie/spotipie/telemetry"
	"github.com/spotipie/spotipie/web"
)

const (
	appName     = "Tune Keeper"
	accentColor = "#c2410c"
)

// app has what the handlers share.
type app struct {
	creds    spotipie.Credentials
	apiURL   string
	pool     *spotipie.Pool
	sessions sessions
	auth     *web.Auth
	pages    *pages
	metrics  []metric.Registration
	// timeout is how long a request may take. If the database hangs, the user gets
	// a page after this time. A login may take 20 seconds if Spotify is slow.
	timeout time.Duration
}

// newApp makes the app, with authorizations in db and sessions in sessionStore.
// Both must have their tables. The caller must close the app.
func newApp(db *pgxpool.Pool, sessionStore scs.Store, creds spotipie.Credentials, opts *spotipie.Options, keys web.Keys) (*app, error) {
	store, err := pgstore.New(db, nil)
	if err != nil {
		return nil, err
	}
	t, err := telemetry.New(nil)
	if err != nil {
		return nil, err
	}
	opts.Store, opts.Observe = store, t.Observe
	opts.OnError = func(err error) { slog.Error("authorizations", "error", err) }
	pool, err := spotipie.NewPool(creds, &spotipie.PoolOptions{Options: *opts})
	if err != nil {
		return nil, err
	}
	a := &app{creds: creds, apiURL: opts.APIURL, pool: pool, pages: newPages(), timeout: 30 * time.Second}
	a.sessions = newSessions(sessionStore, isHTTPS(creds))
	a.sessions.ErrorFunc = a.unavailable
	a.auth, err = web.New(pool, &web.Options{
		Keys: keys, Sessions: a.sessions, AppName: appName, AccentColor: accentColor, OnError: logTrouble, Now: opts.Now,
	})
	if err != nil {
		return nil, err
	}
	if a.metrics, err = observe(t, pool); err != nil {
		return nil, err
	}
	return a, nil
}

// handler is the whole app.
func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	for _, path := range a.authPaths() {
		mux.Handle(path, a.auth)
	}
	own := http.NewCrossOriginProtection() // a.auth protects its own forms
	own.SetDenyHandler(http.HandlerFunc(a.foreignForm))
	signedIn := a.auth.Require()
	library := a.auth.Require(spotipie.ScopeUserLibraryRead)
	playback := a.auth.Require(spotipie.ScopeUserReadPlaybackState)

	mux.Handle("GET /{$}", a.auth.Middleware(http.HandlerFunc(a.home)))
	mux.Handle("GET /tracks", library(http.HandlerFunc(a.tracks)))
	mux.Handle("GET /playing", playback(http.HandlerFunc(a.playing)))
	mux.Handle("GET /account", signedIn(http.HandlerFunc(a.account)))
	mux.Handle("GET /account/delete", signedIn(http.HandlerFunc(a.confirmDeletion)))
	mux.Handle("POST /account/delete", own.Handler(signedIn(http.HandlerFunc(a.deleteAccount))))
	mux.HandleFunc("GET /deleted", a.deleted)
	mux.HandleFunc("/", a.notFound)
	return a.withHeaders(http.TimeoutHandler(a.sessions.LoadAndSave(mux), a.timeout, a.pages.unavailable()))
}

// authPaths returns the paths of the handlers for login, callback and logout. They
// are next to the redirect URI.
func (a *app) authPaths() []string {
	u, err := url.Parse(a.creds.RedirectURI)
	if err != nil {
		return nil
	}
	folder := path.Dir(u.Path)
	return []string{u.Path, path.Join(folder, "login"), path.Join(folder, "logout")}
}

// withHeaders allows pages to use only their own style sheet, and pictures.
func (a *app) withHeaders(next http.Handler) http.Handler {
	pictures := "https:"
	if a.apiURL != "" { // a service other than Spotify serves its own pictures
		pictures += " " + a.apiURL
	}
	policy := fmt.Sprintf("default-src 'none'; style-src '%s'; img-src %s; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		a.pages.styleHash, pictures)
	isHTTPS := isHTTPS(a.creds)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		if isHTTPS {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// unavailable answers requests when the sessions cannot be read or written.
func (a *app) unavailable(w http.ResponseWriter, _ *http.Request, err error) {
	slog.Error("sessions", "error", err)
	w.Header().Del("Location") // do not redirect: the sign-in was not saved
	w.Header().Set("Retry-After", "5")
	a.pages.show(w, http.StatusServiceUnavailable, "unavailable", page{Title: "Not right now"})
}

func (a *app) foreignForm(w http.ResponseWriter, _ *http.Request) {
	a.pages.show(w, http.StatusForbidden, "foreign-form", page{Title: "Nothing has been done"})
}

func (a *app) notFound(w http.ResponseWriter, _ *http.Request) {
	a.pages.show(w, http.StatusNotFound, "not-found", page{Title: "Nothing here"})
}

// logTrouble logs errors that users cannot fix.
func logTrouble(r *http.Request, err error) {
	var failed *web.Error
	if errors.As(err, &failed) && (failed.Status >= 500 || failed.Status == 0) {
		slog.ErrorContext(r.Context(), "signing in", "page", failed.Page, "error", err)
	}
}
