package spotipie_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
)

// offlineSpotify stands for Spotify in the examples. A program for the real Spotify
// leaves AccountsURL, APIURL and Now out of its options.
type offlineSpotify struct {
	*accounts.Service
	*httptest.Server
}

func startOffline(opts accounts.Options) *offlineSpotify {
	opts.AutoApprove = true
	opts.Apps = []accounts.App{{
		ClientID: "my-app", ClientSecret: "my-secret", RedirectURIs: []string{"http://127.0.0.1/callback"},
	}, {
		ClientID: "my-public-app", RedirectURIs: []string{"http://127.0.0.1/callback"},
	}}
	service, err := accounts.New(&opts)
	if err != nil {
		log.Fatal(err)
	}
	return &offlineSpotify{Service: service, Server: httptest.NewServer(service)}
}

// visit is the user's browser. It opens the authorization URL, the user agrees, and
// the accounts service redirects to the callback URL.
func (o *offlineSpotify) visit(authorizationURL string) (callbackURL string) {
	req, err := http.NewRequest(http.MethodGet, authorizationURL, nil)
	if err != nil {
		log.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	return resp.Header.Get("Location")
}

func myApp() spotipie.Credentials {
	return spotipie.Credentials{
		ClientID: "my-app", ClientSecret: "my-secret", RedirectURI: "http://127.0.0.1/callback",
	}
}

// signedIn returns a session that has a user's consent.
func (o *offlineSpotify) signedIn(scope ...spotipie.Scope) *spotipie.AuthorizationCodeSession {
	session, err := spotipie.NewAuthorizationCodeSession(myApp(), &spotipie.Options{
		Scope: scope, AccountsURL: o.URL, APIURL: o.URL, Now: o.Now,
	})
	if err != nil {
		log.Fatal(err)
	}
	authorizationURL, _, err := session.AuthorizationURL(nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := session.FetchToken(context.Background(), o.visit(authorizationURL)); err != nil {
		log.Fatal(err)
	}
	return session
}

// A web app has a client secret, and the user agrees once.
func ExampleAuthorizationCodeSession() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	ctx := context.Background()

	session, err := spotipie.NewAuthorizationCodeSession(spotipie.Credentials{
		ClientID:     "my-app",
		ClientSecret: "my-secret",
		RedirectURI:  "http://127.0.0.1/callback",
	}, &spotipie.Options{
		Scope:       spotipie.Scopes{spotipie.ScopeUserReadEmail, spotipie.ScopeUserLibraryRead},
		AccountsURL: spotify.URL, APIURL: spotify.URL, // leave these out for the real Spotify
	})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close(ctx)

	authorizationURL, _, err := session.AuthorizationURL(nil)
	if err != nil {
		log.Fatal(err)
	}
	callbackURL := spotify.visit(authorizationURL) // happens in the user's browser
	token, err := session.FetchToken(ctx, callbackURL)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Scope(), token.ExpiresIn())

	resp, err := session.Request(ctx, "GET", "/v1/me", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	var me struct {
		ID string `json:"id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&me); err != nil {
		log.Fatal(err)
	}
	fmt.Println(me.ID)
	// Output:
	// user-library-read user-read-email 1h0m0s
	// ada
}

// A desktop or command-line program cannot keep a client secret and needs none: PKCE
// protects its logins. It chooses its port late, so it sets the redirect URI for each
// login.
func ExampleAuthorizationCodeSession_withoutSecret() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	ctx := context.Background()

	session, err := spotipie.NewAuthorizationCodeSession(spotipie.Credentials{
		ClientID:    "my-public-app",
		RedirectURI: "http://127.0.0.1/callback", // registered without a port, so any port works
	}, &spotipie.Options{AccountsURL: spotify.URL, APIURL: spotify.URL})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close(ctx)

	authorizationURL, state, err := session.AuthorizationURL(&spotipie.AuthorizationURLOptions{
		RedirectURI: "http://127.0.0.1:51234/callback",
	})
	if err != nil {
		log.Fatal(err)
	}
	callback, err := url.Parse(spotify.visit(authorizationURL))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(callback.Host, callback.Query().Get("state") == state)

	token, err := session.FetchTokenGivenCode(ctx, callback.Query().Get("code"), callback.Query().Get("state"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("can be refreshed:", token.RefreshToken() != "")
	// Output:
	// 127.0.0.1:51234 true
	// can be refreshed: true
}

// An app without a user can read public data, such as search results. The first
// request gets the token.
func ExampleClientCredentialsSession() {
	spotify := startOffline(accounts.Options{})
	defer spotify.Close()
	ctx := context.Background()

	session, err := spotipie.NewClientCredentialsSession(spotipie.Credentials{
		ClientID: "my-app", ClientSecret: "my-secret",
	}, &spotipie.Options{AccountsURL: spotify.URL, APIURL: spotify.URL})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close(ctx)

	resp, err := session.Request(ctx, "GET", "/v1/search", &spotipie.RequestOptions{
		Params: url.Values{"q": {"moons"}, "type": {"artist"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	var found struct {
		Artists struct {
			Items []struct {
				Name string `json:"name"`
			} `json:"items"`
		} `json:"artists"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&found); err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.Artists.Items)
	// Output: [{Seven Small Moons}]
}

// This accounts service behaves like Spotify until 2025-11-27: the token comes in the
// fragment of the callback URL.
func ExampleImplicitGrantSession() {
	spotify := startOffline(accounts.Options{Legacy: true})
	defer spotify.Close()
	ctx := context.Background()

	session, err := spotipie.NewImplicitGrantSession(spotipie.Credentials{
		ClientID: "my-public-app", RedirectURI: "http://127.0.0.1/callback",
	}, &spotipie.Options{AccountsURL: spotify.URL, APIURL: spotify.URL, Now: spotify.Now})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close(ctx)

	authorizationURL, _, err := session.AuthorizationURL(&spotipie.AuthorizationURLOptions{ForceDialog: true})
	if err != nil {
		log.Fatal(err)
	}
	token, err := session.ReadTokenFromCallbackURL(ctx, spotify.visit(authorizationURL))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("can be refreshed:", token.RefreshToken() != "")

	spotify.Advance(time.Hour)
	_, err = session.Token(ctx)
	fmt.Println("an hour later:", errors.Is(err, spotipie.ErrTokenExpired))
	// Output:
	// can be refreshed: false
	// an hour later: true
}

func ExampleCredentialsFromEnv() {
	os.Setenv("MYAPP_CLIENT_ID", "my-app")
	os.Setenv("MYAPP_CLIENT_SECRET", "my-secret")
	defer os.Unsetenv("MYAPP_CLIENT_ID")
	defer os.Unsetenv("MYAPP_CLIENT_SECRET")

	_, err := spotipie.CredentialsFromEnv("MYAPP")
	var missing *spotipie.MissingVariableError
	fmt.Println(errors.As(err, &missing), missing.Name)

	os.Setenv("MYAPP_REDIRECT_URI", "http://127.0.0.1:8080/callback")
	defer os.Unsetenv("MYAPP_REDIRECT_URI")
	creds, err := spotipie.CredentialsFromEnv("MYAPP")
	fmt.Println(creds, err)
	// Output:
	// true MYAPP_REDIRECT_URI
	// Credentials(client_id my-app, client_secret [redacted], redirect_uri http://127.0.0.1:8080/callback) <nil>
}

// The Python package can read and write the same token files.
func ExampleReadTokenFile() {
	token, err := spotipie.ReadTokenFile(filepath.Join("testdata", "python_token.json"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token)

	folder, err := os.MkdirTemp("", "spotipie")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "tokens", "ada.json") // WriteTokenFile makes missing folders
	if err := token.WriteFile(path); err != nil {
		log.Fatal(err)
	}
	again, err := spotipie.ReadTokenFile(path)
	fmt.Println(again.Equal(token), err)
	// Output:
	// Token(access_token [redacted], refresh_token [redacted], scope "user-library-read user-read-email", expires_at 2026-11-24T20:00:00Z)
	// true <nil>
}

func ExampleValidateRedirectURI() {
	fmt.Println(spotipie.ValidateRedirectURI("http://127.0.0.1:8080/callback"))

	err := spotipie.ValidateRedirectURI("http://localhost:8080/callback")
	var refused *spotipie.RedirectURIError
	fmt.Println(errors.As(err, &refused), refused.Suggestion)
	// Output:
	// <nil>
	// true http://127.0.0.1:8080/callback
}
