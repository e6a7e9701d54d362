package interop_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
	"golang.org/x/oauth2"
)

func TestSessionTakesOverATokenOfOAuth2(t *testing.T) {
	for _, test := range []struct {
		name, secret string
		rotate       bool
	}{
		{"with a secret", appSecret, false},
		{"without a secret", "", false},
		{"with rotation", "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := newServer(t, test.secret, test.rotate)
			conf := config(server, spotipie.ScopeUserLibraryRead)
			conf.Endpoint.AuthStyle = oauth2.AuthStyleInParams
			minted := login(t, server, conf)

			token, err := spotipie.TokenFromOAuth2(minted)
			if err != nil {
				t.Fatal(err)
			}
			session := userSession(t, server)
			if err := session.SetToken(t.Context(), token); err != nil {
				t.Fatal(err)
			}
			if err := spotipie.RequireScope(session, spotipie.ScopeUserLibraryRead); err != nil {
				t.Errorf("the scope was lost: %v", err)
			}
			expectStatus(t, session.Client(), server, "/v1/me/tracks", http.StatusOK)

			next, err := session.RefreshToken(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if next.AccessToken() == minted.AccessToken {
				t.Error("the access token has not changed")
			}
			if rotated := next.RefreshToken() != minted.RefreshToken; rotated != test.rotate {
				t.Errorf("refresh token changed: %t, want %t", rotated, test.rotate)
			}
			expectStatus(t, session.Client(), server, "/v1/me/tracks", http.StatusOK)
			server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1, RefreshToken: 1})
		})
	}
}

func TestOAuth2TakesOverATokenOfASession(t *testing.T) {
	server := newServer(t, appSecret, true)
	session := userSession(t, server)
	server.Login(t, session)
	conf := config(server)

	token := session.CurrentToken().OAuth2()
	expectStatus(t, conf.Client(clientContext(t, server), token), server, "/v1/me", http.StatusOK)
	next := refresh(t, server, conf, token)
	if next.RefreshToken == token.RefreshToken {
		t.Error("the refresh token was not rotated")
	}
	expectStatus(t, conf.Client(clientContext(t, server), next), server, "/v1/me/tracks", http.StatusOK)
}

func TestOAuth2ClientRunsOnASession(t *testing.T) {
	server := newServer(t, appSecret, false)
	session := userSession(t, server)
	server.Login(t, session)
	ctx := clientContext(t, server)
	client := oauth2.NewClient(ctx, session.TokenSource(ctx))
	for range 3 {
		expectStatus(t, client, server, "/v1/me", http.StatusOK)
	}
	server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1})
}

// x/oauth2 reads the computer's clock. So the service's clock starts a day early
// here: every token that it issues looks expired to x/oauth2, which asks the
// session each time.
func TestOAuth2ClientFollowsTheSessionsRenewals(t *testing.T) {
	server := spotifytest.NewWith(t, &accounts.Options{
		AutoApprove: true,
		Now:         func() time.Time { return time.Now().Add(-24 * time.Hour) },
	})
	session := userSession(t, server)
	server.Login(t, session)
	ctx := clientContext(t, server)
	client := oauth2.NewClient(ctx, session.TokenSource(ctx))
	expectStatus(t, client, server, "/v1/me", http.StatusOK)
	for renewals := range 3 {
		server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1, RefreshToken: renewals})
		server.Advance(time.Hour)
		expectStatus(t, client, server, "/v1/me", http.StatusOK)
	}
}
