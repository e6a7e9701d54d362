package doctor_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/internal/doctor"
	"github.com/spotipie/spotipie/spotifytest"
)

// signedIn returns a server and a session with a login there.
func signedIn(t *testing.T) (*spotifytest.Server, *spotipie.AuthorizationCodeSession) {
	t.Helper()
	server := spotifytest.New(t)
	session := server.Session(t)
	server.Login(t, session)
	return server, session
}

func using(session spotipie.Session, err error) doctor.WithSession {
	return func(_ context.Context, use func(spotipie.Session) error) error {
		if err != nil {
			return err
		}
		return use(session)
	}
}

func token(t *testing.T, session spotipie.Session, err error) doctor.Result {
	return doctor.Token(t.Context(), using(session, err), "spotipie login", time.Now)
}

func TestToken(t *testing.T) {
	_, session := signedIn(t)
	check(t, token(t, session, nil), `of user "ada", valid for 59m `, "")
}

// TestTokenThatIsTheLast checks a valid token that Spotify has refused to renew.
func TestTokenThatIsTheLast(t *testing.T) {
	server, session := signedIn(t)
	server.RevokeUser(server.Credentials().ClientID, "ada")
	if _, err := session.RefreshToken(t.Context()); !errors.Is(err, spotipie.ErrReauthorizationRequired) {
		t.Fatal(err)
	}
	check(t, token(t, session, nil), "only: Spotify no longer renews the login (", "run 'spotipie login'")
}

func TestTokenOfUnknownAge(t *testing.T) {
	server, session := signedIn(t)
	imported, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), server.Options())
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, imported)
	if err := imported.SetToken(t.Context(), session.CurrentToken()); err != nil {
		t.Fatal(err)
	}
	check(t, token(t, imported, nil), "not known when to sign in again: at the latest six months", "")
}

func TestTokenOfTheApp(t *testing.T) {
	server := spotifytest.New(t)
	session, err := spotipie.NewClientCredentialsSession(server.Credentials(), server.Options())
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, session)
	check(t, token(t, session, nil), "of the app itself, valid for 59m ", "")
}

func TestTokenProblems(t *testing.T) {
	for name, test := range map[string]struct {
		spoil       func(*spotifytest.Server)
		detail, fix string
	}{
		"revoked": {func(s *spotifytest.Server) {
			s.RevokeUser(s.Credentials().ClientID, "ada")
			s.ExpireAccessTokens()
		}, "Spotify no longer renews the login", "run 'spotipie login'"},
		"not registered": {func(s *spotifytest.Server) {
			queue(s, accounts.Fault{Kind: accounts.FaultUserNotRegistered, Target: accounts.TargetAPI})
		}, "not on the app's list", "User Management"},
		"owner without Premium": {func(s *spotifytest.Server) {
			queue(s, accounts.Fault{Kind: accounts.FaultOwnerNotPremium, Target: accounts.TargetAPI})
		}, "the owner of the app has no Premium", "renew the Premium"},
		"endpoint removed": {func(s *spotifytest.Server) {
			queue(s, accounts.Fault{
				Kind: accounts.FaultRespond, Target: accounts.TargetAPI, Status: http.StatusForbidden,
				Body: `{"error":{"status":403,"message":"Forbidden"}}`,
			})
		}, "do not have this endpoint", "extended quota mode"},
		"another 403": {func(s *spotifytest.Server) {
			queue(s, accounts.Fault{Kind: accounts.FaultRespond, Target: accounts.TargetAPI, Status: http.StatusForbidden, Body: "no"})
		}, "403 Forbidden: no", "development mode"},
		"quota exceeded": {func(s *spotifytest.Server) {
			queue(s, accounts.Fault{
				Kind: accounts.FaultRespond, Target: accounts.TargetAPI, Status: http.StatusTooManyRequests,
				Header: http.Header{"Retry-After": {"86400"}},
				Body:   `{"error":{"status":429,"message":"Too many requests","reason":"QUOTA_EXCEEDED"}}`,
			})
		}, "quota exceeded", "another app of the same developer does not help"},
		"rate limited": {func(s *spotifytest.Server) {
			queue(s, accounts.Fault{Kind: accounts.FaultRateLimited, Target: accounts.TargetAPI, RetryAfter: time.Hour})
		}, "429", "send fewer requests"},
		"server in trouble": {func(s *spotifytest.Server) {
			queue(s, accounts.Fault{Kind: accounts.FaultServerError, Target: accounts.TargetAPI})
		}, "503", "try again"},
		"something else answers": {func(s *spotifytest.Server) {
			queue(s, accounts.Fault{Kind: accounts.FaultHTML, Target: accounts.TargetAPI})
		}, "reading the user's profile", "--debug"},
	} {
		t.Run(name, func(t *testing.T) {
			server, session := signedIn(t)
			test.spoil(server)
			check(t, token(t, session, nil), test.detail, test.fix)
		})
	}
	for name, test := range map[string]struct {
		err         error
		detail, fix string
	}{
		"not signed in":      {spotipie.ErrNotAuthorized, "not signed in", "run 'spotipie login'"},
		"expired for good":   {spotipie.ErrNoRefreshToken, "no refresh token", "run 'spotipie login'"},
		"wrong redirect URI": {spotipie.ValidateRedirectURI("http://localhost"), "redirect URI is wrong", "correct the redirect URI"},
		"wrong secret": {&spotipie.TokenEndpointError{StatusCode: 400, Code: "invalid_client"}, "invalid_client",
			"check client id and client secret"},
		"401":       {&spotipie.APIError{StatusCode: http.StatusUnauthorized}, "401", "run 'spotipie login'"},
		"no answer": {context.DeadlineExceeded, "no answer", "connection"},
		"offline":   {errors.New("no route to host"), "no route to host", "connection"},
	} {
		t.Run(name, func(t *testing.T) { check(t, token(t, nil, test.err), test.detail, test.fix) })
	}
}

func queue(s *spotifytest.Server, fault accounts.Fault) {
	if err := s.QueueFault(fault); err != nil {
		panic(err)
	}
}
