package interop_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
	spotifyauth "github.com/zmb3/spotify/v2/auth"
	"golang.org/x/oauth2"
)

// instead sends requests for Spotify to the server. The endpoints of spotifyauth
// are constants, so this is the only way to replace them.
type instead struct{ server *spotifytest.Server }

func (i instead) RoundTrip(req *http.Request) (*http.Response, error) {
	target, err := url.Parse(i.server.URL)
	if err != nil {
		return nil, err
	}
	if host := req.URL.Host; host == "accounts.spotify.com" || host == "api.spotify.com" {
		req = req.Clone(req.Context())
		req.URL.Scheme, req.URL.Host = target.Scheme, target.Host
	}
	return i.server.Transport().RoundTrip(req)
}

func TestSpotifyauthLogsInAndRefreshes(t *testing.T) {
	for _, secret := range []string{appSecret, ""} {
		name := "with a secret"
		if secret == "" {
			name = "without a secret"
		}
		t.Run(name, func(t *testing.T) {
			server := newServer(t, secret, false)
			ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: instead{server}})
			creds := server.Credentials()
			auth := spotifyauth.New(
				spotifyauth.WithClientID(creds.ClientID),
				spotifyauth.WithClientSecret(creds.ClientSecret),
				spotifyauth.WithRedirectURL(creds.RedirectURI),
				spotifyauth.WithScopes(spotifyauth.ScopeUserLibraryRead, spotifyauth.ScopeUserReadEmail),
			)
			token := spotifyauthLogin(ctx, t, server, auth)

			readAllPages(t, webAPI(server, auth.Client(ctx, token)), func(int) {})
			next, err := auth.RefreshToken(ctx, expired(token))
			if err != nil {
				t.Fatal(err)
			}
			if next.AccessToken == token.AccessToken {
				t.Error("the access token has not changed")
			}
			readAllPages(t, webAPI(server, auth.Client(ctx, next)), func(int) {})
			if got := server.Stats().TokenRequests.RefreshToken; got != 1 {
				t.Errorf("got %d refreshes, want 1", got)
			}
		})
	}
}

// spotifyauthLogin follows the steps of spotifyauth's documentation: send the
// user to AuthURL, give the callback's request to Token.
func spotifyauthLogin(ctx context.Context, t *testing.T, server *spotifytest.Server, auth *spotifyauth.Authenticator) *oauth2.Token {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	authorizationURL := auth.AuthURL("some-state", oauth2.S256ChallengeOption(verifier), spotifyauth.ShowDialog)
	query, ok := strings.CutPrefix(authorizationURL, spotipie.DefaultAccountsURL)
	if !ok {
		t.Fatalf("authorization URL %q is not Spotify's", authorizationURL)
	}
	callback := httptest.NewRequestWithContext(ctx, http.MethodGet, server.Consent(t, server.URL+query), nil)
	token, err := auth.Token(ctx, "some-state", callback, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestSessionTakesOverATokenOfSpotifyauth(t *testing.T) {
	server := newServer(t, appSecret, false)
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: instead{server}})
	creds := server.Credentials()
	auth := spotifyauth.New(
		spotifyauth.WithClientID(creds.ClientID),
		spotifyauth.WithClientSecret(creds.ClientSecret),
		spotifyauth.WithRedirectURL(creds.RedirectURI),
		spotifyauth.WithScopes(spotifyauth.ScopeUserLibraryRead),
	)
	minted := spotifyauthLogin(ctx, t, server, auth)
	token, err := spotipie.TokenFromOAuth2(expired(minted))
	if err != nil {
		t.Fatal(err)
	}
	session := userSession(t, server)
	if err := session.SetToken(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	readAllPages(t, webAPI(server, session.Client()), func(int) {})
	server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1, RefreshToken: 1})
}
