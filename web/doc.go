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
// A handler asks who is signed in and makes requests for them:
//
//	func library(w http.ResponseWriter, r *http.Request) {
//		resp, err := web.SessionFrom(r.Context()).Request(r.Context(), "GET", "/v1/me/tracks", nil)
//		if err != nil {
//			auth.Error(w, r, err) // sends the user to Spotify if that is what helps
//			return
//		}
//		…
//	}
//
// # The handlers
//
// The redirect URI of the credentials says where they are. With
// https://example.com/auth/callback, an [Auth] answers
//
//	GET, POST /auth/login     sends the user to Spotify
//	GET       /auth/callback  where Spotify sends them back to
//	POST      /auth/logout    signs them out
//
// and everything else with 404. No address is ever made of a request's Host or
// X-Forwarded-… headers, so no proxy has to be trusted.
//
// A page has a link for signing in, and a form for signing out:
//
//	<a href="/auth/login?return_to=/about">Sign in with Spotify</a>
//	<form method="post" action="/auth/logout"><button>Sign out</button></form>
//
// Login takes return_to, a path of the app, and show_dialog=true, which lets
// users choose another Spotify account. A form for logout may have forget=true,
// which deletes the user's authorization too. A link to a page behind
// [Auth.Require] signs in too, and asks for the page's scopes in one go, as does
// an address of [Auth.LoginURL].
//
// # A login under way
//
// What the callback needs to know (state, PKCE verifier, where to return to) is
// in a cookie that only this browser has, sealed with the app's keys. So any
// replica finishes what another began, nothing is kept in memory, and a callback
// that was begun in another browser is refused. An app never has more than five
// such cookies in a browser, for logins in five tabs; a sixth replaces the
// oldest. They are good for ten minutes.
//
// Spotify's answer says who has signed in ([spotipie.Pool.FinishLogin]), and the
// authorization is kept under that user.
//
// # Who is signed in
//
// By default a sealed cookie holds the user's key, and nothing else, for
// [Options].SessionLifetime. An app that has sessions of its own, on its server,
// puts them behind [Sessions]; the example of that is of
// github.com/alexedwards/scs.
//
// Users whose authorization is gone (they have it deleted in another browser,
// say) are signed out. Users whose refresh token was refused, because six months
// are over or they took the app's access back, stay signed in, and
// [Auth.Require] and [Auth.Error] send them to Spotify once more.
//
// # More scopes
//
// [Auth.Require] asks for what a page needs when somebody visits it: the user
// agrees and is back on that page. What was granted before is asked for again,
// since Spotify grants no more than is asked for. Only pages can send users
// away: a form gets a page that says what is missing, and a program gets JSON:
//
//	401 {"error":"login_required","error_description":"…","login_url":"/auth/login"}
//	403 {"error":"insufficient_scope","error_description":"…","missing":["user-library-read"],"login_url":"/auth/login?ask=…"}
//
// A program is who does not accept HTML but JSON, and a script that uses fetch.
//
// A user who is signed in and comes from another site, or from Spotify, is asked
// on a page before they are sent there again: no site can have them replaced by
// another user, or asked for more, without a word.
//
// # What can go wrong
//
// Each trouble has a page that says what the user can do; see [Page] for
// replacing them. [Options].OnError hears of it, as an [*Error].
//
// # Cookies on http
//
// Cookies are for https alone, and for this host alone (the __Host- prefix).
// With a redirect URI on http, which Spotify takes for loopback addresses, they
// cannot be: that is for development and tests.
package web
