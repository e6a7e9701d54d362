package accounts_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie/accounts"
)

// Every error answer of /api/token that was observed, word for word.
func TestTokenErrors(t *testing.T) {
	basic := func(id, secret string, pairs ...string) func(*world) answer {
		return func(w *world) answer {
			r := tokenRequest(values(pairs...))
			r.SetBasicAuth(id, secret)
			return w.do(r)
		}
	}
	body := func(pairs ...string) func(*world) answer {
		return func(w *world) answer { return w.publicToken(pairs...) }
	}
	good := func(pairs ...string) func(*world) answer { return basic(clientID, clientSecret, pairs...) }
	raw := func(contentType, text string) func(*world) answer {
		return func(w *world) answer {
			r := httptest.NewRequest("POST", "/api/token", strings.NewReader(text))
			r.Header.Set("Content-Type", contentType)
			r.SetBasicAuth(clientID, clientSecret)
			return w.do(r)
		}
	}
	header := func(authorization string) func(*world) answer {
		return func(w *world) answer {
			r := tokenRequest(values("grant_type", "client_credentials"))
			r.Header.Set("Authorization", authorization)
			return w.do(r)
		}
	}

	tests := []struct {
		name   string
		opts   accounts.Options
		ask    func(*world) answer
		status int
		want   string
	}{
		{name: "unknown client id", ask: basic("deadbeef", "x", "grant_type", "client_credentials"),
			want: `{"error":"invalid_client","error_description":"Invalid client"}`},
		{name: "unknown client id in the body", ask: body("grant_type", "refresh_token", "client_id", "no\x00body", "refresh_token", "x"),
			want: `{"error":"invalid_client","error_description":"Invalid client"}`},
		{name: "wrong secret", ask: basic(clientID, otherSecret, "grant_type", "client_credentials"),
			want: `{"error":"invalid_client","error_description":"Invalid client secret"}`},
		{name: "wrong secret in the body", ask: body("grant_type", "client_credentials", "client_id", clientID, "client_secret", "x"),
			want: `{"error":"invalid_client","error_description":"Invalid client secret"}`},
		{name: "a secret for a public app", ask: basic(publicID, "x", "grant_type", "client_credentials"),
			want: `{"error":"invalid_client","error_description":"Invalid client secret"}`},
		{name: "no credentials", ask: body("grant_type", "client_credentials"), want: `{"error":"invalid_client"}`},
		{name: "empty credentials", ask: basic("", "", "grant_type", "client_credentials"), want: `{"error":"invalid_client"}`},
		{name: "empty secret in Basic", ask: basic(clientID, "", "grant_type", "client_credentials"), want: `{"error":"invalid_client"}`},
		{name: "broken Basic", ask: header("Basic %%%"), want: `{"error":"invalid_client"}`},
		{name: "another scheme", ask: header("Bearer abc"), want: `{"error":"invalid_client"}`},
		{name: "client credentials without the secret", ask: body("grant_type", "client_credentials", "client_id", clientID),
			want: `{"error":"invalid_client"}`},
		{name: "Basic and body disagree", ask: good("grant_type", "client_credentials", "client_id", otherID),
			want: `{"error":"invalid_client","error_description":"Invalid client"}`},
		{name: "PKCE exchange with empty client id",
			ask:  body("grant_type", "authorization_code", "code", "x", "client_id", "", "redirect_uri", redirectURI, "code_verifier", verifier),
			want: `{"error":"invalid_client"}`},
		{name: "grant_type missing", ask: good(), want: `{"error":"unsupported_grant_type","error_description":"grant_type parameter is missing"}`},
		{name: "grant_type missing comes before no credentials", ask: body(),
			want: `{"error":"unsupported_grant_type","error_description":"grant_type parameter is missing"}`},
		{name: "JSON body as a form", ask: raw("application/x-www-form-urlencoded", `{"grant_type":"client_credentials"}`),
			want: `{"error":"unsupported_grant_type","error_description":"grant_type parameter is missing"}`},
		{name: "JSON body as JSON", ask: raw("application/json", `{"grant_type":"client_credentials"}`),
			want: `{"error":"unsupported_grant_type","error_description":"grant_type parameter is missing"}`},
		{name: "JSON body as JSON, 2016", opts: accounts.Options{Legacy: true}, ask: raw("application/json", `{}`), status: 415,
			want: `{"error":"server_error","error_description":"Unexpected status: 415"}`},
		{name: "unknown grant_type", ask: good("grant_type", "password"),
			want: `{"error":"unsupported_grant_type","error_description":"grant_type password is not supported"}`},
		{name: "grant_type with a space after it", ask: good("grant_type", "client_credentials "),
			want: `{"error":"unsupported_grant_type","error_description":"grant_type client_credentials  is not supported"}`},
		{name: "hostile grant_type", ask: good("grant_type", `<b>"&`),
			want: `{"error":"unsupported_grant_type","error_description":"grant_type <b>\"& is not supported"}`},
		{name: "unknown grant_type, 2017", opts: accounts.Options{Legacy: true}, ask: good("grant_type", "password"),
			want: `{"error":"unsupported_grant_type","error_description":"grant_type must be client_credentials, authorization_code or refresh_token"}`},
		{name: "code missing", ask: good("grant_type", "authorization_code", "redirect_uri", redirectURI),
			want: `{"error":"invalid_request","error_description":"code must be supplied"}`},
		{name: "code empty", ask: good("grant_type", "authorization_code", "code", "", "redirect_uri", redirectURI),
			want: `{"error":"invalid_request","error_description":"code must be supplied"}`},
		{name: "code unknown", ask: good("grant_type", "authorization_code", "code", "AQfake", "redirect_uri", redirectURI),
			want: `{"error":"invalid_grant","error_description":"Invalid authorization code"}`},
		{name: "code unknown comes before the verifier and the redirect",
			ask:  body("grant_type", "authorization_code", "client_id", publicID, "code", "AQfake", "redirect_uri", "x", "code_verifier", "x"),
			want: `{"error":"invalid_grant","error_description":"Invalid authorization code"}`},
		{name: "client comes before the code", ask: func(w *world) answer {
			return w.publicToken("grant_type", "authorization_code", "code", w.code(), "redirect_uri", redirectURI, "client_id", "")
		}, want: `{"error":"invalid_client"}`},
		{name: "code already used", ask: func(w *world) answer {
			code := w.code()
			w.token("grant_type", "authorization_code", "code", code, "redirect_uri", redirectURI).tokens(w.t)
			return w.token("grant_type", "authorization_code", "code", code, "redirect_uri", redirectURI)
		}, want: `{"error":"invalid_grant","error_description":"Invalid authorization code"}`},
		{name: "code of another client", ask: func(w *world) answer {
			return w.token("grant_type", "authorization_code", "code", w.code("client_id", otherID), "redirect_uri", redirectURI)
		}, want: `{"error":"invalid_grant","error_description":"Invalid authorization code"}`},
		{name: "code without challenge and without secret", ask: func(w *world) answer {
			return w.publicToken("grant_type", "authorization_code", "client_id", clientID, "code", w.code(), "redirect_uri", redirectURI)
		}, want: `{"error":"invalid_client"}`},
		{name: "code too old", ask: func(w *world) answer {
			code := w.code()
			w.Advance(10 * time.Minute)
			return w.token("grant_type", "authorization_code", "code", code, "redirect_uri", redirectURI)
		}, want: `{"error":"invalid_grant","error_description":"Authorization code expired"}`},
		{name: "code used and too old", ask: func(w *world) answer {
			code := w.code()
			w.token("grant_type", "authorization_code", "code", code, "redirect_uri", redirectURI).tokens(w.t)
			w.Advance(10 * time.Minute)
			return w.token("grant_type", "authorization_code", "code", code, "redirect_uri", redirectURI)
		}, want: `{"error":"invalid_grant","error_description":"Authorization code expired"}`},
		{name: "redirect_uri differs", ask: func(w *world) answer {
			return w.token("grant_type", "authorization_code", "code", w.code(), "redirect_uri", redirectURI+"/")
		}, want: `{"error":"invalid_grant","error_description":"Invalid redirect URI"}`},
		{name: "redirect_uri with another dynamic port", ask: func(w *world) answer {
			code := w.code("redirect_uri", "http://127.0.0.1:4321/callback")
			return w.token("grant_type", "authorization_code", "code", code, "redirect_uri", "http://127.0.0.1/callback")
		}, want: `{"error":"invalid_grant","error_description":"Invalid redirect URI"}`},
		{name: "redirect_uri missing (assumed)", ask: func(w *world) answer {
			return w.token("grant_type", "authorization_code", "code", w.code())
		}, want: `{"error":"invalid_request","error_description":"redirect_uri must be supplied"}`},
		{name: "refresh token missing", ask: good("grant_type", "refresh_token"),
			want: `{"error":"invalid_request","error_description":"refresh_token must be supplied"}`},
		{name: "refresh token garbage", ask: good("grant_type", "refresh_token", "refresh_token", "AQgarbage"),
			want: `{"error":"invalid_grant","error_description":"Invalid refresh token"}`},
		{name: "refresh token of another client", ask: func(w *world) answer {
			return basic(otherID, otherSecret, "grant_type", "refresh_token", "refresh_token", w.login("").RefreshToken)(w)
		}, want: `{"error":"invalid_grant","error_description":"Invalid refresh token"}`},
		{name: "refresh of a secret's token without the secret", ask: func(w *world) answer {
			return w.publicToken("grant_type", "refresh_token", "client_id", clientID, "refresh_token", w.login("").RefreshToken)
		}, want: `{"error":"invalid_client"}`},
		{name: "refresh token revoked", ask: func(w *world) answer {
			token := w.login("").RefreshToken
			w.RevokeUser(clientID, "ada")
			return w.token("grant_type", "refresh_token", "refresh_token", token)
		}, want: `{"error":"invalid_grant","error_description":"Refresh token revoked"}`},
		{name: "refresh token past six months", ask: func(w *world) answer {
			token := w.login("").RefreshToken
			w.Advance(185 * 24 * time.Hour)
			return w.token("grant_type", "refresh_token", "refresh_token", token)
		}, want: `{"error":"invalid_grant","error_description":"Refresh token expired"}`},
		{name: "refresh with a wider scope (assumed)", ask: func(w *world) answer {
			return w.token("grant_type", "refresh_token", "refresh_token", w.login("").RefreshToken, "scope", "streaming")
		}, want: `{"error":"invalid_scope","error_description":"Invalid scope"}`},
		{name: "parameter twice (assumed)", ask: good("grant_type", "client_credentials", "grant_type", "client_credentials"),
			want: `{"error":"invalid_request","error_description":"grant_type must not be repeated"}`},
		{name: "malformed body (assumed)", ask: raw("application/x-www-form-urlencoded", "grant_type=client_credentials&x=%zz"),
			want: `{"error":"invalid_request","error_description":"Malformed request body"}`},
		{name: "body too large", ask: raw("application/x-www-form-urlencoded", "x="+strings.Repeat("y", 1<<20)), status: 413,
			want: `{"error":"invalid_request","error_description":"Request body too large"}`},
		{name: "parameters in the URL do not count (assumed)", ask: func(w *world) answer {
			r := tokenRequest(nil)
			r.URL.RawQuery = "grant_type=client_credentials"
			r.SetBasicAuth(clientID, clientSecret)
			return w.do(r)
		}, want: `{"error":"unsupported_grant_type","error_description":"grant_type parameter is missing"}`},
		{name: "outage: reported revoked", ask: func(w *world) answer {
			w.queue(accounts.Fault{Kind: accounts.FaultRevoked})
			return w.token("grant_type", "refresh_token", "refresh_token", w.login("").RefreshToken)
		}, want: `{"error":"invalid_grant","error_description":"Refresh token revoked"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.opts.AutoApprove = true
			w := newWorld(t, test.opts)
			if test.status == 0 {
				test.status = http.StatusBadRequest
			}
			test.ask(w).expect(t, test.status, test.want,
				"Content-Type", "application/json;charset=UTF-8",
				"Cache-Control", "no-store",
				"Pragma", "no-cache",
				"WWW-Authenticate", "")
			if w.Stats().Rejected != 1 {
				t.Errorf("counted %d rejected requests, want 1", w.Stats().Rejected)
			}
		})
	}
}

func TestTokenMethods(t *testing.T) {
	w := newWorld(t, accounts.Options{})
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"} {
		a := w.do(httptest.NewRequest(method, "/api/token", nil))
		if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST" {
			t.Errorf("%s: %d, Allow %q", method, a.status, a.header.Get("Allow"))
		}
	}
}
