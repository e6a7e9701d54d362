// Package login gets a user's authorization for a script, a desktop program or a
// program in a remote shell. The user agrees once, in a browser on this machine or
// another. After that the authorization is saved and renews itself.
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
// returned (renewed if need be) and no browser is opened. A token whose refresh
// token Spotify has refused does not count. Otherwise Authorize
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
//     token endpoint fails for a while (no connection, 5xx, or a 429 whose
//     Retry-After fits into the time left), it is asked again until the
//     timeout, and terminal and browser say so.
//
// [Prompt] uses only the terminal, for machines without a loopback address or
// apps with another redirect URI.
//
// # Redirect URIs
//
// Register [DefaultRedirectURI] in the app's settings at
// https://developer.spotify.com/dashboard: without a port it matches any
// (https://developer.spotify.com/documentation/web-api/concepts/redirect_uri),
// so each login takes a free port, and two programs never get in each other's
// way. For a redirect URI with a port, that port is used.
//
// # What can be pasted
//
// The address that the browser ended at; its parameters alone, code=…&state=…,
// with or without the question mark (the number sign, by the implicit grant);
// or the bare code. A state must be that of this login. An address or
// parameters with a code but without a state were cut off, and the user is
// asked for them again: a text that a terminal or a mail program has broken
// into lines can be pasted line by line. A bare code is accepted without a
// state; the session's PKCE verifier binds it to the login.
//
// # Without a browser
//
// In a remote shell (SSH) no browser is opened unless a display is forwarded.
// The printed text then has the ssh -L command that lets the user's own browser
// reach the program. In a container the page must listen on an address that the
// container publishes:
//
//	&login.Options{Ports: []int{8888}, BindAddress: "0.0.0.0"} // docker run -p 127.0.0.1:8888:8888
//
// Users in a container are told so. A program with flags for this names them in
// Options.ListenCommand.
//
// Pasting works in all of these. Prompt also reads the answer from a pipe, for
// programs that run the login. Without both (in a service or a cron job) it fails
// at once with [ErrNoTerminal]; Authorize prints that nobody can paste, and ends
// with a [*TimeoutError] if no browser answers.
//
// # What the browser keeps
//
// With the authorization code flow, which is the one to use, the browser is
// sent on from the callback to an address without code and state, so the code
// is neither in the address bar nor in the history. A browser may still keep
// the redirect in its files; the code is of no use there, since it works once
// and only with the session's PKCE verifier.
//
// The implicit grant puts the token itself into the address of a page. That
// page removes it from the address bar and the tab's history at once. But
// browsers write every address into the history of their profile, where
// extensions and everybody who syncs or reads the profile can see it. The token
// is good for an hour. Spotify has deprecated this flow
// (https://developer.spotify.com/documentation/web-api/tutorials/implicit-flow);
// use it only with a service that has no other flow. Before a browser opens,
// the service is asked whether it still accepts such a request.
//
// # What can go wrong
//
// Before a browser opens, a redirect URI that cannot work is a
// [*spotipie.RedirectURIError] with the corrected URI, and a port that is taken
// is a [*PortError]. If the user does not agree, the error is
// [spotipie.ErrAccessDenied]. Requests to the page that do not belong to the
// login, such as a wrong state, a second tab or another program's request, get
// an answer and change nothing. If the record in the store belongs to another
// client id, or has too few scopes, the user is asked to log in; if the store
// cannot read it, that is the error. A user who grants less than was asked for
// is signed in, and told what is missing; the program gets the token with a
// [*spotipie.InsufficientScopeError]. Before the user is asked, a warning names
// scopes that Spotify is not known to have. If the session is closed, the login
// ends at once with [spotipie.ErrClosed].
//
// Do not call Authorize from a token-expired listener: listeners have no time
// to wait for a person.
package login
