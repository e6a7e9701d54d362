package accounts_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/accounts"
)

// Every error page of /authorize that was observed, word for word: plain text, status
// 400, no redirect.
func TestAuthorizeErrorPages(t *testing.T) {
	today, legacy := accounts.Options{AutoApprove: true}, accounts.Options{AutoApprove: true, Legacy: true}
	tests := []struct {
		name  string
		opts  accounts.Options
		pairs []string
		want  string
	}{
		{"unknown client_id", today, []string{"client_id", "nobody"}, "INVALID_CLIENT: Invalid client"},
		{"no client_id", today, []string{"client_id", "-"}, "INVALID_CLIENT: Invalid client"},
		{"redirect_uri not registered", today, []string{"redirect_uri", "https://evil.example/"}, "redirect_uri: Not matching configuration"},
		{"redirect_uri not registered, old", legacy, []string{"redirect_uri", "https://evil.example/"}, "INVALID_CLIENT: Invalid redirect URI"},
		{"no redirect_uri", today, []string{"redirect_uri", "-"}, "redirect_uri: Not matching configuration"},
		{"unregistered localhost", today, []string{"redirect_uri", "http://localhost:1/callback"}, "redirect_uri: Not matching configuration"},
		{"registered localhost", today, []string{"redirect_uri", "http://localhost:8080/callback"}, "INVALID_CLIENT: Insecure redirect URI"},
		{"registered http", today, []string{"redirect_uri", "http://app.example/callback"}, "INVALID_CLIENT: Insecure redirect URI"},
		{"quotes around redirect_uri", today, []string{"redirect_uri", `"` + redirectURI + `"`}, "Illegal redirect_uri"},
		{"relative redirect_uri", today, []string{"redirect_uri", "/callback"}, "Illegal redirect_uri"},
		{"redirect_uri with a fragment", today, []string{"redirect_uri", redirectURI + "#x"}, "Illegal redirect_uri"},
		{"response_type wrong", today, []string{"response_type", "id_token"}, "response_type must be code or token"},
		{"response_type missing", today, []string{"response_type", "-"}, "response_type must be code or token"},
		{"response_type=token since 2025-11-27 (assumed)", today, []string{"response_type", "token"}, "response_type must be code"},
		{"unknown scope", today, []string{"scope", "user-read-email user-read-birthdate"}, "Illegal scope"},
		{"commas between scopes", today, []string{"scope", "user-read-email,streaming"}, "Illegal scope"},
		{"unknown scope, old", legacy, []string{"scope", "nonsense"}, "INVALID_SCOPE: Invalid scope"},
		{"client before response_type", today, []string{"client_id", "nobody", "response_type", "x"}, "INVALID_CLIENT: Invalid client"},
		{"response_type before redirect_uri", today, []string{"response_type", "x", "redirect_uri", "x"}, "response_type must be code or token"},
		{"redirect_uri before scope", today, []string{"redirect_uri", "https://evil.example/", "scope", "x"}, "redirect_uri: Not matching configuration"},
		{"scope before PKCE", today, []string{"scope", "x", "code_challenge", "x"}, "Illegal scope"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			newWorld(t, test.opts).authorize(test.pairs...).expect(t, http.StatusBadRequest, test.want,
				"Content-Type", "text/plain; charset=utf-8",
				"Location", "",
				"Cache-Control", "no-store",
				"X-Content-Type-Options", "nosniff")
		})
	}
	t.Run("a parameter twice (assumed)", func(t *testing.T) {
		query := authorizeQuery().Encode() + "&redirect_uri=https%3A%2F%2Fevil.example"
		newWorld(t, today).do(httptest.NewRequest("GET", "/authorize?"+query, nil)).
			expect(t, http.StatusBadRequest, "redirect_uri must not be repeated", "Location", "")
	})
	t.Run("malformed query (assumed)", func(t *testing.T) {
		newWorld(t, today).do(httptest.NewRequest("GET", "/authorize?"+authorizeQuery().Encode()+"&x=%25%ZZ", nil)).
			expect(t, http.StatusBadRequest, "Malformed query", "Location", "")
	})
	t.Run("500 page, the trailing-slash bug of 2018", func(t *testing.T) {
		w := newWorld(t, today)
		w.queue(accounts.Fault{Kind: accounts.FaultServerError, Target: accounts.TargetAuthorize, Status: 500})
		w.authorize().expect(t, http.StatusInternalServerError, "Internal Server Error", "Location", "")
	})
}

// The answer that the app gets, and where it is in the callback URL.
func TestRedirectBack(t *testing.T) {
	tests := []struct {
		name  string
		opts  accounts.Options
		deny  bool
		pairs []string
		want  string // CODE and TOKEN stand for random values
	}{
		{name: "granted", want: redirectURI + "?code=CODE&state=xyz"},
		{name: "granted, no state sent", pairs: []string{"state", "-"}, want: redirectURI + "?code=CODE"},
		{name: "granted, empty state sent", pairs: []string{"state", ""}, want: redirectURI + "?code=CODE&state="},
		{name: "granted, hostile state", pairs: []string{"state", "a&code=b#c\r\n"}, want: redirectURI + "?code=CODE&state=a%26code%3Db%23c%0D%0A"},
		{name: "denied", deny: true, want: redirectURI + "?error=access_denied&state=xyz"},
		{name: "denied, no state sent", deny: true, pairs: []string{"state", "-"}, want: redirectURI + "?error=access_denied"},
		{name: "query of the redirect URI kept", pairs: []string{"redirect_uri", "https://q.example/?a=b%20c"}, want: "https://q.example/?a=b%20c&code=CODE&state=xyz"},
		{name: "custom scheme", pairs: []string{"redirect_uri", "com.example.app:callback"}, want: "com.example.app:callback?code=CODE&state=xyz"},
		{name: "implicit granted: in the fragment", opts: accounts.Options{Legacy: true}, pairs: []string{"response_type", "token"},
			want: redirectURI + "#access_token=TOKEN&token_type=Bearer&expires_in=3600&state=xyz"},
		{name: "implicit denied: in the query", opts: accounts.Options{Legacy: true}, deny: true, pairs: []string{"response_type", "token"},
			want: redirectURI + "?error=access_denied&state=xyz"},
		{name: "localhost when it was allowed", opts: accounts.Options{Legacy: true}, pairs: []string{"redirect_uri", "http://localhost:8080/callback"},
			want: "http://localhost:8080/callback?code=CODE&state=xyz"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.opts.AutoApprove = true
			test.opts.Apps = []accounts.App{{ClientID: clientID, ClientSecret: clientSecret, RedirectURIs: []string{
				redirectURI, "https://q.example/?a=b%20c", "com.example.app:callback", "http://localhost:8080/callback",
			}}}
			w := newWorld(t, test.opts)
			if test.deny {
				w.DenyNext(1)
			}
			a := w.authorize(test.pairs...)
			if a.status != http.StatusFound || a.body != "" {
				t.Errorf("status %d, body %q", a.status, a.body)
			}
			got := a.header.Get("Location")
			for _, name := range []string{"code", "access_token"} {
				got = replaceSecret(got, name)
			}
			if got != test.want {
				t.Errorf("Location\n %s\nwant\n %s", got, test.want)
			}
		})
	}
}

// replaceSecret replaces the parameter's random value by CODE or TOKEN.
func replaceSecret(location, name string) string {
	before, after, ok := strings.Cut(location, name+"=")
	if !ok {
		return location
	}
	placeholder, prefix := "CODE", "AQ"
	if name == "access_token" {
		placeholder, prefix = "TOKEN", "BQ"
	}
	if !strings.HasPrefix(after, prefix) || (before[len(before)-1] != '?' && before[len(before)-1] != '&' && before[len(before)-1] != '#') {
		return location
	}
	end := strings.IndexByte(after, '&')
	if end < 0 {
		end = len(after)
	}
	return before + name + "=" + placeholder + after[end:]
}

func TestDenyNextIsUsedUp(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	w.DenyNext(2)
	var got []string
	for range 3 {
		got = append(got, w.authorize().location(t).Query().Get("error"))
	}
	if strings.Join(got, ",") != "access_denied,access_denied," {
		t.Errorf("errors %q", got)
	}
}

func TestAutoApproveAs(t *testing.T) {
	w := newWorld(t, accounts.Options{})
	if err := w.AutoApproveAs("nobody"); err == nil {
		t.Error("an unknown user was accepted")
	}
	if err := w.AutoApproveAs("grace"); err != nil {
		t.Fatal(err)
	}
	if a := w.get("/v1/me", w.login("").AccessToken); !strings.Contains(a.body, `"id":"grace"`) {
		t.Errorf("profile %s", a.body)
	}
	if err := w.AutoApproveAs(""); err != nil {
		t.Fatal(err)
	}
	if a := w.authorize(); a.status != http.StatusOK {
		t.Errorf("status %d, want the page again", a.status)
	}
}

func TestLocaleForms(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	for path, want := range map[string]int{
		"/authorize": 302, "/en/authorize": 302, "/de-CH/authorize": 302,
		"/english/authorize": 404, "/a/b/authorize": 404, "/Authorize": 404, "/authorize/": 404,
	} {
		if a := w.do(httptest.NewRequest("GET", path+"?"+authorizeQuery().Encode(), nil)); a.status != want {
			t.Errorf("%s: %d, want %d", path, a.status, want)
		}
	}
}

func TestAuthorizeMethods(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	for _, method := range []string{"HEAD", "PUT", "DELETE", "OPTIONS"} {
		a := w.do(httptest.NewRequest(method, "/authorize?"+authorizeQuery().Encode(), nil))
		if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "GET, POST" {
			t.Errorf("%s: %d, Allow %q", method, a.status, a.header.Get("Allow"))
		}
	}
}

func TestPKCE(t *testing.T) {
	tests := []struct {
		name          string
		challenge     string
		method        string
		authorizeWant string // error_description of the redirect, if /authorize refuses
		client        string // the client that exchanges the code; "secret" means Basic
		verifier      string // "-" means none
		want          string // "" means a token
	}{
		{name: "S256, public", challenge: challenge, method: "S256", client: publicID, verifier: verifier},
		{name: "S256, registered with a secret but not sent", challenge: challenge, method: "S256", client: clientID, verifier: verifier},
		{name: "S256 and the secret", challenge: challenge, method: "S256", client: "secret", verifier: verifier},
		{name: "verifier wrong", challenge: challenge, method: "S256", client: publicID, verifier: strings.Repeat("a", 43), want: "invalid_grant: code_verifier was incorrect"},
		{name: "verifier wrong, with the secret", challenge: challenge, method: "S256", client: "secret", verifier: strings.Repeat("a", 43), want: "invalid_grant: code_verifier was incorrect"},
		{name: "verifier missing (assumed)", challenge: challenge, method: "S256", client: publicID, verifier: "-", want: "invalid_request: code_verifier must be supplied"},
		{name: "verifier missing, with the secret (assumed)", challenge: challenge, method: "S256", client: "secret", verifier: "-", want: "invalid_request: code_verifier must be supplied"},
		{name: "verifier too short (assumed)", challenge: challenge, method: "S256", client: publicID, verifier: "short", want: "invalid_request: Invalid code_verifier"},
		{name: "verifier too long (assumed)", challenge: challenge, method: "S256", client: publicID, verifier: strings.Repeat("a", 129), want: "invalid_request: Invalid code_verifier"},
		{name: "verifier with other characters (assumed)", challenge: challenge, method: "S256", client: publicID, verifier: strings.Repeat("é", 43), want: "invalid_request: Invalid code_verifier"},
		{name: "padded challenge breaks the exchange", challenge: challenge + "=", method: "S256", client: publicID, verifier: verifier, want: "invalid_grant: code_verifier was incorrect"},
		{name: "verifier without a challenge (RFC 9700)", client: "secret", verifier: verifier, want: "invalid_grant: code_verifier was incorrect"},
		{name: "plain refused (assumed)", challenge: verifier, method: "plain", authorizeWant: "transform algorithm not supported"},
		{name: "no method is plain (RFC 7636)", challenge: verifier, method: "-", authorizeWant: "transform algorithm not supported"},
		{name: "unknown method", challenge: challenge, method: "s256", authorizeWant: "transform algorithm not supported"},
		{name: "challenge of a bad shape", challenge: "tooshort", method: "S256", authorizeWant: "invalid code challenge"},
		{name: "method without challenge", method: "S256", authorizeWant: "code challenge required"},
		{name: "public app without a challenge", client: publicID, authorizeWant: "code challenge required"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, accounts.Options{AutoApprove: true})
			app := clientID
			if test.client == publicID {
				app = publicID
			}
			pairs := []string{"client_id", app}
			if test.challenge != "" {
				pairs = append(pairs, "code_challenge", test.challenge)
			}
			if test.method != "" {
				pairs = append(pairs, "code_challenge_method", test.method)
			}
			back := w.authorize(pairs...).location(t).Query()
			if test.authorizeWant != "" {
				want := url.Values{"error": {"invalid_request"}, "error_description": {test.authorizeWant}, "state": {"xyz"}}
				if back.Encode() != want.Encode() {
					t.Errorf("redirected with %s", back.Encode())
				}
				return
			}
			form := []string{"grant_type", "authorization_code", "code", back.Get("code"), "redirect_uri", redirectURI}
			if test.verifier != "-" {
				form = append(form, "code_verifier", test.verifier)
			}
			ask := w.token
			if test.client != "secret" {
				form, ask = append(form, "client_id", app), w.publicToken
			}
			a := ask(form...)
			if test.want == "" {
				refresh := a.tokens(t).RefreshToken
				ask("grant_type", "refresh_token", "refresh_token", refresh, "client_id", app).tokens(t)
				return
			}
			code, description, _ := strings.Cut(test.want, ": ")
			a.expect(t, http.StatusBadRequest, `{"error":"`+code+`","error_description":"`+description+`"}`)
		})
	}
}
