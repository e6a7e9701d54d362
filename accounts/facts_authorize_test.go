package accounts_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie/accounts"
)

func authorizeRequestFacts() []fact {
	granted := func(pairs ...string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) { w.code(pairs...) }
	}
	asked := func(t *testing.T, w *world, v *visitor, pairs ...string) bool {
		a := v.send(v.request("GET", "/authorize?"+authorizeQuery(pairs...).Encode(), ""))
		return a.status == 200 && strings.Contains(a.body, "<form")
	}
	return []fact{
		{"client_id is required", approving(nil), page("INVALID_CLIENT: Invalid client", "client_id", "-")},
		{"response_type is code", approving(nil), granted("response_type", "code")},
		{"response_type was token too", approving(legacy), func(t *testing.T, w *world) {
			if got := w.authorize("response_type", "token").location(t).Fragment; !strings.Contains(got, "access_token=") {
				t.Error("no token")
			}
		}},
		{"redirect_uri equals a registered one: case", approving(nil), page("redirect_uri: Not matching configuration", "redirect_uri", "https://app.example/Callback")},
		{"redirect_uri equals a registered one: slash at the end", approving(nil), page("redirect_uri: Not matching configuration", "redirect_uri", redirectURI+"/")},
		{"state is optional", approving(nil), granted("state", "-")},
		{"state is echoed", approving(nil), func(t *testing.T, w *world) {
			if got := w.authorize("state", "a b").location(t).Query().Get("state"); got != "a b" {
				t.Errorf("state %q", got)
			}
		}},
		{"scope is separated by spaces", approving(nil), func(t *testing.T, w *world) {
			if got := *w.login("user-read-email user-library-read").Scope; got != "user-library-read user-read-email" {
				t.Errorf("scope %q", got)
			}
		}},
		{"no scope is public information alone", approving(nil), func(t *testing.T, w *world) {
			token := w.login("").AccessToken
			if me := w.get("/v1/me", token).object(t); me["email"] != nil || me["id"] != "ada" {
				t.Errorf("profile %v", me)
			}
			if got := w.get("/v1/me/tracks", token).status; got != 403 {
				t.Errorf("saved tracks: %d", got)
			}
		}},
		{"show_dialog=false: who agreed may be redirected, true: is asked again", accounts.Options{}, func(t *testing.T, w *world) {
			server := httptest.NewServer(w)
			t.Cleanup(server.Close)
			v := newVisitor(t, server)
			v.submit(values("form_token", formToken(t, v.open()), "user", "ada", "decision", "agree")).location(t)
			if asked(t, w, v) || asked(t, w, v, "show_dialog", "false") || !asked(t, w, v, "show_dialog", "true") {
				t.Error("the consent page does not follow show_dialog")
			}
		}},
		{"code_challenge is that of S256, without padding", approving(nil), func(t *testing.T, w *world) { w.publicLogin() }},
		{"code_challenge with padding breaks the exchange", approving(nil), refusal("invalid_grant", "code_verifier was incorrect", func(w *world) answer {
			return w.exchange(w.code("code_challenge", challenge+"=", "code_challenge_method", "S256"), "code_verifier", verifier)
		})},
		{"code_verifier has 43 to 128 characters", approving(nil), func(t *testing.T, w *world) {
			code := w.code("code_challenge", challenge, "code_challenge_method", "S256")
			for _, length := range []int{42, 129} {
				if a := w.exchange(code, "code_verifier", strings.Repeat("a", length)); a.status != 400 {
					t.Errorf("%d characters: %d", length, a.status)
				}
			}
			w.exchange(code, "code_verifier", verifier).tokens(t)
		}},
		{"an app with a secret need not use PKCE", approving(nil), func(t *testing.T, w *world) { w.login("") }},
	}
}

func redirectBackFacts() []fact {
	return []fact{
		{"granted: code and state in the query", approving(nil), func(t *testing.T, w *world) {
			u := w.authorize().location(t)
			if query := u.Query(); !strings.HasPrefix(query.Get("code"), "AQ") || query.Get("state") != "xyz" || len(query) != 2 || u.Fragment != "" {
				t.Errorf("%d parameters", len(query))
			}
		}},
		{"granted: no state when none was sent", approving(nil), func(t *testing.T, w *world) {
			if w.authorize("state", "-").location(t).Query().Has("state") {
				t.Error("there is a state")
			}
		}},
		{"denied: access_denied and state in the query", approving(nil), func(t *testing.T, w *world) {
			w.DenyNext(1)
			if got := w.authorize().header.Get("Location"); got != redirectURI+"?error=access_denied&state=xyz" {
				t.Errorf("Location %s", got)
			}
		}},
		{"implicit, granted: in the fragment", approving(legacy), func(t *testing.T, w *world) {
			u := w.authorize("response_type", "token").location(t)
			for _, want := range []string{"access_token=BQ", "token_type=Bearer", "expires_in=3600", "state=xyz"} {
				if !strings.Contains(u.Fragment, want) {
					t.Errorf("no %s", want)
				}
			}
			if strings.Contains(u.Fragment, "refresh_token") || len(u.Query()) != 0 {
				t.Error("there is more than there should be")
			}
		}},
		{"bad client, redirect, scope or response_type: not redirected", approving(nil), func(t *testing.T, w *world) {
			for _, pairs := range [][]string{{"client_id", "x"}, {"redirect_uri", "https://x.example"}, {"scope", "x"}, {"response_type", "x"}} {
				if a := w.authorize(pairs...); a.status != 400 || a.header.Get("Location") != "" {
					t.Errorf("%v: %d", pairs, a.status)
				}
			}
		}},
	}
}

func authorizeErrorFacts() []fact {
	return []fact{
		{"unknown client_id", approving(nil), page("INVALID_CLIENT: Invalid client", "client_id", "nobody")},
		{"redirect_uri not registered, until 2025", approving(legacy), page("INVALID_CLIENT: Invalid redirect URI", "redirect_uri", "https://x.example/")},
		{"redirect_uri not registered, since 2025", approving(nil), page("redirect_uri: Not matching configuration", "redirect_uri", "https://x.example/")},
		{"http or localhost", approving(nil), func(t *testing.T, w *world) {
			for _, uri := range []string{"http://localhost:8080/callback", "http://app.example/callback"} {
				page("INVALID_CLIENT: Insecure redirect URI", "redirect_uri", uri)(t, w)
			}
		}},
		{"malformed redirect_uri", approving(nil), page("Illegal redirect_uri", "redirect_uri", `"`+redirectURI+`"`)},
		{"response_type wrong or missing", approving(nil), func(t *testing.T, w *world) {
			page("response_type must be code or token", "response_type", "x")(t, w)
			page("response_type must be code or token", "response_type", "-")(t, w)
		}},
		{"unknown scope, older text", approving(legacy), page("INVALID_SCOPE: Invalid scope", "scope", "x")},
		{"unknown scope, 2023", approving(nil), page("Illegal scope", "scope", "x")},
		{"response_type=token fails now", approving(nil), func(t *testing.T, w *world) {
			if a := w.authorize("response_type", "token"); a.status != 400 || a.header.Get("Location") != "" {
				t.Errorf("%d", a.status)
			}
		}},
		// In 2018 this was a 500 after the user had agreed: a mistake of that time.
		{"redirect_uri differs by a slash: no code", approving(nil), page("redirect_uri: Not matching configuration", "redirect_uri", redirectURI+"/")},
	}
}

func redirectURIFacts() []fact {
	allowed := func(registered string, requested ...string) fact {
		return fact{registered, approving(app(registered)), func(t *testing.T, w *world) {
			for _, uri := range requested {
				w.code("redirect_uri", uri)
			}
		}}
	}
	refused := func(row, registered, text string, requested ...string) fact {
		return fact{row, approving(app(registered)), func(t *testing.T, w *world) {
			for _, uri := range requested {
				page(text, "redirect_uri", uri)(t, w)
			}
		}}
	}
	const mismatch, insecure = "redirect_uri: Not matching configuration", "INVALID_CLIENT: Insecure redirect URI"
	return []fact{
		refused("exact match", "https://app.example/cb", mismatch, "https://app.example/CB", "https://app.example/cb/", "https://app.example/cb?", "https://App.example/cb"),
		allowed("https://app.example/cb", "https://app.example/cb"),
		allowed("http://127.0.0.1:8000/cb", "http://127.0.0.1:8000/cb"),
		allowed("http://[::1]:8000/cb", "http://[::1]:8000/cb"),
		refused("http is for loopback alone", "http://app.example/cb", insecure, "http://app.example/cb"),
		refused("localhost is refused", "http://localhost:8000/cb", insecure, "http://localhost:8000/cb"),
		refused("localhost by https is refused", "https://localhost/cb", insecure, "https://localhost/cb"),
		allowed("http://127.0.0.1/cb", "http://127.0.0.1/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb"),
		allowed("http://[::1]/cb", "http://[::1]:49152/cb"),
		refused("a registered port is that port", "http://127.0.0.1:8000/cb", mismatch, "http://127.0.0.1:8001/cb", "http://127.0.0.1/cb"),
		refused("any port is for loopback alone", "https://app.example/cb", mismatch, "https://app.example:8443/cb"),
		refused("any port, the same path", "http://127.0.0.1/cb", mismatch, "http://127.0.0.1:8000/other"),
		allowed("com.example.app:cb", "com.example.app:cb"),
		allowed("my-app://callback", "my-app://callback"),
		{"the token request repeats it, port included", approving(app("http://127.0.0.1/cb")), func(t *testing.T, w *world) {
			code := w.code("redirect_uri", "http://127.0.0.1:8000/cb")
			for _, uri := range []string{"http://127.0.0.1/cb", "http://127.0.0.1:8001/cb"} {
				w.token("grant_type", "authorization_code", "code", code, "redirect_uri", uri).
					expect(t, 400, `{"error":"invalid_grant","error_description":"Invalid redirect URI"}`)
			}
			w.token("grant_type", "authorization_code", "code", code, "redirect_uri", "http://127.0.0.1:8000/cb").tokens(t)
		}},
	}
}

func lifetimeFacts() []fact {
	return []fact{
		{"an access token lives for an hour", approving(nil), func(t *testing.T, w *world) {
			token := w.login("").AccessToken
			w.Advance(time.Hour - time.Second)
			w.get("/v1/me", token).object(t)
			w.Advance(time.Second)
			if got := w.get("/v1/me", token).status; got != 401 {
				t.Errorf("%d", got)
			}
		}},
		{"a code works once", approving(nil), refusal("invalid_grant", "Invalid authorization code", func(w *world) answer { return w.exchange(w.spentCode()) })},
		{"a refresh token lives for six months from the consent, however often it is used", approving(nil), func(t *testing.T, w *world) {
			token := w.login("").RefreshToken
			end := aMoment().AddDate(0, 6, 0)
			for _, left := range []time.Duration{100 * 24 * time.Hour, time.Second} {
				w.Advance(end.Sub(w.Now()) - left)
				w.refresh(token).tokens(t)
			}
			w.Advance(time.Second)
			w.refresh(token).expect(t, 400, bodyExpired)
			w.refresh(w.login("").RefreshToken).tokens(t) // a new login gives another six months
		}},
		{"client credentials are not affected", approving(nil), func(t *testing.T, w *world) {
			w.Advance(200 * 24 * time.Hour)
			w.appToken()
		}},
		{"a user who removes the app ends every authorization", approving(nil), func(t *testing.T, w *world) {
			first, second := w.login("").RefreshToken, w.login("").RefreshToken
			w.RevokeUser(clientID, "ada")
			for _, token := range []string{first, second} {
				w.refresh(token).expect(t, 400, bodyRevoked)
			}
		}},
	}
}
