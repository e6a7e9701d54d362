// Package spotipie owns a Spotify authorization from the consent page to the
// last refresh: it gets tokens, keeps them, renews them before anyone has to
// wait, attaches them to requests, and tells you when they change.
//
// # Sessions
//
// A session is one authorization of one app. There is one type per flow:
//
//   - [AuthorizationCodeSession]: a user agrees once in a browser, and the
//     session renews the token for six months. For everything that concerns a
//     user: their library, playlists, player. Apps that cannot keep a secret
//     (desktop, command line) leave it out; PKCE protects them.
//   - [ClientCredentialsSession]: the app for itself, without a user. For what
//     is public, such as search.
//   - [ImplicitGrantSession]: a user, without refreshing. Spotify has ended it.
//
// The first program:
//
//	session, err := spotipie.NewClientCredentialsSession(spotipie.Credentials{
//		ClientID: id, ClientSecret: secret,
//	}, nil)
//	if err != nil {
//		return err
//	}
//	resp, err := session.Request(ctx, "GET", "/v1/search", &spotipie.RequestOptions{
//		Params: url.Values{"q": {"radiohead"}, "type": {"artist"}},
//	})
//
// Make one session per user and keep it; it may be used from any number of
// goroutines. Close it before the program ends.
//
// # A token's life
//
// [Session].Token returns a valid token. While it is fresh that costs a clock
// reading. In its last five minutes (at most a quarter of its life) it is
// stale: callers still get it at once, and one of them starts a renewal in the
// background. In its last ten seconds it is expired, and callers wait for the
// one renewal that they all share; each can stop waiting, none can stop it.
// An answer 401 of the Web API renews the token too, and the request is made
// once more if its body can be had again.
//
// A new token is saved before it is handed out. A refused refresh token is
// final and marked as such ([ErrReauthorizationRequired]); a server that is
// down or busy never costs a token.
//
// # Where the token goes
//
// The token is sent to https://api.spotify.com, or what [Options].TokenOrigins
// names, and nowhere else, whatever a redirect says. Tokens, secrets, codes
// and verifiers never show in what fmt or slog print of this package's types,
// nor in its errors. There are two exceptions in structs of your own. JSON is
// how tokens and credentials are stored, so a JSON log handler that prints a
// struct prints those in it. And fmt cannot be kept from [Credentials] and [TokenFields] in
// an unexported field; sessions and tokens are safe there.
//
// # Other libraries
//
// [Session].Client is an *http.Client for any library that takes one, and
// [Session].TokenSource serves golang.org/x/oauth2. Package adapter has
// RoundTrippers to mount (retry, pause, cache), package accounts an accounts
// service to try everything offline, and package spotifytest the same for go
// test.
package spotipie
