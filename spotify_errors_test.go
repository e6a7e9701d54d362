package spotipie_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

// TestAuthorizationErrorsOfSpotify checks that the errors of the authorization endpoint
// become AuthorizationErrors.
func TestAuthorizationErrorsOfSpotify(t *testing.T) {
	const registered = "http://127.0.0.1/callback"
	for name, test := range map[string]struct {
		legacy, implicit bool
		clientID         string
		redirectURI      string
		scope            spotipie.Scopes
		want             spotipie.AuthorizationError
	}{
		"unknown client":        {clientID: "nobody", want: spotipie.AuthorizationError{Code: "INVALID_CLIENT", Description: "Invalid client"}},
		"redirect, today":       {redirectURI: "http://127.0.0.1/other", want: spotipie.AuthorizationError{Code: "redirect_uri", Description: "Not matching configuration"}},
		"redirect, before":      {legacy: true, redirectURI: "http://127.0.0.1/other", want: spotipie.AuthorizationError{Code: "INVALID_CLIENT", Description: "Invalid redirect URI"}},
		"insecure redirect":     {redirectURI: "http://localhost/callback", want: spotipie.AuthorizationError{Code: "INVALID_CLIENT", Description: "Insecure redirect URI"}},
		"malformed redirect":    {redirectURI: `"http://127.0.0.1/callback"`, want: spotipie.AuthorizationError{Code: "400 Bad Request", Description: "Illegal redirect_uri"}},
		"unknown scope, today":  {scope: spotipie.Scopes{"mind-reading"}, want: spotipie.AuthorizationError{Code: "400 Bad Request", Description: "Illegal scope"}},
		"unknown scope, before": {legacy: true, scope: spotipie.Scopes{"mind-reading"}, want: spotipie.AuthorizationError{Code: "INVALID_SCOPE", Description: "Invalid scope"}},
		"implicit grant, today": {implicit: true, want: spotipie.AuthorizationError{Code: "400 Bad Request", Description: "response_type must be code"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := spotifytest.NewWith(t, &accounts.Options{Legacy: test.legacy, Apps: []accounts.App{{
				ClientID: "app", RedirectURIs: []string{registered, "http://localhost/callback"},
			}}})
			opts := server.Options()
			opts.SkipRedirectURICheck = true
			opts.Scope = test.scope
			creds := spotipie.Credentials{ClientID: "app", RedirectURI: registered}
			if test.clientID != "" {
				creds.ClientID = test.clientID
			}
			if test.redirectURI != "" {
				creds.RedirectURI = test.redirectURI
			}
			err := checkAuthorization(t, creds, opts, test.implicit)
			var got *spotipie.AuthorizationError
			if !errors.As(err, &got) || *got != test.want {
				t.Errorf("got error %v, want %v", err, &test.want)
			}
		})
	}
}

func checkAuthorization(t *testing.T, creds spotipie.Credentials, opts *spotipie.Options, implicit bool) error {
	t.Helper()
	if implicit {
		s, err := spotipie.NewImplicitGrantSession(creds, opts)
		if err != nil {
			t.Fatal(err)
		}
		return s.CheckAuthorization(t.Context(), nil)
	}
	s, err := spotipie.NewAuthorizationCodeSession(creds, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s.CheckAuthorization(t.Context(), nil)
}

// TestTokenErrorsOfSpotify checks that the errors of the token endpoint become
// TokenEndpointErrors.
func TestTokenErrorsOfSpotify(t *testing.T) {
	const callback = "http://127.0.0.1/callback"
	login := func(t *testing.T, server *spotifytest.Server, s *spotipie.AuthorizationCodeSession) (code, state string) {
		raw, state, err := s.AuthorizationURL(nil)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(server.Consent(t, raw))
		if err != nil {
			t.Fatal(err)
		}
		return u.Query().Get("code"), state
	}
	type world struct {
		server *spotifytest.Server
		creds  spotipie.Credentials
		opts   *spotipie.Options
	}
	session := func(t *testing.T, w world) *spotipie.AuthorizationCodeSession {
		s, err := spotipie.NewAuthorizationCodeSession(w.creds, w.opts)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	clientCredentials := func(t *testing.T, w world) error {
		s, err := spotipie.NewClientCredentialsSession(w.creds, w.opts)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.FetchToken(t.Context())
		return err
	}
	for name, test := range map[string]struct {
		do                func(t *testing.T, w world) error
		code, description string
		status            int
	}{
		"unknown client": {func(t *testing.T, w world) error {
			w.creds.ClientID = "nobody"
			return clientCredentials(t, w)
		}, "invalid_client", "Invalid client", 400},
		"wrong secret": {func(t *testing.T, w world) error {
			w.creds.ClientSecret = "wrong"
			return clientCredentials(t, w)
		}, "invalid_client", "Invalid client secret", 400},
		"no secret where one is needed": {func(t *testing.T, w world) error {
			s := session(t, w)
			w.server.Login(t, s)
			w.creds.ClientSecret = ""
			public := session(t, w)
			if err := public.SetToken(t.Context(), s.CurrentToken()); err != nil {
				t.Fatal(err)
			}
			_, err := public.RefreshToken(t.Context())
			return err
		}, "invalid_client", "", 400},
		"unknown code": {func(t *testing.T, w world) error {
			s := session(t, w)
			_, state := login(t, w.server, s)
			_, err := s.FetchTokenGivenCode(t.Context(), "made-up", state)
			return err
		}, "invalid_grant", "Invalid authorization code", 400},
		"code used before": {func(t *testing.T, w world) error {
			s := session(t, w)
			code, state := login(t, w.server, s)
			if _, err := s.FetchTokenGivenCode(t.Context(), code, state); err != nil {
				t.Fatal(err)
			}
			_, state = login(t, w.server, s)
			_, err := s.FetchTokenGivenCode(t.Context(), code, state)
			return err
		}, "invalid_grant", "Invalid authorization code", 400},
		"code too old": {func(t *testing.T, w world) error {
			s := session(t, w)
			code, state := login(t, w.server, s)
			w.server.Advance(11 * time.Minute)
			_, err := s.FetchTokenGivenCode(t.Context(), code, state)
			return err
		}, "invalid_grant", "Authorization code expired", 400},
		"code of another redirect URI": {func(t *testing.T, w world) error {
			s := session(t, w)
			code, _ := login(t, w.server, s)
			_, state, err := s.AuthorizationURL(&spotipie.AuthorizationURLOptions{RedirectURI: "http://127.0.0.1:9/callback"})
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.FetchTokenGivenCode(t.Context(), code, state)
			return err
		}, "invalid_grant", "Invalid redirect URI", 400},
		"code of another login's verifier": {func(t *testing.T, w world) error {
			s := session(t, w)
			code, _ := login(t, w.server, s)
			_, state := login(t, w.server, s)
			_, err := s.FetchTokenGivenCode(t.Context(), code, state)
			return err
		}, "invalid_grant", "code_verifier was incorrect", 400},
		"made-up refresh token": {func(t *testing.T, w world) error {
			s := session(t, w)
			if err := s.SetToken(t.Context(), newToken(t, "x")); err != nil {
				t.Fatal(err)
			}
			_, err := s.RefreshToken(t.Context())
			return err
		}, "invalid_grant", "Invalid refresh token", 400},
		"refresh token revoked": {func(t *testing.T, w world) error {
			s := session(t, w)
			w.server.Login(t, s)
			w.server.RevokeUser(s.ClientID(), "ada")
			_, err := s.RefreshToken(t.Context())
			return err
		}, "invalid_grant", "Refresh token revoked", 400},
		"refresh token six months old": {func(t *testing.T, w world) error {
			s := session(t, w)
			w.server.Login(t, s)
			w.server.Advance(185 * 24 * time.Hour)
			_, err := s.RefreshToken(t.Context())
			return err
		}, "invalid_grant", "Refresh token expired", 400},
		"too many requests": {func(t *testing.T, w world) error {
			queue(t, w.server, accounts.Fault{Kind: accounts.FaultRateLimitedPlain, Target: accounts.TargetToken})
			return clientCredentials(t, w)
		}, "", "", 429},
	} {
		t.Run(name, func(t *testing.T) {
			server := spotifytest.NewWith(t, &accounts.Options{AutoApprove: true, Apps: []accounts.App{{
				ClientID: "app", ClientSecret: "app-secret", RedirectURIs: []string{callback},
			}}})
			err := test.do(t, world{server, server.Credentials(), server.Options()})
			var got *spotipie.TokenEndpointError
			if !errors.As(err, &got) || got.StatusCode != test.status || got.Code != test.code || got.Description != test.description {
				t.Errorf("got error %v, want %d %s: %s", err, test.status, test.code, test.description)
			}
			if advised := strings.Contains(err.Error(), "ClientSecret (or the variables that they come from, such as SPOTIPIE_CLIENT_ID and SPOTIPIE_CLIENT_SECRET) "+
				"with the app's page at https://developer.spotify.com/dashboard"); advised != (test.code == "invalid_client") {
				t.Errorf("says what to do about the app: %t: %v", advised, err)
			}
			if final := errors.Is(err, spotipie.ErrReauthorizationRequired); final != (test.code == "invalid_grant" && strings.Contains(name, "refresh token")) {
				t.Errorf("final: %t: %v", final, err)
			}
		})
	}
}

// TestTokenErrorsThatNoSessionCauses sends requests that a session never makes and lets
// a session read the answers. A proxy or another version may cause them.
func TestTokenErrorsThatNoSessionCauses(t *testing.T) {
	for name, test := range map[string]struct {
		legacy            bool
		form              url.Values
		contentType       string
		code, description string
		status            int
	}{
		"no grant_type":      {false, url.Values{}, "", "unsupported_grant_type", "grant_type parameter is missing", 400},
		"unknown grant_type": {false, url.Values{"grant_type": {"password"}}, "", "unsupported_grant_type", "grant_type password is not supported", 400},
		"unknown grant_type, before": {true, url.Values{"grant_type": {"password"}}, "", "unsupported_grant_type",
			"grant_type must be client_credentials, authorization_code or refresh_token", 400},
		"no code":      {false, url.Values{"grant_type": {"authorization_code"}}, "", "invalid_request", "code must be supplied", 400},
		"JSON":         {false, url.Values{}, "application/json", "unsupported_grant_type", "grant_type parameter is missing", 400},
		"JSON, before": {true, url.Values{}, "application/json", "server_error", "Unexpected status: 415", 415},
	} {
		t.Run(name, func(t *testing.T) {
			server := spotifytest.NewWith(t, &accounts.Options{Legacy: test.legacy})
			rewrite := answer(func(req *http.Request) (*http.Response, error) {
				other, err := http.NewRequestWithContext(req.Context(), req.Method, req.URL.String(), strings.NewReader(test.form.Encode()))
				if err != nil {
					return nil, err
				}
				other.Header = req.Header
				if test.contentType != "" {
					other.Header.Set("Content-Type", test.contentType)
				}
				return server.Transport().RoundTrip(other)
			})
			opts := server.Options()
			opts.Transport = rewrite
			s, err := spotipie.NewClientCredentialsSession(server.Credentials(), opts)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.FetchToken(t.Context())
			var got *spotipie.TokenEndpointError
			if !errors.As(err, &got) || got.StatusCode != test.status || got.Code != test.code || got.Description != test.description {
				t.Errorf("got error %v, want %d %s: %s", err, test.status, test.code, test.description)
			}
		})
	}
}

// TestAPIErrorsOfSpotify checks that the errors of the Web API become APIErrors.
func TestAPIErrorsOfSpotify(t *testing.T) {
	withHeader := func(value string) *spotipie.RequestOptions {
		return &spotipie.RequestOptions{WithholdToken: true, Headers: http.Header{"Authorization": {value}}}
	}
	for name, test := range map[string]struct {
		legacy bool
		scope  spotipie.Scopes
		user   string
		fault  accounts.FaultKind
		method string
		path   string
		opts   *spotipie.RequestOptions
		want   spotipie.APIError
	}{
		"expired token":       {fault: accounts.FaultExpired, want: spotipie.APIError{StatusCode: 401, Message: "Missing/invalid/expired access token"}},
		"made-up token":       {opts: withHeader("Bearer made-up"), want: spotipie.APIError{StatusCode: 401, Message: "Missing/invalid/expired access token"}},
		"no token":            {opts: &spotipie.RequestOptions{WithholdToken: true}, want: spotipie.APIError{StatusCode: 401, Message: "Missing/invalid/expired access token"}},
		"no token, before":    {legacy: true, opts: &spotipie.RequestOptions{WithholdToken: true}, want: spotipie.APIError{StatusCode: 401, Message: "No token provided"}},
		"not a bearer token":  {opts: withHeader("Basic x"), want: spotipie.APIError{StatusCode: 400, Message: "Only valid bearer authentication supported"}},
		"scope":               {scope: spotipie.Scopes{spotipie.ScopeStreaming}, path: "/v1/me/tracks", want: spotipie.APIError{StatusCode: 403, Message: "Insufficient client scope"}},
		"user not registered": {fault: accounts.FaultUserNotRegistered, want: spotipie.APIError{StatusCode: 403, Message: "User not registered in the Developer Dashboard"}},
		"owner not premium": {fault: accounts.FaultOwnerNotPremium, want: spotipie.APIError{StatusCode: 403, Message: "Active premium subscription required for the owner of the app. " +
			"When the subscription status changes, it can take a few hours before requests are allowed again."}},
		"free user plays": {user: "grace", method: http.MethodPut, path: "/v1/me/player/play", want: spotipie.APIError{
			StatusCode: 403, Message: "Player command failed: Premium required", Reason: "PREMIUM_REQUIRED",
		}},
		"rate limit, JSON":  {fault: accounts.FaultRateLimited, want: spotipie.APIError{StatusCode: 429, Message: "API rate limit exceeded", RetryAfter: 19056 * time.Second}},
		"rate limit, plain": {fault: accounts.FaultRateLimitedPlain, want: spotipie.APIError{StatusCode: 429, Message: "Too many requests", RetryAfter: 19056 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			server := spotifytest.NewWith(t, &accounts.Options{AutoApprove: true, Legacy: test.legacy})
			if test.user != "" {
				if err := server.AutoApproveAs(test.user); err != nil {
					t.Fatal(err)
				}
			}
			s := signedIn(t, server, func(o *spotipie.Options) {
				o.DisableAutoRefresh = true
				if test.scope != nil {
					o.Scope = test.scope
				}
			})
			if test.fault != "" {
				queue(t, server, accounts.Fault{Kind: test.fault, Target: accounts.TargetAPI, RetryAfter: 19056 * time.Second})
			}
			if test.method == "" {
				test.method = http.MethodGet
			}
			if test.path == "" {
				test.path = "/v1/me"
			}
			resp, err := s.Request(t.Context(), test.method, test.path, test.opts)
			if err != nil {
				t.Fatal(err)
			}
			var got *spotipie.APIError
			if err := spotipie.CheckResponse(resp); !errors.As(err, &got) || *got != test.want {
				t.Errorf("got error %v, want %v", err, &test.want)
			}
		})
	}
}

func TestCheckResponseLeavesSuccessAlone(t *testing.T) {
	s := signedIn(t, spotifytest.New(t), nil)
	resp := get(t, s, "/v1/me", nil)
	if err := spotipie.CheckResponse(resp); err != nil || !strings.Contains(bodyOf(t, resp), `"id":`) {
		t.Errorf("CheckResponse: %v, or the body is lost", err)
	}
}
