package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

// implicitlyAuthorized is a session that cannot refresh.
func implicitlyAuthorized(t *testing.T) (*spotifytest.Server, spotipie.Session) {
	t.Helper()
	server := spotifytest.NewWith(t, &accounts.Options{AutoApprove: true, Legacy: true})
	s := newImplicit(t, server)
	authorize(t, server, s)
	return server, s
}

func refreshableAuthorized(t *testing.T) (*spotifytest.Server, spotipie.Session) {
	t.Helper()
	server := spotifytest.New(t)
	return server, server.Session(t)
}

// extended is how a program adds to a session.
type extended struct{ spotipie.Session }

func (e extended) Profile(ctx context.Context) (*http.Response, error) {
	return e.Request(ctx, http.MethodGet, "/v1/me", nil)
}

func embedRow(open func(*testing.T) (*spotifytest.Server, spotipie.Session)) func(*testing.T) {
	return func(t *testing.T) {
		_, s := open(t)
		resp, err := extended{s}.Profile(t.Context())
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("got %v, %v", resp, err)
		}
		_ = resp.Body.Close()
	}
}

// sent makes one request and returns it as the session sent it.
func sent(t *testing.T, server *spotifytest.Server, s spotipie.Session, method, url string, opts *spotipie.RequestOptions) *http.Request {
	t.Helper()
	rec := &recorder{next: server.Transport()}
	if err := s.Mount(server.URL+"/", rec); err != nil {
		t.Fatal(err)
	}
	resp, err := s.Request(t.Context(), method, url, opts)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if len(rec.requests) != 1 {
		t.Fatalf("%d requests", len(rec.requests))
	}
	return rec.requests[0]
}

// requestRows returns the rows of the method request.
func requestRows(class string, open func(*testing.T) (*spotifytest.Server, spotipie.Session)) rows {
	name := func(what string) string { return class + ".request(" + what + ")" }
	send := func(t *testing.T, method, url string, opts *spotipie.RequestOptions) *http.Request {
		server, s := open(t)
		return sent(t, server, s, method, url, opts)
	}
	return rows{
		name(""): func(t *testing.T) {
			_, s := open(t)
			if resp := get(t, s, "/v1/me", nil); resp.StatusCode != 200 || !strings.Contains(bodyOf(t, resp), `"id":"ada"`) {
				t.Errorf("status %s", resp.Status)
			}
		},
		name("method"): func(t *testing.T) {
			if req := send(t, http.MethodPut, "/v1/me/player/play", nil); req.Method != http.MethodPut {
				t.Errorf("method %s", req.Method)
			}
		},
		name("url"): func(t *testing.T) {
			server, s := open(t)
			for _, raw := range []string{"/v1/me", server.URL + "/v1/me"} {
				if req := sent(t, server, s, http.MethodGet, raw, nil); req.URL.String() != server.URL+"/v1/me" {
					t.Errorf("%s became %s", raw, req.URL)
				}
			}
		},
		name("params=None"): func(t *testing.T) {
			req := send(t, http.MethodGet, "/v1/search?q=moon", &spotipie.RequestOptions{Params: url.Values{"type": {"artist"}}})
			if q := req.URL.Query(); q.Get("q") != "moon" || q.Get("type") != "artist" {
				t.Errorf("query %v", q)
			}
		},
		name("data=None"): func(t *testing.T) {
			for body, opts := range map[string]*spotipie.RequestOptions{
				"a=b+c": {Form: url.Values{"a": {"b c"}}},
				"raw":   {Body: strings.NewReader("raw")},
			} {
				req := send(t, http.MethodPut, "/v1/me/player/play", opts)
				if got := sentBody(t, req); got != body || (req.Header.Get("Content-Type") == "application/x-www-form-urlencoded") != (opts.Form != nil) {
					t.Errorf("sent %q, want %q, as %q", got, body, req.Header.Get("Content-Type"))
				}
			}
		},
		name("headers=None"): func(t *testing.T) {
			req := send(t, http.MethodGet, "/v1/me", &spotipie.RequestOptions{Headers: http.Header{"X-Mine": {"1"}}})
			if req.Header.Get("X-Mine") != "1" {
				t.Errorf("headers %v", slices.Collect(maps.Keys(req.Header)))
			}
		},
		name("withhold_token=False"): func(t *testing.T) {
			for _, withhold := range []bool{false, true} {
				req := send(t, http.MethodGet, "/v1/me", &spotipie.RequestOptions{WithholdToken: withhold})
				if has := req.Header.Get("Authorization") != ""; has == withhold {
					t.Errorf("withheld %t, but it went along: %t", withhold, has)
				}
			}
		},
		name("**kwargs"): func(t *testing.T) {
			_, s := open(t)
			req := send(t, http.MethodPut, "/v1/me/player/play", &spotipie.RequestOptions{JSON: map[string]int{"position_ms": 5}})
			if got := sentBody(t, req); got != `{"position_ms":5}` || req.Header.Get("Content-Type") != "application/json" {
				t.Errorf("sent %q", got)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := s.Request(ctx, http.MethodGet, "/v1/me", nil); !errors.Is(err, context.Canceled) {
				t.Errorf("got error %v, want the context's", err)
			}
		},
		class + ".request() raises TokenExpired": func(t *testing.T) {
			server, s := open(t)
			if r, ok := s.(spotipie.RefreshableSession); ok {
				r.DisableAutoRefresh()
			}
			server.Advance(time.Hour)
			if _, err := s.Request(t.Context(), http.MethodGet, "/v1/me", nil); !errors.Is(err, spotipie.ErrTokenExpired) {
				t.Errorf("got error %v, want ErrTokenExpired", err)
			}
		},
	}
}

func sentBody(t *testing.T, req *http.Request) string {
	t.Helper()
	body, err := req.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	return bodyOf(t, &http.Response{Body: body})
}

// updatesRow adds a token-updated listener and removes it again.
func updatesRow(t *testing.T) {
	_, s := implicitlyAuthorized(t)
	var got []spotipie.TokenUpdated
	remove := s.OnTokenUpdated(func(_ context.Context, e spotipie.TokenUpdated) error {
		got = append(got, e)
		return nil
	})
	old := s.CurrentToken()
	for range 2 {
		if err := s.SetToken(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		remove()
		remove()
	}
	if len(got) != 1 || !got[0].OldToken.Equal(old) || !got[0].NewToken.Equal(old) || got[0].Session != s {
		t.Errorf("events: %v", got)
	}
}

// expiryRow replaces an expired token from within a token-expired listener, and
// then removes the listener.
func expiryRow(t *testing.T) {
	server, s := implicitlyAuthorized(t)
	events := 0
	remove := s.OnTokenExpired(func(ctx context.Context, e spotipie.TokenExpired) error {
		if events++; e.ExpiredToken != s.CurrentToken() || e.Session != s || e.WithholdToken {
			t.Errorf("event %v", e)
		}
		f := e.ExpiredToken.Fields()
		f.ExpiresAt = server.Now().Add(time.Hour)
		next, err := spotipie.NewToken(f)
		if err != nil {
			return err
		}
		return s.SetToken(ctx, next)
	})
	server.Advance(time.Hour)
	if _, err := s.Token(t.Context()); err != nil || events != 1 {
		t.Errorf("%d events, error %v", events, err)
	}
	remove()
	server.Advance(time.Hour)
	if _, err := s.Token(t.Context()); !errors.Is(err, spotipie.ErrTokenExpired) || events != 1 {
		t.Errorf("%d events after the listener was removed, error %v", events, err)
	}
}

func listenerErrorRow(t *testing.T) {
	_, s := implicitlyAuthorized(t)
	errMine := errors.New("mine")
	remove := s.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error { return errMine })
	next := newToken(t, "next")
	var failed *spotipie.ListenerError
	if err := s.SetToken(t.Context(), next); !errors.As(err, &failed) || !errors.Is(err, errMine) {
		t.Errorf("got error %v", err)
	}
	if s.CurrentToken().AccessToken() != "next" {
		t.Error("the token was not kept")
	}
	remove()
	if err := s.SetToken(t.Context(), next); err != nil { // otherwise Close returns the failure too
		t.Error(err)
	}
}

func setTokenRow(t *testing.T) {
	_, s := implicitlyAuthorized(t)
	if err := s.SetToken(t.Context(), newToken(t, "mine")); err != nil {
		t.Fatal(err)
	}
	if got := s.CurrentToken(); got.AccessToken() != "mine" || !got.Scope().Equal(spotipie.AllScopes()) {
		t.Errorf("holds %v, want the token with the session's scope", got)
	}
}

func mountRow(t *testing.T) {
	_, s := implicitlyAuthorized(t)
	for prefix, body := range map[string]string{"https://": "wide", "https://example.com/v1/audio": "narrow"} {
		if err := s.Mount(prefix, ok(body)); err != nil {
			t.Fatal(err)
		}
	}
	for target, want := range map[string]string{
		"https://example.com/v1/audio-features": "narrow",
		"https://example.com/v1/me":             "wide",
		"https://example.com.evil/v1/audio":     "wide",
	} {
		if got := bodyOf(t, get(t, s, target, nil)); got != want {
			t.Errorf("%s went to %q, want %q", target, got, want)
		}
	}
	if err := s.Mount("example.com", ok("")); !errors.Is(err, spotipie.ErrMountPrefix) {
		t.Errorf("got error %v, want ErrMountPrefix", err)
	}
}

func baseRows() rows {
	const class = "BaseOAuth2Session"
	r := rows{
		class: func(t *testing.T) {
			for _, build := range []constructor{newCode, newClient, newFragment} {
				construct[spotipie.Session](t, build, exampleCredentials(), nil)
			}
		},
		class + "(session)": embedRow(implicitlyAuthorized),
		class + ".FLOW": func(t *testing.T) {
			if _, s := implicitlyAuthorized(t); s.Flow() != spotipie.FlowImplicitGrant {
				t.Errorf("flow %q", s.Flow())
			}
		},
		class + ".add_listener()":                           updatesRow,
		class + `.add_listener(event_name="token_updated")`: updatesRow,
		class + `.add_listener(event_name="token_expired")`: expiryRow,
		class + ".add_listener(listener)":                   listenerErrorRow,
		class + ".remove_listener()":                        updatesRow,
		class + ".remove_listener(event_name)":              expiryRow,
		class + ".remove_listener(listener)":                updatesRow,
		class + ".session": func(t *testing.T) {
			server, s := implicitlyAuthorized(t)
			resp, err := s.Client().Get(server.URL + "/v1/me")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if one, other := s.Client(), s.Client(); resp.StatusCode != 200 || one == other {
				t.Errorf("status %s, or clients that are shared", resp.Status)
			}
		},
		class + ".client_id": func(t *testing.T) {
			if server, s := implicitlyAuthorized(t); s.ClientID() != server.Credentials().ClientID {
				t.Errorf("client id %q", s.ClientID())
			}
		},
		class + ".is_authorized": func(t *testing.T) {
			server, s := implicitlyAuthorized(t)
			server.Advance(2 * time.Hour)
			if fresh := newImplicit(t, server); fresh.IsAuthorized() || !s.IsAuthorized() {
				t.Error("authorized without a token, or not with an expired one")
			}
		},
		class + ".token": func(t *testing.T) {
			server, s := implicitlyAuthorized(t)
			if got := token(t, s); got != s.CurrentToken() {
				t.Errorf("Token and CurrentToken differ")
			}
			if fresh := newImplicit(t, server); fresh.CurrentToken() != nil {
				t.Error("there is a token that nobody has set")
			}
		},
		class + ".token = …":                     setTokenRow,
		class + ".set_token()":                   setTokenRow,
		class + ".set_token(token: OAuth2Token)": setTokenRow,
		class + ".set_token(token: dict)": func(t *testing.T) {
			_, s := implicitlyAuthorized(t)
			tok, err := spotipie.TokenFromMap(map[string]any{"access_token": "mine", "expires_in": 3600}, false)
			if err == nil {
				err = s.SetToken(t.Context(), tok)
			}
			if err != nil || s.CurrentToken().AccessToken() != "mine" {
				t.Errorf("got error %v", err)
			}
		},
		class + ".scope": func(t *testing.T) {
			server, s := implicitlyAuthorized(t)
			f := s.CurrentToken().Fields()
			f.Scope = spotipie.ParseScopes("b a")
			tok, err := spotipie.NewToken(f)
			if err == nil {
				err = s.SetToken(t.Context(), tok)
			}
			if got := fmt.Sprint([]spotipie.Scope(s.Scope())); err != nil || got != "[a b]" {
				t.Errorf("scope %s, error %v", got, err)
			}
			if fresh := newImplicit(t, server); !fresh.Scope().Equal(spotipie.AllScopes()) {
				t.Errorf("without a token: %v", fresh.Scope())
			}
		},
		class + ".mount()":        mountRow,
		class + ".mount(prefix)":  mountRow,
		class + ".mount(adapter)": mountRow,
	}
	maps.Copy(r, requestRows(class, implicitlyAuthorized))
	return r
}

func refreshableRows() rows {
	const class = "RefreshableOAuth2Session"
	open := func(t *testing.T) (*spotifytest.Server, *spotipie.AuthorizationCodeSession) {
		server := spotifytest.New(t)
		return server, server.Session(t)
	}
	refreshed := func(t *testing.T) {
		server, s := open(t)
		old := s.CurrentToken()
		got, err := s.RefreshToken(t.Context())
		if err != nil || got == nil || got.AccessToken() == old.AccessToken() || s.CurrentToken() != got {
			t.Errorf("got %v, %v", got, err)
		}
		expectRefreshes(t, server, 1)
	}
	switched := func(change func(spotipie.RefreshableSession), on bool) func(*testing.T) {
		return func(t *testing.T) {
			server, s := open(t)
			s.SetAutoRefresh(!on)
			change(s)
			server.Advance(time.Hour)
			if _, err := s.Token(t.Context()); s.AutoRefresh() != on || (err == nil) != on {
				t.Errorf("auto-refresh %t, error %v", s.AutoRefresh(), err)
			}
		}
	}
	r := rows{
		class: func(t *testing.T) {
			for _, build := range []constructor{newCode, newClient} {
				construct[spotipie.RefreshableSession](t, build, exampleCredentials(), nil)
			}
		},
		class + "(session)": embedRow(refreshableAuthorized),
		class + "(client_secret)": func(t *testing.T) {
			if s := construct[spotipie.RefreshableSession](t, newClient, exampleCredentials(), nil); s.ClientSecret() != "my-secret" {
				t.Error("not the secret that was given")
			}
		},
		class + "(auto_refresh)": func(t *testing.T) {
			for _, disabled := range []bool{false, true} {
				s := construct[spotipie.RefreshableSession](t, newClient, exampleCredentials(), &spotipie.Options{DisableAutoRefresh: disabled})
				if s.AutoRefresh() == disabled {
					t.Errorf("disabled %t, auto-refresh %t", disabled, s.AutoRefresh())
				}
			}
		},
		class + ".client_secret": func(t *testing.T) {
			if server, s := open(t); s.ClientSecret() != server.Credentials().ClientSecret {
				t.Error("not the secret that was given")
			}
		},
		class + ".auto_refresh": func(t *testing.T) {
			if _, s := open(t); !s.AutoRefresh() {
				t.Error("it is off by default")
			}
		},
		class + ".auto_refresh = …":              switched(func(s spotipie.RefreshableSession) { s.SetAutoRefresh(false) }, false),
		class + ".enable_auto_refresh()":         switched(spotipie.RefreshableSession.EnableAutoRefresh, true),
		class + ".disable_auto_refresh()":        switched(spotipie.RefreshableSession.DisableAutoRefresh, false),
		class + ".refresh_token()":               refreshed,
		class + ".refresh_token() → OAuth2Token": refreshed,
		class + ".FLOW": func(t *testing.T) {
			if _, s := open(t); s.Flow() != spotipie.FlowAuthorizationCode {
				t.Errorf("flow %q", s.Flow())
			}
		},
	}
	maps.Copy(r, requestRows(class, refreshableAuthorized))
	return r
}
