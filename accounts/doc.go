// Package accounts is an offline accounts service that behaves like Spotify's:
// the authorization server at accounts.spotify.com and a small part of the Web
// API at api.spotify.com, in one http.Handler. Every program that logs in with
// Spotify can be tried and tested against it, without a network, an app
// registration or an account.
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
// server.URL replaces both of Spotify's hosts. It serves
//
//	GET  /                    a page about the service
//	GET  /authorize           the consent page (also /en/authorize)
//	POST /api/token           every grant
//	     /v1/                 a slice of the Web API; the page at / lists it
//	GET  /_service/stats      counts of requests, as JSON
//	GET  /_service/pictures/  the users' pictures
//	POST /_service/           control, see below
//
// Pages of any origin may use /api/token and the Web API, as at Spotify.
//
// # How it matches Spotify
//
// It has Spotify's statuses, headers, error texts and order of checks. Like
// Spotify it shows some errors to the user as a page, and sends others to the
// app by redirect. It has Spotify's rules for redirect URIs
// (https://developer.spotify.com/documentation/web-api/concepts/redirect_uri),
// and lifetimes: an hour for an access token, six months from the user's
// consent for a refresh token
// (https://developer.spotify.com/documentation/web-api/tutorials/refreshing-tokens).
// For example, an unknown client gets 400 and not RFC 6749's 401, and a refresh
// returns no new refresh token. Where Spotify's behaviour is unknown, the
// service follows the RFC, and a comment in the source says so. With
// [Options.Legacy] it behaves like Spotify before 2025-11-27: implicit grant,
// http and localhost redirects, and the texts of that time.
//
// Apps are in extended quota mode, which has every endpoint.
// [Options.DevelopmentMode] turns on Spotify's development mode since 2026: an
// allow list of five users, an owner who needs Premium, a quota, fewer fields
// and endpoints
// (https://developer.spotify.com/documentation/web-api/tutorials/february-2026-migration-guide).
//
// # Users
//
// Each user has their own name, picture, library and player, so that a test
// notices if a program mixes users up. [DefaultUsers] returns two. A new user,
// such as User{ID: "zoe"}, has an empty library.
//
// # Time
//
// Tests never have to wait. [Service.Advance] moves the service's clock: an
// access token can be an hour old at once, or a refresh token six months.
// [Service.ExpireAccessTokens], [Service.ExpireAccessTokensOf],
// [Service.ExpireRefreshTokensOf] and [Service.RevokeUser] end tokens and
// consents directly, and [Service.Reset] starts over.
//
// # Consent
//
// The page is similar to Spotify's, lets you choose the user, and needs no
// script. A user who has agreed to all requested scopes before is redirected at
// once, unless show_dialog=true; a session cookie remembers the user. A browser
// must reach the page by https or on a loopback address. With other addresses
// browsers do not say where a form comes from, and the service refuses forms of
// unknown origin. Tests need no page: [Options.AutoApprove] agrees
// automatically, [Service.ConsentAs] agrees to one request as a given user, and
// [Service.DenyNext] presses Cancel.
//
// # Faults
//
// [Service.QueueFault] makes a request go wrong: rate limits in both of
// Spotify's forms, server errors, slow and cut connections, answers that are
// not JSON, and valid tokens reported as expired or revoked. A fault can happen
// once, a few times, or on every n-th request, and be limited to one path.
//
// # Your own endpoints
//
// [Service.Handle] adds an endpoint of the Web API that the service does not
// have. Under /v1/ the service checks the access token first, and [CallerOf]
// says who has sent the request, so a handler need not care about
// authorization.
//
// # Control
//
// With [Options.Control], programs in other languages on the same machine can
// call the methods of [Service] by HTTP; docs/accounts-service.md lists the
// requests.
//
// # Secrets
//
// Codes and tokens are random, and are kept only in memory and only as hashes.
// Printing an [App] or a [Service] shows no secret. The service is for tests:
// anyone who can reach it can log in as any of its users, so let it listen on a
// loopback address.
package accounts
