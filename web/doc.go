// Package web signs the users of a web app in with Spotify: handlers for login,
// callback and logout that work with any router, and a middleware that gives
// each request its user's session.
//
//	keys, err := web.KeysFromEnv("COOKIE_KEYS") // openssl rand -base64 32
//	…
//	pool, err := spotipie.NewPool(creds, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
//	…
//	auth, err := web.New(pool, &web.Options{Keys: keys})
//	…
//	mux.Handle("/auth/", auth) // creds.RedirectURI is https://example.com/auth/callback
//	mux.Handle("/", auth.Middleware(http.HandlerFunc(home)))
//	mux.Handle("/library", auth.Require(spotipie.ScopeUserLibraryRead)(http.HandlerFunc(library)))
//
// A handler gets the session of the signed-in user and makes requests with it:
//
//	func library(w http.ResponseWriter, r *http.Request) {
//		resp, err := web.SessionFrom(r.Context()).Request(r.Context(), "GET", "/v1/me/tracks", nil)
//		if err != nil {
//			auth.Error(w, r, err) // sends the user to Spotify if that helps
//			return
//		}
//		…
//	}
//
// # The handlers
//
// The redirect URI of the credentials determines their paths. With
// https://example.com/auth/callback, an [Auth] answers
//
//	GET, POST /auth/login     sends the user to Spotify
//	GET       /auth/callback  where Spotify sends them back to
//	POST      /auth/logout    signs them out
//
// and everything else with 404. It ignores a request's Host and X-Forwarded-…
// headers, so no proxy has to be trusted.
//
// A page has a link for signing in, and a form for signing out:
//
//	<a href="/auth/login?return_to=/about">Sign in with Spotify</a>
//	<form method="post" action="/auth/logout"><button>Sign out</button></form>
//
// Login takes the parameters return_to, a path of the app, and
// show_dialog=true, which lets users choose another Spotify account. A form for
// logout may have forget=true, which also deletes the user's authorization. A
// link to a page behind [Auth.Require], or to an address of [Auth.LoginURL],
// also signs the user in, and asks for the page's scopes in the same step.
//
// # A login under way
//
// What the callback needs (state, PKCE verifier, where to return to) is in a
// cookie in this browser, encrypted with the app's keys. So any replica can
// finish a login that another one began, nothing is kept in memory, and a
// callback of a login from another browser is refused. A browser has at most
// five such cookies of an app, for logins in five tabs; a sixth replaces the
// oldest. They are valid for ten minutes.
//
// Spotify's answer says who has signed in ([spotipie.Pool.FinishLogin]), and
// the authorization is saved for that user.
//
// # Who is signed in
//
// By default an encrypted cookie holds only the user's key, for
// [Options].SessionLifetime. An app with its own sessions on the server
// implements [Sessions]; its example uses github.com/alexedwards/scs.
//
// Users whose authorization was deleted, in another browser for example, are
// signed out. Users whose refresh token was refused, because six months are
// over or they have removed the app's access, stay signed in, and
// [Auth.Require] and [Auth.Error] send them to Spotify again.
//
// # More scopes
//
// When a user visits a page, [Auth.Require] asks for the scopes that it needs:
// the user agrees and returns to that page. It also asks again for the scopes
// that were granted before, since Spotify grants only what is asked for. It
// redirects only visits of pages. The answer to a form is a page that says what
// is missing, and the answer to a program is JSON:
//
//	401 {"error":"login_required","error_description":"…","login_url":"/auth/login"}
//	403 {"error":"insufficient_scope","error_description":"…","missing":["user-library-read"],"login_url":"/auth/login?ask=…"}
//
// A request is treated as a program's if it accepts JSON and not HTML, or if a
// script makes it with fetch.
//
// If a signed-in user comes to the login handler from another site, or from
// Spotify, a page asks them before they are sent to Spotify. So no other site
// can silently replace them by another user, or make the app ask for more
// scopes.
//
// # What can go wrong
//
// For each problem there is a page that says what the user can do; [Page] says
// how to replace the pages. [Options].OnError is called with an [*Error].
//
// # Cookies on http
//
// Cookies are sent only over https and only to this host (the __Host- prefix).
// With a redirect URI on http, which Spotify accepts for loopback addresses,
// this is not possible: use it only for development and tests.
package web
