package spotipie_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

func TestAuthorizationURL(t *testing.T) {
	server := spotifytest.New(t)
	for name, test := range map[string]struct {
		opts *spotipie.AuthorizationURLOptions
		want url.Values
	}{
		"defaults":     {nil, url.Values{"show_dialog": {"false"}, "redirect_uri": {"http://127.0.0.1/callback"}}},
		"force dialog": {&spotipie.AuthorizationURLOptions{ForceDialog: true}, url.Values{"show_dialog": {"true"}}},
		"redirect URI": {&spotipie.AuthorizationURLOptions{RedirectURI: "http://127.0.0.1:49152/callback"}, url.Values{"redirect_uri": {"http://127.0.0.1:49152/callback"}}},
		"extra":        {&spotipie.AuthorizationURLOptions{Extra: url.Values{"locale": {"sv"}}}, url.Values{"locale": {"sv"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSession(t, server, nil)
			raw, state, err := s.AuthorizationURL(test.opts)
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(raw)
			if err != nil || !strings.HasPrefix(raw, server.URL+"/authorize?") {
				t.Fatalf("%s: %v", raw, err)
			}
			query := u.Query()
			test.want.Set("response_type", "code")
			test.want.Set("client_id", s.ClientID())
			test.want.Set("state", state)
			test.want.Set("scope", spotipie.AllScopes().String())
			test.want.Set("code_challenge_method", "S256")
			for key := range test.want {
				if query.Get(key) != test.want.Get(key) {
					t.Errorf("%s is %q, want %q", key, query.Get(key), test.want.Get(key))
				}
			}
			for _, text := range []string{state, query.Get("code_challenge")} {
				if raw, err := base64.RawURLEncoding.DecodeString(text); err != nil || len(raw) != 32 {
					t.Errorf("state or code_challenge is not 256 bits in base64url")
				}
			}
		})
	}
}

func TestAuthorizationURLRefuses(t *testing.T) {
	s := newSession(t, spotifytest.New(t), nil)
	for _, key := range []string{"state", "code_challenge", "scope", "redirect_uri", "client_id"} {
		if _, _, err := s.AuthorizationURL(&spotipie.AuthorizationURLOptions{Extra: url.Values{key: {"x"}}}); err == nil {
			t.Errorf("Extra may replace %s", key)
		}
	}
	_, _, err := s.AuthorizationURL(&spotipie.AuthorizationURLOptions{RedirectURI: "http://localhost:1/callback"})
	var refused *spotipie.RedirectURIError
	if !errors.As(err, &refused) || refused.Suggestion != "http://127.0.0.1:1/callback" {
		t.Errorf("localhost: %v", err)
	}
}

func TestPKCEIsAlwaysUsed(t *testing.T) {
	for name, secret := range map[string]bool{"with a client secret": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			app := accounts.App{ClientID: "app", ClientSecret: "app-secret", RedirectURIs: []string{"http://127.0.0.1/callback"}}
			if !secret {
				app.ClientSecret = ""
			}
			server := spotifytest.NewWith(t, &accounts.Options{AutoApprove: true, Apps: []accounts.App{app}})
			rec := &recorder{next: server.Transport()}
			s := newSession(t, server, func(o *spotipie.Options) { o.Transport = rec })
			raw, _, err := s.AuthorizationURL(nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.FetchToken(t.Context(), server.Consent(t, raw)); err != nil {
				t.Fatal(err)
			}
			form := formOf(t, rec.requests[0])
			sum := sha256.Sum256([]byte(form.Get("code_verifier")))
			u, _ := url.Parse(raw)
			if base64.RawURLEncoding.EncodeToString(sum[:]) != u.Query().Get("code_challenge") {
				t.Error("the verifier sent is not that of the challenge")
			}
			_, _, basic := rec.requests[0].BasicAuth()
			if basic != secret || form.Has("client_id") == secret || form.Has("client_secret") {
				t.Errorf("Basic %t, client_id in the form %t", basic, form.Has("client_id"))
			}
			if _, err := s.RefreshToken(t.Context()); err != nil {
				t.Errorf("refreshing: %v", err)
			}
		})
	}
}

func formOf(t *testing.T, req *http.Request) url.Values {
	t.Helper()
	body, err := req.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	clone := req.Clone(t.Context())
	clone.Body = body
	if err := clone.ParseForm(); err != nil {
		t.Fatal(err)
	}
	return clone.PostForm
}

func TestFetchTokenRepeatsTheRedirectURIOfItsLogin(t *testing.T) {
	server := spotifytest.New(t)
	s := newSession(t, server, nil)
	raw, _, err := s.AuthorizationURL(&spotipie.AuthorizationURLOptions{RedirectURI: "http://127.0.0.1:50123/callback"})
	if err != nil {
		t.Fatal(err)
	}
	if tok, err := s.FetchToken(t.Context(), server.Consent(t, raw)); err != nil || tok != s.CurrentToken() {
		t.Errorf("FetchToken: %v, %v", tok, err)
	}
}

func TestSeveralLoginsUnderWay(t *testing.T) {
	server := spotifytest.New(t)
	s := newSession(t, server, nil)
	var callbacks []string
	for range 5 {
		raw, _, err := s.AuthorizationURL(nil)
		if err != nil {
			t.Fatal(err)
		}
		callbacks = append(callbacks, server.Consent(t, raw))
	}
	for i := len(callbacks) - 1; i >= 0; i-- {
		if _, err := s.FetchToken(t.Context(), callbacks[i]); err != nil {
			t.Errorf("login %d: %v", i, err)
		}
	}
}

func TestFetchTokenGivenCode(t *testing.T) {
	server := spotifytest.New(t)
	s := newSession(t, server, nil)
	raw, state, err := s.AuthorizationURL(nil)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(server.Consent(t, raw))
	code := u.Query().Get("code")
	for _, wrong := range []string{"", "x", state + "x", strings.ToUpper(state)} {
		if _, err := s.FetchTokenGivenCode(t.Context(), code, wrong); !errors.Is(err, spotipie.ErrStateMismatch) {
			t.Errorf("state %q: %v, want ErrStateMismatch", wrong, err)
		}
	}
	if _, err := s.FetchTokenGivenCode(t.Context(), code, state); err != nil {
		t.Errorf("FetchTokenGivenCode: %v", err)
	}
	if _, err := s.FetchTokenGivenCode(t.Context(), code, state); !errors.Is(err, spotipie.ErrStateMismatch) {
		t.Errorf("a second time: %v, want ErrStateMismatch", err)
	}
	server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1})
}

func TestStateExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		s := newSession(t, server, nil)
		raw, _, err := s.AuthorizationURL(nil)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if _, err := s.FetchToken(t.Context(), server.Consent(t, raw)); !errors.Is(err, spotipie.ErrStateMismatch) {
			t.Errorf("got error %v, want ErrStateMismatch", err)
		}
	})
}

func TestLoginsThatNobodyFinishesAreForgotten(t *testing.T) {
	server := spotifytest.New(t)
	s := newSession(t, server, nil)
	first, _, err := s.AuthorizationURL(nil)
	if err != nil {
		t.Fatal(err)
	}
	var last string
	for range 100 {
		if last, _, err = s.AuthorizationURL(nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.FetchToken(t.Context(), server.Consent(t, first)); !errors.Is(err, spotipie.ErrStateMismatch) {
		t.Errorf("the oldest of 101: %v, want ErrStateMismatch", err)
	}
	if _, err := s.FetchToken(t.Context(), server.Consent(t, last)); err != nil {
		t.Errorf("the newest: %v", err)
	}
}

func TestDeniedConsent(t *testing.T) {
	server := spotifytest.NewWith(t, &accounts.Options{AutoApprove: true, Legacy: true})
	server.DenyNext(2)
	s := newSession(t, server, nil)
	raw, _, err := s.AuthorizationURL(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.FetchToken(t.Context(), server.Consent(t, raw))
	var refused *spotipie.AuthorizationError
	if !errors.Is(err, spotipie.ErrAccessDenied) || !errors.As(err, &refused) || refused.Code != "access_denied" {
		t.Errorf("got error %v, want ErrAccessDenied", err)
	}
	implicit := newImplicit(t, server)
	if raw, _, err = implicit.AuthorizationURL(nil); err != nil {
		t.Fatal(err)
	}
	if _, err = implicit.ReadTokenFromCallbackURL(t.Context(), server.Consent(t, raw)); !errors.Is(err, spotipie.ErrAccessDenied) {
		t.Errorf("implicit: got error %v, want ErrAccessDenied", err)
	}
}

func newImplicit(t *testing.T, server *spotifytest.Server) *spotipie.ImplicitGrantSession {
	t.Helper()
	s, err := spotipie.NewImplicitGrantSession(server.Credentials(), server.Options())
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, s)
	return s
}

func TestImplicitGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, &accounts.Options{AutoApprove: true, Legacy: true})
		s := newImplicit(t, server)
		raw, _, err := s.AuthorizationURL(&spotipie.AuthorizationURLOptions{ForceDialog: true})
		if err != nil {
			t.Fatal(err)
		}
		if u, _ := url.Parse(raw); u.Query().Get("response_type") != "token" || u.Query().Has("code_challenge") || u.Query().Get("show_dialog") != "true" {
			t.Errorf("authorization URL: %s", raw)
		}
		callback := server.Consent(t, raw)
		tok, err := s.ReadTokenFromCallbackURL(t.Context(), callback)
		if err != nil {
			t.Fatal(err)
		}
		if tok.RefreshToken() != "" || tok.ExpiresIn() != time.Hour || !tok.Scope().Equal(spotipie.AllScopes()) || s.CurrentToken() != tok {
			t.Errorf("token: %v", tok)
		}
		if resp := get(t, s, "/v1/me", nil); resp.StatusCode != 200 {
			t.Errorf("status %d", resp.StatusCode)
		}
		if _, err := s.ReadTokenFromCallbackURL(t.Context(), callback); !errors.Is(err, spotipie.ErrStateMismatch) {
			t.Errorf("the callback a second time: %v", err)
		}
		time.Sleep(2 * time.Hour)
		if _, err := s.Token(t.Context()); !errors.Is(err, spotipie.ErrTokenExpired) {
			t.Errorf("an hour later: %v, want ErrTokenExpired", err)
		}
		if !s.ReauthorizeBy().IsZero() {
			t.Error("ReauthorizeBy without a refresh token")
		}
	})
}

func TestScopeOfASession(t *testing.T) {
	server := spotifytest.New(t)
	s := newSession(t, server, func(o *spotipie.Options) {
		o.Scope = spotipie.Scopes{spotipie.ScopeUserReadEmail, spotipie.ScopeStreaming, spotipie.ScopeStreaming}
	})
	if got := s.Scope().String(); got != "streaming user-read-email" || s.RequestedScope().String() != got {
		t.Errorf("before: %q", got)
	}
	if s.RedirectURI() != server.Credentials().RedirectURI {
		t.Errorf("redirect URI %q", s.RedirectURI())
	}
	if err := spotipie.RequireScope(s, spotipie.ScopeStreaming); !errors.Is(err, spotipie.ErrNotAuthorized) {
		t.Errorf("RequireScope before: %v", err)
	}
	server.Login(t, s)
	if got := s.CurrentToken().Scope().String(); got != "streaming user-read-email" {
		t.Errorf("token: %q", got)
	}
	if err := spotipie.RequireScope(s, spotipie.ScopeStreaming); err != nil {
		t.Errorf("RequireScope: %v", err)
	}
	err := spotipie.RequireScope(s, spotipie.ScopeUserTopRead, spotipie.ScopeStreaming)
	var lacking *spotipie.InsufficientScopeError
	if !errors.As(err, &lacking) || lacking.Needed.String() != "streaming user-top-read" ||
		lacking.Current.String() != "streaming user-read-email" || lacking.Missing.String() != "user-top-read" {
		t.Errorf("RequireScope: %v", err)
	}
	bare := newToken(t, "bare")
	if err := s.SetToken(t.Context(), bare); err != nil || s.Scope().String() != "streaming user-read-email" {
		t.Errorf("a token without scope takes the session's: %v, %v", s.Scope(), err)
	}
}

func TestCheckAuthorization(t *testing.T) {
	server := spotifytest.NewWith(t, &accounts.Options{Apps: []accounts.App{{ClientID: "app", RedirectURIs: []string{"http://127.0.0.1/callback"}}}})
	for name, test := range map[string]struct {
		creds       spotipie.Credentials
		scope       spotipie.Scopes
		code, words string
	}{
		"fine":               {spotipie.Credentials{ClientID: "app", RedirectURI: "http://127.0.0.1:99/callback"}, nil, "", ""},
		"unknown app":        {spotipie.Credentials{ClientID: "nobody", RedirectURI: "http://127.0.0.1/callback"}, nil, "INVALID_CLIENT", "Invalid client"},
		"other redirect URI": {spotipie.Credentials{ClientID: "app", RedirectURI: "http://127.0.0.1/other"}, nil, "redirect_uri", "Not matching configuration"},
		"unknown scope":      {spotipie.Credentials{ClientID: "app", RedirectURI: "http://127.0.0.1/callback"}, spotipie.Scopes{"x"}, "400 Bad Request", "Illegal scope"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := server.Options()
			opts.Scope = test.scope
			s, err := spotipie.NewAuthorizationCodeSession(test.creds, opts)
			if err != nil {
				t.Fatal(err)
			}
			err = s.CheckAuthorization(t.Context(), nil)
			var refused *spotipie.AuthorizationError
			if test.code == "" && err != nil || test.code != "" && (!errors.As(err, &refused) || refused.Code != test.code || refused.Description != test.words) {
				t.Errorf("got error %v, want %s: %s", err, test.code, test.words)
			}
		})
	}
}

func TestValidateRedirectURI(t *testing.T) {
	for uri, want := range map[string]string{ // to the suggestion; "fine", or "none" if there is none
		"https://example.com/callback":         "fine",
		"http://127.0.0.1/callback":            "fine",
		"http://127.0.0.1:8888/callback":       "fine",
		"http://[::1]:8888/callback":           "fine",
		"com.example.app://callback":           "fine",
		"":                                     "none",
		"127.0.0.1:8888/callback":              "http://127.0.0.1:8888/callback",
		"localhost:8888/callback":              "http://127.0.0.1:8888/callback",
		"http://127.0.0.1:99999/callback":      "none",
		"http://127.0.0.1:0/callback":          "none",
		"javascript:alert(1)":                  "none",
		"javascript://example.com/%0aalert(1)": "none",
		"data:text/html,x":                     "none",
		"file:///etc/passwd":                   "none",
		`https:\\example.com/callback`:         "none",
		"com.example.app:/callback":            "fine",
		"/callback":                            "none",
		"https:///callback":                    "none",
		"https://exam ple.com/":                "none",
		"http://localhost:8888/callback":       "http://127.0.0.1:8888/callback",
		"https://localhost/callback":           "http://127.0.0.1/callback",
		"http://LOCALHOST./callback":           "http://127.0.0.1/callback",
		"http://example.com/callback":          "https://example.com/callback",
		"http://example.com:80/callback":       "https://example.com/callback",
		"http://192.168.1.2:8888/callback":     "https://192.168.1.2:8888/callback",
		"http://127.0.0.2:8888/callback":       "http://127.0.0.1:8888/callback",
		"http://0.0.0.0:8888/callback":         "http://127.0.0.1:8888/callback",
		"https://example.com/callback#x":       "https://example.com/callback",
		"https://example.com/callback#":        "https://example.com/callback",
		"https://user@example.com/callback":    "https://example.com/callback",
		`"https://example.com/callback"`:       "https://example.com/callback",
		" https://example.com/callback\n":      "https://example.com/callback",
		"http://127.0.0.1:8888/callback\x00x":  "none",
	} {
		err := spotipie.ValidateRedirectURI(uri)
		var refused *spotipie.RedirectURIError
		switch {
		case want == "fine" && err != nil:
			t.Errorf("%q: %v", uri, err)
		case want != "fine" && (!errors.As(err, &refused) || refused.URI != uri || refused.Suggestion != strings.TrimPrefix(want, "none")):
			t.Errorf("%q: %v, want the suggestion %q", uri, err, want)
		}
	}
}

func TestCredentialsFromEnv(t *testing.T) {
	for name, test := range map[string]struct {
		prefix  string
		env     map[string]string
		missing string
	}{
		"all":             {"", map[string]string{"SPOTIPIE_CLIENT_ID": "id", "SPOTIPIE_CLIENT_SECRET": "s", "SPOTIPIE_REDIRECT_URI": "u"}, ""},
		"no secret":       {"", map[string]string{"SPOTIPIE_CLIENT_ID": "id", "SPOTIPIE_REDIRECT_URI": "u"}, ""},
		"other prefix":    {"SPOTIFY", map[string]string{"SPOTIFY_CLIENT_ID": "id", "SPOTIFY_REDIRECT_URI": "u"}, ""},
		"no id":           {"", map[string]string{"SPOTIPIE_REDIRECT_URI": "u"}, "SPOTIPIE_CLIENT_ID"},
		"empty id":        {"", map[string]string{"SPOTIPIE_CLIENT_ID": "", "SPOTIPIE_REDIRECT_URI": "u"}, "SPOTIPIE_CLIENT_ID"},
		"with line ends":  {"", map[string]string{"SPOTIPIE_CLIENT_ID": "id\n", "SPOTIPIE_REDIRECT_URI": "u\r\n"}, ""},
		"blank URI":       {"", map[string]string{"SPOTIPIE_CLIENT_ID": "id", "SPOTIPIE_REDIRECT_URI": " "}, "SPOTIPIE_REDIRECT_URI"},
		"no redirect URI": {"X", map[string]string{"X_CLIENT_ID": "id"}, "X_REDIRECT_URI"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, prefix := range []string{"SPOTIPIE", "SPOTIFY", "X"} {
				for _, v := range []string{"_CLIENT_ID", "_CLIENT_SECRET", "_REDIRECT_URI"} {
					t.Setenv(prefix+v, test.env[prefix+v])
				}
			}
			creds, err := spotipie.CredentialsFromEnv(test.prefix)
			var missing *spotipie.MissingVariableError
			switch {
			case test.missing == "" && (err != nil || creds.ClientID != "id" || creds.RedirectURI != "u"):
				t.Errorf("got %v, %v", creds, err)
			case test.missing != "" && (!errors.As(err, &missing) || missing.Name != test.missing):
				t.Errorf("got error %v, want one that names %s", err, test.missing)
			}
		})
	}
}

func TestConstructorsRefuse(t *testing.T) {
	good := spotipie.Credentials{ClientID: "id", ClientSecret: "s", RedirectURI: "http://127.0.0.1/callback"}
	for name, test := range map[string]struct {
		change func(*spotipie.Credentials, *spotipie.Options)
		says   string
	}{
		"no client id":    {func(c *spotipie.Credentials, _ *spotipie.Options) { c.ClientID = "" }, "ClientID is empty"},
		"no redirect URI": {func(c *spotipie.Credentials, _ *spotipie.Options) { c.RedirectURI = "" }, "it is empty"},
		"localhost":       {func(c *spotipie.Credentials, _ *spotipie.Options) { c.RedirectURI = "http://localhost/cb" }, "use http://127.0.0.1/cb instead"},
		"accounts URL":    {func(_ *spotipie.Credentials, o *spotipie.Options) { o.AccountsURL = "accounts.spotify.com" }, "AccountsURL"},
		"API URL":         {func(_ *spotipie.Credentials, o *spotipie.Options) { o.APIURL = "https://api.spotify.com/?x" }, "APIURL"},
		"token origins":   {func(_ *spotipie.Credentials, o *spotipie.Options) { o.TokenOrigins = []string{"*"} }, "TokenOrigins"},
	} {
		t.Run(name, func(t *testing.T) {
			creds, opts := good, spotipie.Options{}
			test.change(&creds, &opts)
			if _, err := spotipie.NewAuthorizationCodeSession(creds, &opts); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got error %v, want one that says %q", err, test.says)
			}
			if _, err := spotipie.NewImplicitGrantSession(creds, &opts); err == nil {
				t.Error("the implicit grant session has no objection")
			}
		})
	}
	if _, err := spotipie.NewClientCredentialsSession(spotipie.Credentials{ClientID: "id"}, nil); err == nil || !strings.Contains(err.Error(), "ClientSecret is empty") {
		t.Errorf("client credentials without a secret: %v", err)
	}
	if _, err := spotipie.ParseFlow("device"); err == nil {
		t.Error("there is no device flow")
	}
	for _, flow := range []spotipie.Flow{spotipie.FlowAuthorizationCode, spotipie.FlowClientCredentials, spotipie.FlowImplicitGrant} {
		if got, err := spotipie.ParseFlow(string(flow)); got != flow || err != nil {
			t.Errorf("ParseFlow(%s): %v, %v", flow, got, err)
		}
	}
	s, err := spotipie.NewAuthorizationCodeSession(spotipie.Credentials{ClientID: "id", RedirectURI: "http://localhost/cb"}, &spotipie.Options{SkipRedirectURICheck: true})
	if err != nil || s.Flow() != spotipie.FlowAuthorizationCode || s.ClientID() != "id" || s.ClientSecret() != "" {
		t.Errorf("without the check: %v, %v", s, err)
	}
}
