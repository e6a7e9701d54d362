package spotipie_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// TestOnlyAPlainRefusalIsFinal checks that invalid_grant ends an authorization only if
// the answer is as in RFC 6749 section 5.2. A failing server may say anything.
func TestOnlyAPlainRefusalIsFinal(t *testing.T) {
	for status, final := range map[int]bool{400: true, 401: true, 200: false, 403: false, 429: false, 500: false, 502: false, 503: false} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newHookedStore()
				spotify := &services{token: func(n int, req *http.Request) (*http.Response, error) {
					if n == 1 || status > 500 && n <= 3 { // the session tries again at once after these
						return respond(req, status, `{"error":"invalid_grant","error_description":"Refresh token revoked"}`), nil
					}
					return respond(req, http.StatusOK, renewed(n)), nil
				}}
				s := offline(t, spotify, store, nil)
				set(t, s, time.Hour)
				time.Sleep(2 * time.Hour)
				_, err := s.Token(t.Context())
				var answer *spotipie.TokenEndpointError
				if !errors.As(err, &answer) || answer.StatusCode != status || errors.Is(err, spotipie.ErrReauthorizationRequired) != final {
					t.Errorf("got error %v; want it final: %t", err, final)
				}
				if rec, _, _ := store.MemoryStore.Load(t.Context(), adaKey); (rec.Rejected != "") != final {
					t.Errorf("the record is marked as rejected with %q", rec.Rejected)
				}
				time.Sleep(time.Minute)
				if _, err := s.Token(t.Context()); (err != nil) != final {
					t.Errorf("a minute later: %v", err)
				}
			})
		})
	}
}

func TestAnswersThatAreNotTaken(t *testing.T) {
	endless := func(req *http.Request) *http.Response {
		resp := respond(req, http.StatusOK, "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(renewed(1)), blanks{}))
		return resp
	}
	for name, test := range map[string]struct {
		answer func(*http.Request) *http.Response
		says   string
	}{
		"500 with a token": {func(req *http.Request) *http.Response { return respond(req, 500, renewed(1)) }, "500"},
		"400 with a token": {func(req *http.Request) *http.Response { return respond(req, 400, renewed(1)) }, "400"},
		"302 with a token": {func(req *http.Request) *http.Response { return respond(req, 302, renewed(1), "Location", "/api/token") }, "302"},
		"a token and an error": {func(req *http.Request) *http.Response {
			return respond(req, 200, `{"error":"server_error",`+renewed(1)[1:])
		}, "server_error"},
		"a token and 1 MiB of blanks": {func(req *http.Request) *http.Response {
			return respond(req, 200, renewed(1)+strings.Repeat(" ", 1<<20))
		}, "larger than 1 MiB"},
		"a token and blanks that never end":    {endless, "larger than 1 MiB"},
		"a token and something else behind it": {func(req *http.Request) *http.Response { return respond(req, 200, renewed(1)+"{}") }, "data after"},
		"a page": {func(req *http.Request) *http.Response { return respond(req, 200, "<html>Welcome to the hotel") },
			"answered 200 OK, but not with a token: it is not a JSON object: check that no proxy and no login page of the network answers in its place"},
	} {
		t.Run(name, func(t *testing.T) {
			s := offline(t, &services{token: func(_ int, req *http.Request) (*http.Response, error) { return test.answer(req), nil }}, nil, nil)
			old := set(t, s, time.Hour)
			_, err := s.RefreshToken(t.Context())
			var answer *spotipie.TokenEndpointError
			if !errors.As(err, &answer) || !strings.Contains(err.Error(), test.says) || s.CurrentToken() != old {
				t.Errorf("got error %v, want one that says %q and the old token kept", err, test.says)
			}
		})
	}
}

// TestNonsenseInAnAnswerCostsNoRefreshToken checks that a new refresh token is kept if
// the lifetime or the scope beside it make no sense: the old one may be used up.
func TestNonsenseInAnAnswerCostsNoRefreshToken(t *testing.T) {
	for name, nonsense := range map[string]string{
		"no lifetime": `"expires_in":null`, "a negative lifetime": `"expires_in":-1`, "an absurd lifetime": `"expires_in":1e18`,
		"an endless lifetime": `"expires_in":1e400`, "a lifetime of a century": `"expires_in":3153600000`,
		"a lifetime that is empty": `"expires_in":""`, "a lifetime that is a word": `"expires_in":"soon"`,
		"a lifetime that is an object": `"expires_in":{"seconds":3600}`, "a lifetime that is a list": `"expires_in":[3600]`,
		"a type that is a list": `"token_type":["Bearer"]`, "a type that is a truth value": `"token_type":true`,
		"a scope that is a number": `"scope":1`, "a scope that is an object": `"scope":{"a":true}`, "scopes that are numbers": `"scope":[1]`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newHookedStore()
				spotify := &services{token: func(n int, req *http.Request) (*http.Response, error) {
					return respond(req, http.StatusOK, fmt.Sprintf(`{"access_token":"A%d","refresh_token":"R%d",%s}`, n, n, nonsense)), nil
				}}
				s := offline(t, spotify, store, func(o *spotipie.Options) { o.Scope = spotipie.Scopes{"a"} })
				set(t, s, time.Hour)
				if _, err := s.RefreshToken(t.Context()); err != nil {
					t.Error(err)
				}
				expectTokens(t, s, store, "A1", "R1")
				if tok := s.CurrentToken(); tok.ExpiresIn() != time.Hour || tok.Scope().String() != "a" {
					t.Errorf("it lives for %s and has the scope %q, want an hour and that of the old token", tok.ExpiresIn(), tok.Scope())
				}
				if tok, err := login(t, s); err != nil || tok.RefreshToken() != "R2" {
					t.Errorf("a login: %s and error %v, want R2", tokenNames(tok), err)
				}
			})
		})
	}
}

// blanks is an endless body of blanks.
type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// TestClientAuthentication checks that the id and the secret are form-encoded before
// HTTP Basic joins them with a colon (RFC 6749 section 2.3.1).
func TestClientAuthentication(t *testing.T) {
	for name, test := range map[string]struct{ id, secret, want string }{
		"plain":              {"id", "secret", "id:secret"},
		"colons":             {"i:d", "se:cret", "i%3Ad:se%3Acret"},
		"blanks and percent": {"i d", "100%", "i+d:100%25"},
		"plus and ampersand": {"i+d", "a&b=c/d", "i%2Bd:a%26b%3Dc%2Fd"},
		"letters of another": {"ñ", "ü", "%C3%B1:%C3%BC"},
		"no secret":          {"i d", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			spotify := &services{}
			var header string
			spotify.token = func(_ int, req *http.Request) (*http.Response, error) {
				header = req.Header.Get("Authorization")
				return respond(req, http.StatusOK, renewed(1)), nil
			}
			creds := spotipie.Credentials{ClientID: test.id, ClientSecret: test.secret, RedirectURI: "http://127.0.0.1/callback"}
			s, err := spotipie.NewAuthorizationCodeSession(creds, &spotipie.Options{Transport: spotify})
			if err != nil {
				t.Fatal(err)
			}
			set(t, s, time.Hour)
			if _, err := s.RefreshToken(t.Context()); err != nil {
				t.Fatal(err)
			}
			want, inForm := "", test.id
			if test.want != "" {
				want, inForm = "Basic "+base64.StdEncoding.EncodeToString([]byte(test.want)), ""
			}
			if form := spotify.forms[0]; header != want || form.Get("client_id") != inForm || form.Has("client_secret") {
				t.Errorf("Authorization %q and form %v, want %q", header, form, want)
			}
		})
	}
}

// TestEchoedSecretsDoNotShow makes the accounts service repeat the secrets that it was
// sent, in each encoding in which they were sent.
func TestEchoedSecretsDoNotShow(t *testing.T) {
	const secret, refreshToken = "app/secret+%&=:", "AQ/refresh+token=="
	spellings := func(s string) []string { return []string{s, url.QueryEscape(s)} }
	hidden := append(spellings(secret), spellings(refreshToken)...)
	hidden = append(hidden, base64.StdEncoding.EncodeToString([]byte("id:"+url.QueryEscape(secret))))
	for _, echo := range hidden {
		s, err := spotipie.NewAuthorizationCodeSession(
			spotipie.Credentials{ClientID: "id", ClientSecret: secret, RedirectURI: "http://127.0.0.1/callback"},
			&spotipie.Options{Transport: &services{token: func(_ int, req *http.Request) (*http.Response, error) {
				return respond(req, http.StatusBadRequest, fmt.Sprintf(`{"error":"x","error_description":%q}`, "got "+echo+" here")), nil
			}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetToken(t.Context(), tokenOf("A0", refreshToken, time.Hour)); err != nil {
			t.Fatal(err)
		}
		_, err = s.RefreshToken(t.Context())
		if err == nil || strings.Contains(err.Error(), echo) || !strings.Contains(err.Error(), "got [redacted] here") {
			t.Errorf("echo of %q: error %v", echo, err)
		}
	}
}

func TestLoginIsSavedThoughItsCallerHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		ctx, cancel := context.WithCancel(t.Context())
		s := offline(t, &services{before: func(int) { cancel() }}, store, nil)
		var heard error = errors.New("nothing")
		s.OnTokenUpdated(func(ctx context.Context, _ spotipie.TokenUpdated) error { heard = ctx.Err(); return nil })
		_, state, err := s.AuthorizationURL(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.FetchTokenGivenCode(ctx, "code", state); err != nil {
			t.Errorf("FetchTokenGivenCode: %v", err)
		}
		expectTokens(t, s, store, "A1", "R1")
		if heard != nil {
			t.Errorf("the listener heard %v, want a context that goes on", heard)
		}
		if err := s.SetToken(ctx, tokenOf("A2", "R2", time.Hour)); err != nil {
			t.Errorf("SetToken: %v", err)
		}
		expectTokens(t, s, store, "A2", "R2")
		if heard != nil {
			t.Errorf("the listener heard %v, want a context that goes on", heard)
		}
	})
}

func TestLoginHasTheLimitOfARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{token: func(_ int, req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		}}
		s := offline(t, spotify, nil, func(o *spotipie.Options) { o.RefreshTimeout = 3 * time.Second })
		_, state, err := s.AuthorizationURL(nil)
		if err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		if _, err := s.FetchTokenGivenCode(t.Context(), "code", state); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want a timeout", err)
		}
		if waited := time.Since(started); waited != 3*time.Second {
			t.Errorf("given up after %s, want 3 s", waited)
		}
	})
}
