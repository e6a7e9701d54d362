package spotipie_test

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

// constructor makes a session of one class.
type constructor func(spotipie.Credentials, *spotipie.Options) (spotipie.Session, error)

func newCode(c spotipie.Credentials, o *spotipie.Options) (spotipie.Session, error) {
	return spotipie.NewAuthorizationCodeSession(c, o)
}

func newClient(c spotipie.Credentials, o *spotipie.Options) (spotipie.Session, error) {
	return spotipie.NewClientCredentialsSession(c, o)
}

func newFragment(c spotipie.Credentials, o *spotipie.Options) (spotipie.Session, error) {
	return spotipie.NewImplicitGrantSession(c, o)
}

func exampleCredentials() spotipie.Credentials {
	return spotipie.Credentials{ClientID: "my-app", ClientSecret: "my-secret", RedirectURI: "https://example.com/callback"}
}

func construct[S spotipie.Session](t *testing.T, construct constructor, creds spotipie.Credentials, opts *spotipie.Options) S {
	t.Helper()
	s, err := construct(creds, opts)
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, s)
	session, ok := s.(S)
	if !ok {
		t.Fatalf("%T does not have the wanted methods", s)
	}
	return session
}

// constructorRows returns the rows that all classes have.
func constructorRows(class string, build constructor, flow spotipie.Flow) rows {
	return rows{
		class + "(client_id)": func(t *testing.T) {
			if s := construct[spotipie.Session](t, build, exampleCredentials(), nil); s.ClientID() != "my-app" {
				t.Errorf("client id %q", s.ClientID())
			}
			if _, err := build(spotipie.Credentials{ClientSecret: "s", RedirectURI: "https://example.com/callback"}, nil); err == nil {
				t.Error("made without a client id")
			}
		},
		class + "(**kwargs)": func(t *testing.T) {
			rec := &recorder{next: ok("")}
			s := construct[spotipie.Session](t, build, exampleCredentials(), &spotipie.Options{Transport: rec, APIURL: "https://api.example"})
			get(t, s, "/v1/me", &spotipie.RequestOptions{WithholdToken: true})
			if len(rec.requests) != 1 || rec.requests[0].URL.String() != "https://api.example/v1/me" {
				t.Errorf("requests: %v", rec.requests)
			}
		},
		class + ".FLOW": func(t *testing.T) {
			if s := construct[spotipie.Session](t, build, exampleCredentials(), nil); s.Flow() != flow {
				t.Errorf("flow %q", s.Flow())
			}
		},
	}
}

// authorizing is a session that sends the user to a page.
type authorizing interface {
	spotipie.Session
	AuthorizationURL(*spotipie.AuthorizationURLOptions) (authorizationURL, state string, err error)
}

func authorizationQuery(t *testing.T, s authorizing, opts *spotipie.AuthorizationURLOptions) (query url.Values, state string) {
	t.Helper()
	raw, state, err := s.AuthorizationURL(opts)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query(), state
}

// authorizingRows returns the rows of the two classes that need a user's consent.
func authorizingRows(class string, build constructor) rows {
	query := func(t *testing.T, opts *spotipie.AuthorizationURLOptions) (url.Values, string) {
		session := construct[authorizing](t, build, exampleCredentials(), &spotipie.Options{Scope: spotipie.ParseScopes("b a b")})
		return authorizationQuery(t, session, opts)
	}
	expect := func(t *testing.T, opts *spotipie.AuthorizationURLOptions, key, want string) {
		t.Helper()
		if q, _ := query(t, opts); q.Get(key) != want {
			t.Errorf("%s is %q, want %q", key, q.Get(key), want)
		}
	}
	return rows{
		class + "(redirect_uri)": func(t *testing.T) {
			expect(t, nil, "redirect_uri", "https://example.com/callback")
			creds := exampleCredentials()
			creds.RedirectURI = "http://localhost/callback"
			var refused *spotipie.RedirectURIError
			if _, err := build(creds, nil); !errors.As(err, &refused) {
				t.Errorf("got error %v, want a RedirectURIError", err)
			}
		},
		class + "(scope=None)": func(t *testing.T) {
			expect(t, nil, "scope", "a b")
			bare := construct[authorizing](t, build, exampleCredentials(), nil)
			if q, _ := authorizationQuery(t, bare, nil); q.Has("scope") || len(bare.Scope()) != 0 {
				t.Errorf("without scope: %v", q)
			}
		},
		class + ".authorization_url()": func(t *testing.T) { expect(t, nil, "client_id", "my-app") },
		class + ".authorization_url(force_dialog=False)": func(t *testing.T) {
			expect(t, nil, "show_dialog", "false")
			expect(t, &spotipie.AuthorizationURLOptions{ForceDialog: true}, "show_dialog", "true")
		},
		class + ".authorization_url(**kwargs)": func(t *testing.T) {
			expect(t, &spotipie.AuthorizationURLOptions{Extra: url.Values{"ui_locales": {"de it"}}}, "ui_locales", "de it")
		},
		class + ".authorization_url() → (authorization_url, state)": func(t *testing.T) {
			if q, state := query(t, nil); state == "" || q.Get("state") != state {
				t.Errorf("the URL's state is not the one returned, or empty")
			}
		},
	}
}

// signedInRow logs a user in and checks the session.
func signedInRow(t *testing.T, finish func(*spotipie.AuthorizationCodeSession, string) (*spotipie.Token, error)) {
	t.Helper()
	server := spotifytest.New(t)
	s := newSession(t, server, nil)
	raw, _, err := s.AuthorizationURL(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := finish(s, server.Consent(t, raw))
	if err != nil || got != s.CurrentToken() || got.RefreshToken() == "" {
		t.Fatalf("got %v, %v", got, err)
	}
	if resp := get(t, s, "/v1/me", nil); resp.StatusCode != 200 {
		t.Errorf("the token is answered with %s", resp.Status)
	}
}

func fetch(t *testing.T) func(*spotipie.AuthorizationCodeSession, string) (*spotipie.Token, error) {
	return func(s *spotipie.AuthorizationCodeSession, callbackURL string) (*spotipie.Token, error) {
		return s.FetchToken(t.Context(), callbackURL)
	}
}

func fetchGivenCode(t *testing.T) func(*spotipie.AuthorizationCodeSession, string) (*spotipie.Token, error) {
	return func(s *spotipie.AuthorizationCodeSession, callbackURL string) (*spotipie.Token, error) {
		u, err := url.Parse(callbackURL)
		if err != nil {
			return nil, err
		}
		return s.FetchTokenGivenCode(t.Context(), u.Query().Get("code"), u.Query().Get("state"))
	}
}

// timesOut checks that a call to a server that hangs ends with its context, or after
// RefreshTimeout if the context has no deadline.
func timesOut(t *testing.T, build constructor, work func(*testing.T, context.Context, *spotifytest.Server, spotipie.Session) error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := spotifytest.NewInMemory(t, nil)
		queue(t, server, accounts.Fault{Kind: accounts.FaultSlow, Target: accounts.TargetToken, Delay: time.Hour, Times: 2})
		opts := server.Options()
		opts.RefreshTimeout = 7 * time.Second
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		endsAfter := func(want time.Duration, ctx context.Context) {
			start := time.Now()
			err := work(t, ctx, server, construct[spotipie.Session](t, build, server.Credentials(), opts))
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != want {
				t.Errorf("got error %v after %s, want DeadlineExceeded after %s", err, time.Since(start), want)
			}
		}
		endsAfter(5*time.Second, ctx)
		endsAfter(7*time.Second, t.Context())
	})
}

func authorizationCodeRows() rows {
	const class = "AuthorizationCodeSession"
	slowly := func(t *testing.T, givenCode bool) {
		timesOut(t, newCode, func(t *testing.T, ctx context.Context, server *spotifytest.Server, session spotipie.Session) error {
			s := session.(*spotipie.AuthorizationCodeSession)
			raw, state, err := s.AuthorizationURL(nil)
			if err != nil {
				return err
			}
			callback := server.Consent(t, raw)
			if !givenCode {
				_, err = s.FetchToken(ctx, callback)
				return err
			}
			u, err := url.Parse(callback)
			if err != nil {
				return err
			}
			_, err = s.FetchTokenGivenCode(ctx, u.Query().Get("code"), state)
			return err
		})
	}
	r := rows{
		class: func(t *testing.T) {
			construct[spotipie.RefreshableSession](t, newCode, exampleCredentials(), nil)
		},
		class + "(client_secret)": func(t *testing.T) {
			server := spotifytest.New(t)
			creds := server.Credentials()
			server.Login(t, construct[*spotipie.AuthorizationCodeSession](t, newCode, creds, server.Options()))
			creds.ClientSecret = "wrong"
			s := construct[*spotipie.AuthorizationCodeSession](t, newCode, creds, server.Options())
			raw, _, err := s.AuthorizationURL(nil)
			if err != nil {
				t.Fatal(err)
			}
			var refused *spotipie.TokenEndpointError
			if _, err := s.FetchToken(t.Context(), server.Consent(t, raw)); !errors.As(err, &refused) || refused.Code != "invalid_client" {
				t.Errorf("wrong secret: got error %v", err)
			}
		},
		class + "(auto_refresh=True)":            func(t *testing.T) { refreshesUnlessDisabled(t, newCode) },
		class + ".fetch_token()":                 func(t *testing.T) { signedInRow(t, fetch(t)) },
		class + ".fetch_token(callback_url)":     func(t *testing.T) { signedInRow(t, fetch(t)) },
		class + ".fetch_token(timeout=None)":     func(t *testing.T) { slowly(t, false) },
		class + ".fetch_token_given_code()":      func(t *testing.T) { signedInRow(t, fetchGivenCode(t)) },
		class + ".fetch_token_given_code(code)":  func(t *testing.T) { signedInRow(t, fetchGivenCode(t)) },
		class + ".fetch_token_given_code(state)": wrongStateRow,
		class + ".fetch_token_given_code(timeout=None)": func(t *testing.T) {
			slowly(t, true)
		},
		class + ".fetch_token() raises AccessDenied": func(t *testing.T) {
			if err := callbackError(t, "access_denied"); !errors.Is(err, spotipie.ErrAccessDenied) {
				t.Errorf("got error %v", err)
			}
		},
		class + ".fetch_token() raises AuthorizationException": func(t *testing.T) {
			var failed *spotipie.AuthorizationError
			if err := callbackError(t, "server_error"); !errors.As(err, &failed) || failed.Code != "server_error" || errors.Is(err, spotipie.ErrAccessDenied) {
				t.Errorf("got error %v", err)
			}
		},
		class + ".fetch_token() raises requests.Timeout": func(t *testing.T) { slowly(t, false) },
	}
	maps.Copy(r, constructorRows(class, newCode, spotipie.FlowAuthorizationCode))
	maps.Copy(r, authorizingRows(class, newCode))
	return r
}

// callbackError returns FetchToken's error for a callback with an error code.
func callbackError(t *testing.T, code string) error {
	t.Helper()
	server := spotifytest.New(t)
	s := newSession(t, server, nil)
	_, state, err := s.AuthorizationURL(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.FetchToken(t.Context(), "http://127.0.0.1/callback?"+url.Values{"error": {code}, "state": {state}}.Encode())
	return err
}

func wrongStateRow(t *testing.T) {
	server := spotifytest.New(t)
	s := newSession(t, server, nil)
	if _, _, err := s.AuthorizationURL(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.FetchTokenGivenCode(t.Context(), "AQcode", "wrong"); !errors.Is(err, spotipie.ErrStateMismatch) {
		t.Errorf("got error %v, want ErrStateMismatch", err)
	}
	server.ExpectTokenRequests(t, accounts.TokenRequests{})
}

// refreshesUnlessDisabled checks both values of auto_refresh an hour later.
func refreshesUnlessDisabled(t *testing.T, build constructor) {
	t.Helper()
	server := spotifytest.New(t)
	for _, disabled := range []bool{false, true} {
		opts := server.Options()
		opts.DisableAutoRefresh = disabled
		s := construct[spotipie.RefreshableSession](t, build, server.Credentials(), opts)
		authorize(t, server, s)
		server.Advance(time.Hour)
		_, err := s.Token(t.Context())
		if errors.Is(err, spotipie.ErrTokenExpired) != disabled || s.AutoRefresh() == disabled {
			t.Errorf("disabled %t: got error %v", disabled, err)
		}
	}
}

// authorize gets the session its first token, whatever its flow.
func authorize(t *testing.T, server *spotifytest.Server, session spotipie.Session) {
	t.Helper()
	var err error
	switch s := session.(type) {
	case *spotipie.AuthorizationCodeSession:
		server.Login(t, s)
	case *spotipie.ClientCredentialsSession:
		_, err = s.FetchToken(t.Context())
	case *spotipie.ImplicitGrantSession:
		var raw string
		if raw, _, err = s.AuthorizationURL(nil); err == nil {
			_, err = s.ReadTokenFromCallbackURL(t.Context(), server.Consent(t, raw))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func clientCredentialsRows() rows {
	const class = "ClientCredentialsSession"
	r := rows{
		class: func(t *testing.T) {
			construct[spotipie.RefreshableSession](t, newClient, exampleCredentials(), nil)
		},
		class + "(client_secret)": func(t *testing.T) {
			if s := construct[spotipie.RefreshableSession](t, newClient, exampleCredentials(), nil); s.ClientSecret() != "my-secret" {
				t.Error("not the secret that was given")
			}
			if _, err := newClient(spotipie.Credentials{ClientID: "my-app"}, nil); err == nil {
				t.Error("made without a secret")
			}
		},
		class + "(auto_refresh=True)": func(t *testing.T) { refreshesUnlessDisabled(t, newClient) },
		class + ".fetch_token()": func(t *testing.T) {
			server := spotifytest.New(t)
			s := construct[*spotipie.ClientCredentialsSession](t, newClient, server.Credentials(), server.Options())
			got, err := s.FetchToken(t.Context())
			if err != nil || got != s.CurrentToken() || got.RefreshToken() != "" {
				t.Errorf("got %v, %v", got, err)
			}
			server.ExpectTokenRequests(t, accounts.TokenRequests{ClientCredentials: 1})
		},
		class + ".fetch_token(timeout=None)": func(t *testing.T) {
			timesOut(t, newClient, func(_ *testing.T, ctx context.Context, _ *spotifytest.Server, s spotipie.Session) error {
				_, err := s.(*spotipie.ClientCredentialsSession).FetchToken(ctx)
				return err
			})
		},
	}
	maps.Copy(r, constructorRows(class, newClient, spotipie.FlowClientCredentials))
	return r
}

func implicitGrantRows() rows {
	const class = "ImplicitGrantSession"
	read := func(t *testing.T) {
		server := spotifytest.NewWith(t, &accounts.Options{AutoApprove: true, Legacy: true})
		s := newImplicit(t, server)
		raw, _, err := s.AuthorizationURL(nil)
		if err != nil {
			t.Fatal(err)
		}
		callback := server.Consent(t, raw)
		got, err := s.ReadTokenFromCallbackURL(t.Context(), callback)
		if err != nil || got != s.CurrentToken() || got.AccessToken() == "" {
			t.Errorf("got %v, %v", got, err)
		}
		if _, err := s.ReadTokenFromCallbackURL(t.Context(), callback); !errors.Is(err, spotipie.ErrStateMismatch) {
			t.Errorf("the same state again: got error %v, want ErrStateMismatch", err)
		}
	}
	r := rows{
		class: func(t *testing.T) {
			s := construct[spotipie.Session](t, newFragment, exampleCredentials(), nil)
			if _, ok := s.(spotipie.RefreshableSession); ok {
				t.Error("is refreshable")
			}
		},
		class + ".read_token_from_callback_url()":               read,
		class + ".read_token_from_callback_url(callback_url)":   read,
		class + ".read_token_from_callback_url() → OAuth2Token": read,
	}
	maps.Copy(r, constructorRows(class, newFragment, spotipie.FlowImplicitGrant))
	maps.Copy(r, authorizingRows(class, newFragment))
	return r
}
