// Package spotipie owns a Spotify authorization from the consent page to the
// last refresh. It gets tokens, keeps them, renews them before anyone has to
// wait, attaches them to requests, and tells you when they change.
//
// # Sessions
//
// A session is one authorization of one app. There is one type per flow:
//
//   - [AuthorizationCodeSession]: a user agrees once in a browser, and the
//     session renews the token for six months. Use it for everything that
//     concerns a user: their library, playlists, player. Apps that cannot keep
//     a secret (desktop, command line) leave it out; PKCE protects them.
//   - [ClientCredentialsSession]: the app itself, without a user. Use it for
//     public data, such as search.
//   - [ImplicitGrantSession]: a user, without refreshing. Spotify has ended
//     this flow.
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
// Make one session for each user and keep it; any number of goroutines may use
// it. Close it before the program ends. In a web app a [Pool] makes the sessions
// of the users, and package web signs them in.
//
// # A token's life
//
// [Session].Token returns a valid token. While the token is fresh, this only reads
// the clock. In its last five minutes (at most a quarter of its life) it is
// stale: callers still get it at once, and one of them starts a renewal in the
// background. In its last ten seconds it counts as expired, and callers wait
// for one renewal that they all share. Each caller can stop waiting; none can
// stop the renewal. When the Web API answers 401 the token is renewed too, and
// the request is sent once more if its body can be read again.
//
// A new token is saved before any caller gets it. When Spotify refuses the
// refresh token, that is final ([ErrReauthorizationRequired]). A server that is
// down or busy never costs a token.
//
// # Where the token goes
//
// The token is sent to https://api.spotify.com, or the origins in
// [Options].TokenOrigins, and nowhere else, even if a redirect leads there.
// When fmt or slog print this package's types or errors, they show no token,
// secret, code or verifier. There are two exceptions in structs of your own.
// JSON is how tokens and credentials are stored, so a JSON log handler that
// prints a struct prints those in it. And fmt prints [Credentials] and
// [TokenFields] in full if they are in an unexported field; sessions and tokens
// are safe there.
//
// # Other libraries
//
// [Session].Client is an *http.Client for any library that takes one, and
// [Session].TokenSource is a token source of golang.org/x/oauth2. Package adapter has
// RoundTrippers to mount (retry, pause, cache). Package accounts is an accounts
// service to try everything offline, and package spotifytest runs it in go
// test.
package spotipie
