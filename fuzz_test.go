package spotipie_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
)

// FuzzCallbackURL checks that no callback URL makes a session panic, gets a token
// without the right state, or appears in an error.
func FuzzCallbackURL(f *testing.F) {
	for _, seed := range []string{
		"http://127.0.0.1/callback?code=abc&state=STATE", "http://127.0.0.1/callback?error=access_denied&state=STATE",
		"http://127.0.0.1/callback#access_token=abc&token_type=Bearer&expires_in=3600&state=STATE",
		"?code=a&code=b&state=STATE", "com.example.app://callback?state=STATE", "http://[::1", "%zz", "#", "?error=%ff&state=STATE",
		"http://127.0.0.1/callback?code=abc&state=STATE#_=_",
	} {
		f.Add(seed)
	}
	creds := spotipie.Credentials{ClientID: "id", RedirectURI: "http://127.0.0.1/callback"}
	opts := &spotipie.Options{Transport: answer(func(req *http.Request) (*http.Response, error) {
		return ok(`{"access_token":"a","expires_in":3600}`)(req)
	})}
	f.Fuzz(func(t *testing.T, callback string) {
		code, err := spotipie.NewAuthorizationCodeSession(creds, opts)
		if err != nil {
			t.Fatal(err)
		}
		implicit, err := spotipie.NewImplicitGrantSession(creds, opts)
		if err != nil {
			t.Fatal(err)
		}
		for s, fetch := range map[interface {
			AuthorizationURL(*spotipie.AuthorizationURLOptions) (string, string, error)
		}]func(context.Context, string) (*spotipie.Token, error){code: code.FetchToken, implicit: implicit.ReadTokenFromCallbackURL} {
			_, state, err := s.AuthorizationURL(nil)
			if err != nil {
				t.Fatal(err)
			}
			tok, err := fetch(t.Context(), callback)
			if (tok == nil) == (err == nil) {
				t.Fatalf("token %v with error %v", tok, err)
			}
			if tok != nil {
				t.Fatalf("a token without the state")
			}
			if tok, err := fetch(t.Context(), strings.ReplaceAll(callback, "STATE", state)); (tok == nil) == (err == nil) {
				t.Fatalf("token %v with error %v", tok, err)
			}
		}
	})
}

// FuzzTokenJSON checks that every accepted token can be written and read again
// unchanged, and that all other input gives only an error.
func FuzzTokenJSON(f *testing.F) {
	for _, seed := range []string{
		pythonToken, `{"access_token":"a","token_type":"bearer","expires_in":3600,"scope":"x y","refresh_token":"r"}`,
		`{}`, `null`, `[]`, `{"access_token":"a","expires_in":1e9}`, `{"access_token":"a","expires_in":-0.5,"expires_at":1e300}`,
		`{"access_token":"\ud800","expires_in":1}`, `{"access_token":"a","expires_in":1,"scope":[1]}`, `{"a":{"b":[`,
		`{"access_token":"a","expires_in":1.5,"expires_at":1795550400.999999999}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tok, err := spotipie.ParseTokenJSON(data)
		if err != nil {
			if tok != nil {
				t.Fatal("a token and an error")
			}
			return
		}
		written, err := json.Marshal(tok)
		if err != nil {
			t.Fatal(err)
		}
		again, err := spotipie.ParseTokenJSON(written)
		if err != nil {
			t.Fatalf("written as %s: %v", written, err)
		}
		rewritten, err := json.Marshal(again)
		if err != nil || !bytes.Equal(written, rewritten) {
			t.Fatalf("written as %s, then as %s (%v)", written, rewritten, err)
		}
		if again.AccessToken() != tok.AccessToken() || !again.Scope().Equal(tok.Scope()) {
			t.Fatal("not the same token")
		}
	})
}

// FuzzTokenAnswer checks that no answer of the token endpoint makes a session panic,
// lose its token, or use a token that cannot be sent in a header.
func FuzzTokenAnswer(f *testing.F) {
	for _, seed := range []struct {
		status     int
		retryAfter string
		body       string
	}{
		{200, "", `{"access_token":"a","token_type":"Bearer","expires_in":3600,"scope":"x","refresh_token":"r"}`},
		{200, "", `{"access_token":"a"}`}, {200, "", `{"access_token":"a","expires_in":1e400}`}, {200, "", "<html>"},
		{400, "", `{"error":"invalid_grant","error_description":"Refresh token revoked"}`}, {400, "", `{"error":{"status":400}}`},
		{429, "19056", "Too many requests"}, {429, "-1", ""}, {503, "Wed, 21 Oct 2015 07:28:00 GMT", ""}, {301, "", ""}, {204, "", ""},
	} {
		f.Add(seed.status, seed.retryAfter, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, status int, retryAfter string, body []byte) {
		if status < 100 || status > 999 {
			return
		}
		s := withToken(t, &spotipie.Options{Transport: answer(func(req *http.Request) (*http.Response, error) {
			header := http.Header{"Retry-After": {retryAfter}}
			return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Request: req}, nil
		})})
		old := s.CurrentToken()
		tok, err := s.RefreshToken(t.Context())
		if (tok == nil) == (err == nil) {
			t.Fatalf("token %v with error %v", tok, err)
		}
		if err != nil && s.CurrentToken().AccessToken() != old.AccessToken() {
			t.Fatal("the old token is lost")
		}
		if s.CurrentToken().RefreshToken() == "" {
			t.Fatal("the refresh token is lost")
		}
		for _, c := range s.CurrentToken().AccessToken() {
			if c <= ' ' || c > '~' {
				t.Fatalf("the access token has the character %q", c)
			}
		}
	})
}
