package interop_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// apps are the two kinds of app, with the AuthStyle that x/oauth2 needs for each.
// By default x/oauth2 tries HTTP Basic first, which costs an app without a secret
// a second request.
var apps = []struct {
	name     string
	secret   string
	style    oauth2.AuthStyle
	requests int
}{
	{"app with a secret, style found out", appSecret, oauth2.AuthStyleAutoDetect, 1},
	{"app with a secret, in the header", appSecret, oauth2.AuthStyleInHeader, 1},
	{"app with a secret, in the body", appSecret, oauth2.AuthStyleInParams, 1},
	{"app without a secret, style found out", "", oauth2.AuthStyleAutoDetect, 2},
	{"app without a secret, in the body", "", oauth2.AuthStyleInParams, 1},
}

func TestOAuth2LogsInWithPKCE(t *testing.T) {
	for _, app := range apps {
		t.Run(app.name, func(t *testing.T) {
			server := newServer(t, app.secret, false)
			conf := config(server, spotipie.ScopeUserLibraryRead, spotipie.ScopeUserReadEmail)
			conf.Endpoint.AuthStyle = app.style
			token := login(t, server, conf)

			if token.RefreshToken == "" {
				t.Error("no refresh token")
			}
			if got := token.Type(); got != "Bearer" {
				t.Errorf("type: got %q, want Bearer", got)
			}
			if got, want := token.Extra("scope"), "user-library-read user-read-email"; got != want {
				t.Errorf("scope: got %q, want %q", got, want)
			}
			if left := time.Until(token.Expiry); left < 59*time.Minute || left > time.Hour {
				t.Errorf("expires in %s, want an hour", left)
			}
			server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: app.requests})
			expectStatus(t, conf.Client(clientContext(t, server), token), server, "/v1/me/tracks", http.StatusOK)
		})
	}
}

func TestOAuth2IsRefusedWithTheWrongVerifier(t *testing.T) {
	server := newServer(t, "", false)
	conf := config(server)
	conf.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	callback := consent(t, server, conf.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	_, err := conf.Exchange(clientContext(t, server), callback.Get("code"), oauth2.VerifierOption(oauth2.GenerateVerifier()))
	expectRetrieveError(t, err, "invalid_grant", "code_verifier was incorrect")
}

func TestOAuth2RefreshesOnceForManyRequests(t *testing.T) {
	for _, app := range apps {
		t.Run(app.name, func(t *testing.T) {
			server := newServer(t, app.secret, false)
			conf := config(server)
			conf.Endpoint.AuthStyle = app.style
			token := login(t, server, conf)
			client := conf.Client(clientContext(t, server), expired(token))
			for range 3 {
				expectStatus(t, client, server, "/v1/me", http.StatusOK)
			}
			server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: app.requests, RefreshToken: 1})
		})
	}
}

func TestOAuth2KeepsItsRefreshTokenWithoutRotation(t *testing.T) {
	server := newServer(t, appSecret, false)
	conf := config(server)
	first := login(t, server, conf)
	second := refresh(t, server, conf, first)
	if second.AccessToken == first.AccessToken {
		t.Error("the access token has not changed")
	}
	if second.RefreshToken != first.RefreshToken {
		t.Error("the refresh token has changed, but the answer has none")
	}
	refresh(t, server, conf, first) // the old refresh token still works
}

func TestOAuth2FollowsRotation(t *testing.T) {
	server := newServer(t, "", true)
	conf := config(server)
	conf.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	first := login(t, server, conf)
	second := refresh(t, server, conf, first)
	if second.RefreshToken == first.RefreshToken || second.RefreshToken == "" {
		t.Error("the refresh token was not rotated")
	}
	third := refresh(t, server, conf, second)

	t.Run("and reuse ends the whole grant", func(t *testing.T) {
		ctx := clientContext(t, server)
		for _, token := range []*oauth2.Token{first, third} {
			_, err := conf.TokenSource(ctx, expired(token)).Token()
			expectRetrieveError(t, err, "invalid_grant", "Refresh token revoked")
		}
	})
}

func TestOAuth2LearnsThatTheUserRevoked(t *testing.T) {
	server := newServer(t, appSecret, false)
	conf := config(server)
	token := login(t, server, conf)
	if !server.RevokeUser(conf.ClientID, "ada") {
		t.Fatal("nothing was revoked")
	}
	_, err := conf.TokenSource(clientContext(t, server), expired(token)).Token()
	expectRetrieveError(t, err, "invalid_grant", "Refresh token revoked")
}

func TestOAuth2ClientCredentials(t *testing.T) {
	server := newServer(t, appSecret, false)
	conf := clientCredentials(server)
	client := conf.Client(clientContext(t, server))
	for range 3 {
		expectStatus(t, client, server, "/v1/search?type=artist&q=harbour", http.StatusOK)
	}
	expectStatus(t, client, server, "/v1/me", http.StatusUnauthorized) // there is no user
	server.ExpectTokenRequests(t, accounts.TokenRequests{ClientCredentials: 1})

	t.Run("with the wrong secret", func(t *testing.T) {
		conf := clientCredentials(server)
		conf.ClientSecret = "wrong"
		_, err := conf.Token(clientContext(t, server))
		expectRetrieveError(t, err, "invalid_client", "Invalid client secret")
	})
}

func clientCredentials(server *spotifytest.Server) *clientcredentials.Config {
	creds := server.Credentials()
	return &clientcredentials.Config{
		ClientID: creds.ClientID, ClientSecret: creds.ClientSecret, TokenURL: server.URL + "/api/token",
	}
}

// refresh makes x/oauth2 get the next token.
func refresh(t *testing.T, server *spotifytest.Server, conf *oauth2.Config, token *oauth2.Token) *oauth2.Token {
	t.Helper()
	next, err := conf.TokenSource(clientContext(t, server), expired(token)).Token()
	if err != nil {
		t.Fatalf("refreshing: %v", err)
	}
	return next
}

func expectRetrieveError(t *testing.T, err error, code, description string) {
	t.Helper()
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		t.Fatalf("got error %v, want an *oauth2.RetrieveError", err)
	}
	if refused.ErrorCode != code || refused.ErrorDescription != description {
		t.Errorf("got %q, %q, want %q, %q", refused.ErrorCode, refused.ErrorDescription, code, description)
	}
}
