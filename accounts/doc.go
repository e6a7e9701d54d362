// Package accounts is an offline accounts service that behaves as Spotify's: the
// authorization server at accounts.spotify.com and a small slice of the Web API
// at api.spotify.com, in one http.Handler. Whatever logs in with Spotify can be
// tried and tested against it without a network, an app registration or an
// account.
//
//	service, err := accounts.New(nil)
//	...
//	server := httptest.NewServer(service)
//	...
//	session, err := spotipie.NewAuthorizationCodeSession(creds, &spotipie.Options{
//		AccountsURL: server.URL,
//		APIURL:      server.URL,
//		Now:         service.Now, // so that Advance ages the session's tokens too
//	})
//
// Package spotifytest does this for tests, and "spotipie serve" for programs.
//
// With server.URL in place of both of Spotify's hosts there are
//
//	GET  /                    what this is, for a person
//	GET  /authorize           the consent page (/en/authorize too)
//	POST /api/token           every grant
//	     /v1/                 a slice of the Web API; the page at / lists it
//	GET  /_service/stats      what was asked, as JSON
//	GET  /_service/pictures/  the users' pictures
//	POST /_service/           control, see below
//
// Pages of any origin may use /api/token and the Web API, as at Spotify.
//
// # What it is faithful to
//
// Statuses, headers, the wording of errors, the order of checks, which errors
// are shown to the user as a page and which redirect to the app, the rules for
// redirect URIs (https://developer.spotify.com/documentation/web-api/concepts/redirect_uri),
// and lifetimes: an hour for an access token, six months from the user's
// consent for a refresh token
// (https://developer.spotify.com/documentation/web-api/tutorials/refreshing-tokens).
// So an unknown client is answered with 400 and not with RFC 6749's 401, and a
// refresh returns no new refresh token. Where nobody outside Spotify knows what
// it does, the service does what the RFC says, and the source names the
// assumption. [Options.Legacy] is Spotify before 2025-11-27: implicit grant,
// http and localhost redirects, and that time's wording.
//
// An app is in extended quota mode, where nothing was taken away.
// [Options.DevelopmentMode] is what Spotify has made of development mode in
// 2026: an allow list of five, an owner who needs Premium, a quota, fewer fields
// and endpoints
// (https://developer.spotify.com/documentation/web-api/tutorials/february-2026-migration-guide).
//
// # Users
//
// Each user has a name, a picture, a library and a player of their own, so that
// a test sees when a program mixes users up. [DefaultUsers] are two; one who is
// new, as made by User{ID: "zoe"}, has an empty library.
//
// # Time
//
// Nothing has to be waited for. [Service.Advance] moves the service's clock, so
// a token can be an hour old, or a refresh token six months, at once.
// [Service.ExpireAccessTokens], [Service.ExpireAccessTokensOf],
// [Service.ExpireRefreshTokensOf] and [Service.RevokeUser] end things directly,
// and [Service.Reset] starts over.
//
// # Consent
//
// The page asks as Spotify's does, lets one choose the user, and needs no
// script. A user who agreed before to all that is asked is redirected at once
// unless show_dialog=true; a session cookie remembers who that is. A browser
// must reach the page by https or on a loopback address: elsewhere it does not
// say where a form comes from, and the service refuses forms of unknown origin.
// Tests need no page: [Options.AutoApprove] agrees by itself,
// [Service.ConsentAs] agrees to one request as a named user, and
// [Service.DenyNext] presses Cancel.
//
// # Faults
//
// [Service.QueueFault] makes a request go wrong: rate limits in both of
// Spotify's forms, server errors, slow and cut connections, answers that are
// not JSON, and tokens reported dead that are not. A fault can strike once, a
// few times, or every n-th request, and be limited to one path.
//
// # Endpoints of your own
//
// [Service.Handle] adds an endpoint that the slice of the Web API lacks. Under
// /v1/ the service checks the access token first and tells who asks, so that a
// handler has nothing to do with authorization.
//
// # Control
//
// With [Options.Control] programs in other languages do by HTTP what the methods
// of [Service] do, from the same machine alone; docs/accounts-service.md has the
// requests.
//
// # Secrets
//
// Codes and tokens are random, are kept in memory only, and there only as
// hashes. Neither an [App] nor a [Service] prints a secret. The service is for
// tests: anyone who can reach it can log in as any of its users, so let it
// listen on a loopback address.
package accounts
