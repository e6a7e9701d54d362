package interop_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
	"go.uber.org/goleak"
	"golang.org/x/oauth2"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const redirectURI = "http://127.0.0.1/callback"

// newServer starts an accounts service with one app. With an empty secret the app
// has none.
func newServer(t *testing.T, secret string, rotate bool) *spotifytest.Server {
	t.Helper()
	return spotifytest.NewWith(t, &accounts.Options{
		AutoApprove:            true,
		RotateAllRefreshTokens: rotate,
		Apps: []accounts.App{{
			ClientID: "0123456789abcdef0123456789abcdef", ClientSecret: secret, RedirectURIs: []string{redirectURI},
		}},
	})
}

const appSecret = "fedcba9876543210fedcba9876543210"

// clientContext makes x/oauth2 use the server's connections, which the test
// closes at its end.
func clientContext(t *testing.T, server *spotifytest.Server) context.Context {
	t.Helper()
	return context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: server.Transport()})
}

// config sets up x/oauth2 for the server's app, as its users do for Spotify.
func config(server *spotifytest.Server, scopes ...spotipie.Scope) *oauth2.Config {
	creds := server.Credentials()
	c := &oauth2.Config{
		ClientID:     creds.ClientID,
		ClientSecret: creds.ClientSecret,
		RedirectURL:  creds.RedirectURI,
		Endpoint:     oauth2.Endpoint{AuthURL: server.URL + "/authorize", TokenURL: server.URL + "/api/token"},
	}
	for _, scope := range scopes {
		c.Scopes = append(c.Scopes, string(scope))
	}
	return c
}

// login completes the authorization code flow with PKCE, using only x/oauth2.
func login(t *testing.T, server *spotifytest.Server, conf *oauth2.Config) *oauth2.Token {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	callback := consent(t, server, conf.AuthCodeURL("some-state", oauth2.S256ChallengeOption(verifier)))
	if got := callback.Get("state"); got != "some-state" {
		t.Fatalf("state: got %q, want that of the request", got)
	}
	token, err := conf.Exchange(clientContext(t, server), callback.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatalf("exchanging the code: %v", err)
	}
	return token
}

// consent visits an authorization URL and returns the callback's parameters.
func consent(t *testing.T, server *spotifytest.Server, authorizationURL string) url.Values {
	t.Helper()
	callback, err := url.Parse(server.Consent(t, authorizationURL))
	if err != nil {
		t.Fatal(err)
	}
	return callback.Query()
}

// expired returns the token as x/oauth2 would see it an hour later.
func expired(token *oauth2.Token) *oauth2.Token {
	old := *token
	old.Expiry = time.Now().Add(-time.Minute)
	return &old
}

// userSession returns a session without a token for the server's app.
func userSession(t *testing.T, server *spotifytest.Server) *spotipie.AuthorizationCodeSession {
	t.Helper()
	session, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), server.Options())
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, session)
	return session
}

// appSession returns a client credentials session for the server's app.
func appSession(t *testing.T, server *spotifytest.Server) *spotipie.ClientCredentialsSession {
	t.Helper()
	session, err := spotipie.NewClientCredentialsSession(server.Credentials(), server.Options())
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, session)
	return session
}

// expectStatus requests a path of the Web API and compares the status.
func expectStatus(t *testing.T, client *http.Client, server *spotifytest.Server, path string, want int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != want {
		t.Errorf("GET %s: got %s, want %d", path, resp.Status, want)
	}
}
