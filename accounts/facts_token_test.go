package accounts_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie/accounts"
)

func tokenRequestFacts() []fact {
	return []fact{
		{"the body is a form", approving(nil), refusal("unsupported_grant_type", "grant_type parameter is missing", func(w *world) answer {
			return w.raw("application/json", `{"grant_type":"client_credentials"}`)
		})},
		{"authorization_code: Basic", approving(nil), func(t *testing.T, w *world) { w.exchange(w.code()).tokens(t) }},
		{"authorization_code: redirect_uri equals that of the request", approving(nil), refusal("invalid_grant", "Invalid redirect URI", func(w *world) answer {
			return w.token("grant_type", "authorization_code", "code", w.code(), "redirect_uri", "https://x.example/")
		})},
		{"authorization_code with PKCE: client_id in the body and no secret", approving(nil), func(t *testing.T, w *world) { w.publicLogin() }},
		{"refresh_token, code flow: Basic is required", approving(nil), func(t *testing.T, w *world) {
			token := w.login("").RefreshToken
			w.refresh(token).tokens(t)
			w.publicToken("grant_type", "refresh_token", "client_id", clientID, "refresh_token", token).expect(t, 400, `{"error":"invalid_client"}`)
		}},
		{"refresh_token, PKCE: client_id in the body and no secret", approving(nil), func(t *testing.T, w *world) {
			w.publicRefresh(w.publicLogin().RefreshToken).tokens(t)
		}},
		{"client_credentials: Basic is required", approving(nil), func(t *testing.T, w *world) {
			w.appToken()
			w.publicToken("grant_type", "client_credentials", "client_id", clientID).expect(t, 400, `{"error":"invalid_client"}`)
		}},
		{"id and secret in the body work too", approving(nil), func(t *testing.T, w *world) {
			credentials := []string{"client_id", clientID, "client_secret", clientSecret}
			token := w.publicToken(append(credentials, "grant_type", "authorization_code", "code", w.code(), "redirect_uri", redirectURI)...).tokens(t)
			w.publicToken(append(credentials, "grant_type", "refresh_token", "refresh_token", token.RefreshToken)...).tokens(t)
			w.publicToken(append(credentials, "grant_type", "client_credentials")...).tokens(t)
		}},
	}
}

func tokenResponseFacts() []fact {
	return []fact{
		{"access_token begins with BQ", approving(nil), func(t *testing.T, w *world) {
			if !strings.HasPrefix(w.login("").AccessToken, "BQ") {
				t.Error("it does not")
			}
		}},
		{"token_type is Bearer", approving(nil), func(t *testing.T, w *world) {
			if got := w.login("").TokenType; got != "Bearer" {
				t.Errorf("%q", got)
			}
		}},
		{"expires_in is 3600", approving(nil), func(t *testing.T, w *world) {
			if got := w.login("").ExpiresIn; got != 3600 {
				t.Errorf("%d", got)
			}
		}},
		{"scope with a user's token", approving(nil), func(t *testing.T, w *world) {
			token := w.login("user-read-email")
			if renewed := w.refresh(token.RefreshToken).tokens(t); *token.Scope != "user-read-email" || *renewed.Scope != "user-read-email" {
				t.Errorf("%q, renewed %q", *token.Scope, *renewed.Scope)
			}
		}},
		{"refresh_token with a code, and none with client_credentials", approving(nil), func(t *testing.T, w *world) {
			own := w.token("grant_type", "client_credentials").tokens(t)
			if w.login("").RefreshToken == "" || w.publicLogin().RefreshToken == "" || own.RefreshToken != "" {
				t.Error("there is one refresh token too many or too few")
			}
		}},
		{"refresh, code flow: no new refresh_token", approving(nil), func(t *testing.T, w *world) {
			token := w.login("").RefreshToken
			for range 2 {
				if w.refresh(token).tokens(t).RefreshToken != "" {
					t.Error("there is one")
				}
			}
		}},
		{"refresh, code flow, before mid 2026: none either", approving(func(o *accounts.Options) { o.RotateRefreshTokens = true }), func(t *testing.T, w *world) {
			if w.refresh(w.login("").RefreshToken).tokens(t).RefreshToken != "" {
				t.Error("there is one")
			}
		}},
		{"refresh, PKCE, until mid 2026: a new one each time, and the old dies", approving(func(o *accounts.Options) { o.RotateRefreshTokens = true }), func(t *testing.T, w *world) {
			first := w.publicLogin().RefreshToken
			second := w.publicRefresh(first).tokens(t).RefreshToken
			if second == "" || second == first {
				t.Fatal("there is no new one")
			}
			w.publicRefresh(first).expect(t, 400, bodyRevoked)
		}},
		{"refresh, PKCE, since mid 2026: no new one, and the old stays", approving(nil), func(t *testing.T, w *world) {
			token := w.publicLogin().RefreshToken
			for range 3 {
				if w.publicRefresh(token).tokens(t).RefreshToken != "" {
					t.Error("there is one")
				}
				w.Advance(30 * 24 * time.Hour)
			}
		}},
		{"headers", approving(nil), func(t *testing.T, w *world) {
			a := w.token("grant_type", "client_credentials")
			a.expect(t, 200, a.body, "Content-Type", "application/json;charset=UTF-8", "Cache-Control", "no-store", "Pragma", "no-cache")
		}},
	}
}

// raw posts a body of any type with Basic credentials.
func (w *world) raw(contentType, body string) answer {
	w.t.Helper()
	r := httptest.NewRequest("POST", "/api/token", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	r.SetBasicAuth(clientID, clientSecret)
	return w.do(r)
}

// basic sends a token request with the given Basic credentials.
func (w *world) basic(id, secret string, pairs ...string) answer {
	w.t.Helper()
	r := tokenRequest(values(pairs...))
	r.SetBasicAuth(id, secret)
	return w.do(r)
}

func tokenErrorFacts() []fact {
	const grant = "grant_type"
	return []fact{
		{"unknown client id", approving(nil), refusal("invalid_client", "Invalid client", func(w *world) answer {
			return w.basic("unknown", "x", grant, "client_credentials")
		})},
		{"wrong secret", approving(nil), refusal("invalid_client", "Invalid client secret", func(w *world) answer {
			return w.basic(clientID, "x", grant, "client_credentials")
		})},
		{"no credentials", approving(nil), refusal("invalid_client", "", func(w *world) answer { return w.publicToken(grant, "client_credentials") })},
		{"empty credentials", approving(nil), refusal("invalid_client", "", func(w *world) answer { return w.basic("", "", grant, "client_credentials") })},
		{"broken Basic", approving(nil), refusal("invalid_client", "", func(w *world) answer {
			r := tokenRequest(values(grant, "client_credentials"))
			r.Header.Set("Authorization", "Basic ???")
			return w.do(r)
		})},
		{"PKCE exchange with an empty client_id", approving(nil), refusal("invalid_client", "", func(w *world) answer {
			return w.publicToken(grant, "authorization_code", "client_id", "", "code", w.code(), "redirect_uri", redirectURI, "code_verifier", verifier)
		})},
		{"grant_type missing", approving(nil), refusal("unsupported_grant_type", "grant_type parameter is missing", func(w *world) answer { return w.token() })},
		{"JSON under a form's content type", approving(nil), refusal("unsupported_grant_type", "grant_type parameter is missing", func(w *world) answer {
			return w.raw("application/x-www-form-urlencoded", `{"grant_type":"client_credentials"}`)
		})},
		{"unknown grant_type, 2024", approving(nil), refusal("unsupported_grant_type", "grant_type password is not supported", func(w *world) answer { return w.token(grant, "password") })},
		{"grant_type with a space after it", approving(nil), refusal("unsupported_grant_type", "grant_type refresh_token  is not supported", func(w *world) answer { return w.token(grant, "refresh_token ") })},
		{"unknown grant_type, 2017", approving(legacy), refusal("unsupported_grant_type", "grant_type must be client_credentials, authorization_code or refresh_token", func(w *world) answer { return w.token(grant, "password") })},
		{"JSON, 2016", approving(legacy), func(t *testing.T, w *world) {
			w.raw("application/json", "{}").expect(t, 415, `{"error":"server_error","error_description":"Unexpected status: 415"}`)
		}},
		{"code missing or empty", approving(nil), func(t *testing.T, w *world) {
			for _, pairs := range [][]string{nil, {"code", ""}} {
				refusal("invalid_request", "code must be supplied", func(w *world) answer {
					return w.token(append(pairs, grant, "authorization_code", "redirect_uri", redirectURI)...)
				})(t, w)
			}
		}},
		{"code unknown", approving(nil), refusal("invalid_grant", "Invalid authorization code", func(w *world) answer { return w.exchange("AQunknown") })},
		{"code already used", approving(nil), refusal("invalid_grant", "Invalid authorization code", func(w *world) answer { return w.exchange(w.spentCode()) })},
		{"code too old", approving(nil), refusal("invalid_grant", "Authorization code expired", func(w *world) answer {
			code := w.code()
			w.Advance(10 * time.Minute)
			return w.exchange(code)
		})},
		{"redirect_uri differs, double encoded", approving(nil), refusal("invalid_grant", "Invalid redirect URI", func(w *world) answer {
			return w.token(grant, "authorization_code", "code", w.code(), "redirect_uri", "https%3A%2F%2Fapp.example%2Fcallback")
		})},
		{"verifier wrong", approving(nil), refusal("invalid_grant", "code_verifier was incorrect", func(w *world) answer {
			return w.exchange(w.code("code_challenge", challenge, "code_challenge_method", "S256"), "code_verifier", strings.Repeat("a", 43))
		})},
		{"refresh token garbage", approving(nil), refusal("invalid_grant", "Invalid refresh token", func(w *world) answer { return w.refresh("AQgarbage") })},
		{"refresh token of another client", approving(nil), refusal("invalid_grant", "Invalid refresh token", func(w *world) answer {
			return w.basic(otherID, otherSecret, grant, "refresh_token", "refresh_token", w.login("").RefreshToken)
		})},
		{"refresh token revoked", approving(nil), refusal("invalid_grant", "Refresh token revoked", func(w *world) answer {
			token := w.login("").RefreshToken
			w.RevokeUser(clientID, "ada")
			return w.refresh(token)
		})},
		{"refresh token past six months", approving(nil), refusal("invalid_grant", "Refresh token expired", func(w *world) answer {
			token := w.login("").RefreshToken
			w.ExpireRefreshTokensOf("ada")
			return w.refresh(token)
		})},
		{"outage: falsely revoked, and well afterwards", approving(nil), func(t *testing.T, w *world) {
			token := w.login("").RefreshToken
			w.queue(accounts.Fault{Kind: accounts.FaultRevoked})
			w.refresh(token).expect(t, 400, bodyRevoked)
			w.refresh(token).tokens(t)
		}},
		{"the client before the code, the code before redirect_uri and verifier", approving(nil), func(t *testing.T, w *world) {
			w.publicToken(grant, "authorization_code", "code", "AQx").expect(t, 400, `{"error":"invalid_client"}`)
			w.exchange("AQx", "code_verifier", "x").expect(t, 400, `{"error":"invalid_grant","error_description":"Invalid authorization code"}`)
		}},
	}
}
