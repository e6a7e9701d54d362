// Package login takes a script, a desktop program or a terminal on a remote
// machine from nothing to a saved authorization that renews itself: a person
// says yes, in a browser or without one.
//
//	session, err := spotipie.NewAuthorizationCodeSession(spotipie.Credentials{
//		ClientID:    id,
//		RedirectURI: login.DefaultRedirectURI,
//	}, &spotipie.Options{Scope: scope, Store: store, Profile: "me"})
//	…
//	token, err := login.Authorize(ctx, session, &login.Options{AppName: "Tune Keeper"})
//
// # What Authorize does
//
// If the session or its store has a token that covers the scopes, it is
// returned (renewed if need be) and no browser is opened. Otherwise Authorize
//
//  1. listens on the loopback address of the redirect URI,
//  2. prints the address at which the user agrees, and opens it in a browser
//     if there is one to open,
//  3. waits for the answer: from the browser, which Spotify sends back to the
//     loopback address, or from the terminal, where the user can paste the
//     address that the browser ended at (see below). Whichever comes first
//     wins,
//  4. exchanges the answer for a token, which the session saves, and tells the
//     user in the browser that they are signed in and can close the tab. If the
//     token endpoint is in trouble meanwhile (no connection, 5xx, or a 429 whose
//     Retry-After fits into the time left), it is asked again until the timeout,
//     and terminal and browser say so.
//
// [Prompt] is the terminal alone, for machines without a loopback address or
// apps whose redirect URI is elsewhere.
//
// # Redirect URIs
//
// Register [DefaultRedirectURI] in the app's settings at
// https://developer.spotify.com/dashboard: without a port it matches any
// (https://developer.spotify.com/documentation/web-api/concepts/redirect_uri),
// so a free one is taken at each login, and two programs never get in each
// other's way. A redirect URI with a port is listened to at that port.
//
// # What can be pasted
//
// The address that the browser ended at; its parameters alone, code=…&state=…,
// with or without the question mark (the number sign, by the implicit grant);
// or the bare code. With a state, the answer has to belong to this login. An
// address or parameters that have a code and no state have been cut off, and
// are asked for again: what a terminal or a mail program has broken into lines
// can be pasted line by line. A bare code has no state to lose, and is taken;
// the session's PKCE verifier binds it to the login.
//
// # Where there is no browser
//
// In a remote shell (SSH) no browser is opened unless a display is forwarded,
// and the text that is printed names the ssh -L command that lets the browser
// at the user's end reach the program. In a container the page has to listen
// on an address that the container publishes:
//
//	&login.Options{Ports: []int{8888}, BindAddress: "0.0.0.0"} // docker run -p 127.0.0.1:8888:8888
//
// Users in a container are told so, by a program with flags of its own in terms
// of those: see Options.ListenCommand.
//
// Pasting works in all of these. A program without a terminal (a service, a
// cron job) is told so at once: by [Prompt] with [ErrNoTerminal], by Authorize
// in what it prints, and it ends by [*TimeoutError].
//
// # What the browser keeps
//
// With the authorization code flow, which is the one to use, the browser is
// sent on from the callback to an address without code and state, so the code
// is neither in the address bar nor among the pages that the history shows. A
// browser may keep the redirect in its files all the same; there the code is of
// no use, for it works once and only with the session's PKCE verifier.
//
// The implicit grant puts the token itself into the address of a page. That
// page takes it out of the address bar and the tab's history at once, but
// browsers write every address they have been at into the history of their
// profile, and keep it there as long as they keep history; extensions and
// whoever syncs or reads the profile see it. The token is good for an hour.
// Spotify has deprecated this flow
// (https://developer.spotify.com/documentation/web-api/tutorials/implicit-flow);
// use it only with a service that has no other. Before a browser opens, the
// service is asked whether it still takes such a request.
//
// # What can go wrong
//
// A redirect URI that cannot work is a [*spotipie.RedirectURIError] with the
// corrected one, a port that is taken a [*PortError]; both are told before a
// browser opens. A user who says no is [spotipie.ErrAccessDenied]. What is
// sent to the page and does not belong to the login, such as a wrong state, a
// second tab or another program's request, gets an answer and changes nothing.
// A record in the store that belongs to another client id, or has too few
// scopes, leads to a login; one that the store cannot read is its error. A user
// who grants less than was asked for is signed in, and told what is missing; the
// program gets the token with a [*spotipie.InsufficientScopeError]. Scopes that
// Spotify is not known to have are warned of before the user is asked. If the
// session is closed, the login ends at once with [spotipie.ErrClosed].
//
// Do not call Authorize from a token-expired listener: listeners have no time
// to wait for a person.
package login
