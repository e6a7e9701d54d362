package e2e

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
	"github.com/spotipie/spotipie/web"
)

// webApp is a web app of two replicas that take turns, with one store.
type webApp struct {
	url     string
	spotify *spotifytest.Server
	auths   []*web.Auth
}

func newWebApp(t *testing.T, opts accounts.Options) *webApp {
	t.Helper()
	var a *webApp
	var turn atomic.Uint64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		webRoutes(a.auths[turn.Add(1)%uint64(len(a.auths))]).ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	a = startReplicas(t, server.URL, spotipie.NewMemoryStore(), opts)
	return a
}

// startReplicas starts an app that browsers reach at url.
func startReplicas(t *testing.T, url string, store spotipie.Store, opts accounts.Options) *webApp {
	t.Helper()
	a := &webApp{url: url}
	opts.Apps = []accounts.App{{ClientID: "app", ClientSecret: "secret", Name: appName, RedirectURIs: []string{a.url + "/auth/callback"}}}
	a.spotify = spotifytest.NewWith(t, &opts)
	keys, err := web.ParseKeys(web.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		session := a.spotify.Options()
		session.Scope, session.Store = nil, store
		pool, err := spotipie.NewPool(a.spotify.Credentials(), &spotipie.PoolOptions{Options: *session})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = pool.Close(context.Background()) })
		auth, err := web.New(pool, &web.Options{Keys: keys, AppName: appName, Now: a.spotify.Now})
		if err != nil {
			t.Fatal(err)
		}
		a.auths = append(a.auths, auth)
	}
	return a
}

func webRoutes(auth *web.Auth) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/auth/", auth)
	mux.Handle("/{$}", auth.Middleware(webPage(auth, "Home of")))
	mux.Handle("/library", auth.Require(spotipie.ScopeUserLibraryRead)(webPage(auth, "Library of")))
	mux.Handle("/playlists", auth.Require(spotipie.ScopePlaylistReadPrivate)(webPage(auth, "Playlists of")))
	return mux
}

// webPage is a page of the app with the user's name, which it asks Spotify for.
func webPage(auth *web.Auth, what string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := "nobody"
		if session := web.SessionFrom(r.Context()); session != nil {
			user, err := spotipie.CurrentUser(r.Context(), session)
			if err != nil {
				auth.Error(w, r, err)
				return
			}
			name = user.DisplayName
		}
		w.Header().Set("Content-Security-Policy", "default-src 'none'; form-action 'self'")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>App</title><h1>%s %s</h1>
			<p><a id="login" href="/auth/login">Sign in</a> <a id="library" href="/library">Library</a>
			<a id="switch" href="/auth/login?show_dialog=true">Another account</a></p>
			<form method="post" action="/auth/logout"><button id="logout">Sign out</button></form>
			<form method="post" action="/playlists"><button id="post">Send</button></form>`, what, html.EscapeString(name))
	})
}

// TestWebApp sends each request to the replica that did not get the last one.
func TestWebApp(t *testing.T) {
	b := newTab(t)
	goThroughWebApp(t, b, newWebApp(t, accounts.Options{}))
}

// goThroughWebApp has a user sign in, open two tabs, grant more and sign out.
func goThroughWebApp(t *testing.T, b *tab, a *webApp) {
	t.Helper()
	b.visit(a.url + "/")
	b.heading("Home of nobody")
	b.click("#login")
	b.heading(appName + " asks for access")
	other := b.another()
	other.visit(a.url + "/library") // a second login in the same browser
	other.heading(appName + " asks for access")
	b.click(agree)
	b.heading("Home of Ada")
	other.click(agree)
	other.heading("Library of Ada")

	b.click("#library") // was granted in the other tab
	b.heading("Library of Ada")
	b.click("#post")
	b.heading("This needs your permission")
	b.check("web-consent")
	b.click("button")
	b.heading(appName + " asks for access")
	b.click(agree)
	b.heading("Home of Ada")
	b.visit(a.url + "/playlists")
	b.heading("Playlists of Ada")

	a.spotify.Advance(2 * time.Hour) // the token is renewed
	other.visit(a.url + "/library")
	other.heading("Library of Ada")
	other.click("#logout")
	other.heading("Home of nobody")
	b.visit(a.url + "/")
	b.heading("Home of nobody")
	if got := a.spotify.Stats().TokenRequests; got.AuthorizationCode != 3 || got.RefreshToken != 1 {
		t.Errorf("token requests %+v", got)
	}
}

// TestWebAppAnotherAccount has another user replace the first one.
func TestWebAppAnotherAccount(t *testing.T) {
	b := newTab(t)
	a := newWebApp(t, accounts.Options{})
	b.visit(a.url + "/auth/login")
	b.click(agree)
	b.heading("Home of Ada")
	b.click("#switch")
	b.heading(appName + " asks for access")
	b.click("input[value=grace]")
	b.click(agree)
	b.heading("Home of Grace")
}

// TestWebAppFromAnotherSite checks that another site can sign nobody in or out
// without the user's knowledge: a browser says where requests come from. It also
// checks that the pages' forms work under their Content-Security-Policy, even the
// one that is redirected to Spotify.
func TestWebAppFromAnotherSite(t *testing.T) {
	b := newTab(t)
	a := newWebApp(t, accounts.Options{})
	b.visit(a.url + "/auth/login")
	b.click(agree)
	b.heading("Home of Ada")
	elsewhere := strings.Replace(site(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!doctype html><h1>Elsewhere</h1><a href="%[1]s/auth/login">x</a>
			<form method="post" action="%[1]s/auth/logout"><button id="out">x</button></form>
			<form method="post" action="%[1]s/auth/login"><button id="in">x</button></form>`, a.url)
	})), "127.0.0.1", "localhost", 1)

	b.visit(elsewhere)
	b.click("#out")
	b.heading("Sign out of " + appName)
	b.visit(a.url + "/")
	b.heading("Home of Ada")

	b.visit(elsewhere)
	b.click("#in")
	b.heading("Sign in to " + appName)
	b.visit(elsewhere)
	b.click("a")
	b.heading("Sign in to " + appName)
	b.check("web-sign-in")
	b.expectSafe(a.spotify.Credentials().ClientSecret)
	b.click("button")
	b.heading("Home of Ada") // without the consent page: Ada has agreed before

	b.visit(a.url + "/auth/logout")
	b.heading("Sign out of " + appName)
	b.check("web-sign-out")
	b.click("button")
	b.heading("Home of nobody")
}

// TestWebAppTrouble shows what a user sees after denying consent, and when Spotify
// is down.
func TestWebAppTrouble(t *testing.T) {
	b := newTab(t)
	a := newWebApp(t, accounts.Options{})
	b.visit(a.url + "/library")
	b.click("button[value=cancel]")
	b.heading("You did not agree")
	b.check("web-denied")
	b.expectSafe("state=")
	b.click("a.button")
	b.heading(appName + " asks for access")
	if err := a.spotify.QueueFault(accounts.Fault{Kind: accounts.FaultServerError, Status: 500, Target: accounts.TargetToken}); err != nil {
		t.Fatal(err)
	}
	b.click(agree)
	b.heading("You agreed. One moment")
	b.check("web-delayed")
	b.heading("Library of Ada") // the page reloads itself
}

// TestWebAppPages checks that every page that a user can reach is accessible.
func TestWebAppPages(t *testing.T) {
	b := newTab(t)
	a := newWebApp(t, accounts.Options{})
	for _, name := range []string{"stray", "not-allowed", "granted-less", "refused", "failed", "unavailable", "unreadable"} {
		b.visit(a.url + "/auth/callback?problem=" + name)
		b.check("web-" + name)
	}
	b.visit(a.url + "/auth/x")
	b.check("web-not-found")
	b.expectNothingFromElsewhere(a.url)
	b.expectSafe("state=")
}
