package accounts_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie/accounts"
)

// visitor is a browser without scripts. It has cookies and sends forms, but does not
// follow redirects.
type visitor struct {
	t      *testing.T
	client *http.Client
	base   string
}

func newVisitor(t *testing.T, server *httptest.Server) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := *server.Client()
	client.Jar = jar
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &visitor{t, &client, server.URL}
}

func (v *visitor) open(pairs ...string) answer {
	v.t.Helper()
	return v.send(v.request("GET", "/authorize?"+authorizeQuery(pairs...).Encode(), ""))
}

func (v *visitor) request(method, path, body string) *http.Request {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.base+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	return r
}

func (v *visitor) send(r *http.Request) answer {
	v.t.Helper()
	resp, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func (v *visitor) submit(form url.Values, headers ...string) answer {
	v.t.Helper()
	r := v.request("POST", "/authorize", form.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return v.send(r)
}

func formToken(t *testing.T, page answer) string {
	t.Helper()
	match := regexp.MustCompile(`name="form_token" value="([^"]+)"`).FindStringSubmatch(page.body)
	if page.status != http.StatusOK || match == nil {
		t.Fatalf("no consent page: %d %s", page.status, page.body)
	}
	return html.UnescapeString(match[1])
}

func serve(t *testing.T, opts accounts.Options) (*world, *visitor) {
	t.Helper()
	w := newWorld(t, opts)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	return w, newVisitor(t, server)
}

func TestConsentPage(t *testing.T) {
	_, v := serve(t, accounts.Options{})
	page := v.open("scope", "user-library-read user-modify-playback-state")
	page.expect(t, http.StatusOK, page.body,
		"Content-Type", "text/html; charset=utf-8", "Cache-Control", "no-store", "Referrer-Policy", "no-referrer",
		"X-Content-Type-Options", "nosniff", "X-Frame-Options", "DENY")
	for _, want := range []string{
		"<strong>This is not Spotify.</strong>", `<html lang="en">`, "Mixtape</span> asks for access",
		"See what is saved in your library", "Control playback on your devices",
		`value="ada" checked`, `value="grace"`, "<legend>", `<label for="user-0">`, "<main>",
		`value="agree">Agree</button>`, `value="cancel">Cancel</button>`, "app.example",
	} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page.body, "<script") || strings.Contains(page.body, "style=") {
		t.Error("the page has script or inline style")
	}

	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(page.body)
	if style == nil {
		t.Fatal("the page has no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; frame-ancestors 'none'; base-uri 'none'"
	if got := page.header.Get("Content-Security-Policy"); got != want {
		t.Errorf("policy\n %s\nwant\n %s", got, want)
	}
	if page := v.open(); !strings.Contains(page.body, "See what is public anyway") {
		t.Error("without a scope the page does not say that nothing private is asked for")
	}
}

// A callback may redirect to another origin, or to a custom scheme. So the policy must
// not have a form-action, whatever the redirect URI is.
func TestNoFormAction(t *testing.T) {
	for _, redirect := range []string{
		"http://127.0.0.1:8080/cb", "http://[::1]:8080/cb", "com.example.app:cb", "https://a;script-src.example/",
	} {
		w := newWorld(t, accounts.Options{Apps: []accounts.App{{ClientID: clientID, ClientSecret: clientSecret, RedirectURIs: []string{redirect}}}})
		policy := w.authorize("redirect_uri", redirect).header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") ||
			!strings.HasSuffix(policy, "'; frame-ancestors 'none'; base-uri 'none'") || strings.Contains(policy, "form-action") {
			t.Errorf("%s: policy %q", redirect, policy)
		}
	}
}

func TestConsentByForm(t *testing.T) {
	w, v := serve(t, accounts.Options{})
	token := formToken(t, v.open("scope", "user-read-email"))
	back := v.submit(values("form_token", token, "user", "grace", "decision", "agree"))
	if back.status != http.StatusSeeOther || back.body != "" {
		t.Errorf("status %d, body %q", back.status, back.body)
	}
	query := back.location(t).Query()
	if query.Get("state") != "xyz" {
		t.Errorf("state %q", query.Get("state"))
	}
	got := w.token("grant_type", "authorization_code", "code", query.Get("code"), "redirect_uri", redirectURI).tokens(t)
	if me := w.get("/v1/me", got.AccessToken); !strings.Contains(me.body, `"email":"grace@example.com"`) {
		t.Errorf("profile %s", me.body)
	}

	token = formToken(t, v.open("show_dialog", "true"))
	back = v.submit(values("form_token", token, "decision", "cancel"))
	if got := back.location(t).String(); got != redirectURI+"?error=access_denied&state=xyz" {
		t.Errorf("after Cancel: %s", got)
	}
}

func TestFormsThatAreRefused(t *testing.T) {
	w, v := serve(t, accounts.Options{})
	fresh := func() string { return formToken(t, v.open("show_dialog", "true")) }
	agree := func(token string) url.Values {
		return values("form_token", token, "user", "ada", "decision", "agree")
	}
	tests := []struct {
		name string
		form func() url.Values
		with []string
		want int
	}{
		{"no token", func() url.Values { return values("user", "ada", "decision", "agree") }, nil, 403},
		{"a made-up token", func() url.Values { return agree("abc") }, nil, 403},
		{"used twice", func() url.Values {
			token := fresh()
			v.submit(agree(token)).location(t)
			return agree(token)
		}, nil, 403},
		{"too old", func() url.Values {
			token := fresh()
			w.Advance(10 * time.Minute)
			return agree(token)
		}, nil, 403},
		{"from another site", func() url.Values { return agree(fresh()) }, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"from another origin", func() url.Values { return agree(fresh()) }, []string{"Origin", "https://evil.example"}, 403},
		{"from nowhere", func() url.Values { return agree(fresh()) }, []string{"Origin", "null"}, 403},
		{"unknown user", func() url.Values { return values("form_token", fresh(), "user", "eve", "decision", "agree") }, nil, 400},
		{"no decision", func() url.Values { return values("form_token", fresh(), "user", "ada") }, nil, 400},
		{"from the page itself", func() url.Values { return agree(fresh()) }, []string{"Sec-Fetch-Site", "same-origin", "Origin", "null"}, 303},
		{"too large", func() url.Values { return values("form_token", strings.Repeat("x", 1<<20)) }, nil, 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := v.submit(test.form(), test.with...)
			if a.status != test.want || (test.want != 303) != (a.header.Get("Location") == "") {
				t.Errorf("status %d (%s), want %d", a.status, a.body, test.want)
			}
		})
	}
}

func TestShowDialog(t *testing.T) {
	w, v := serve(t, accounts.Options{})
	agree := func(scope string) {
		t.Helper()
		token := formToken(t, v.open("scope", scope, "show_dialog", "true"))
		back := v.submit(values("form_token", token, "user", "grace", "decision", "agree"))
		back.location(t)
		cookie := back.header.Get("Set-Cookie")
		if !strings.Contains(cookie, "; HttpOnly; SameSite=Lax") {
			t.Errorf("Set-Cookie %q", cookie)
		}
	}
	agree("user-read-email streaming")
	tests := []struct {
		name  string
		pairs []string
		asked bool
	}{
		{"same scopes", []string{"scope", "streaming user-read-email"}, false},
		{"fewer scopes", []string{"scope", "streaming"}, false},
		{"show_dialog=false", []string{"scope", "streaming", "show_dialog", "false"}, false},
		{"show_dialog=true", []string{"scope", "streaming", "show_dialog", "true"}, true},
		{"one scope more", []string{"scope", "streaming user-library-read"}, true},
		{"another app", []string{"client_id", otherID}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := v.open(test.pairs...)
			if asked := a.status == http.StatusOK; asked != test.asked {
				t.Errorf("asked: %v, want %v", asked, test.asked)
			}
			if test.asked && !strings.Contains(a.body, `value="grace" checked`) {
				t.Error("the page does not offer the last user first")
			}
		})
	}
	t.Run("another browser", func(t *testing.T) {
		if a := w.authorize("scope", "streaming"); a.status != http.StatusOK {
			t.Errorf("status %d, want the page", a.status)
		}
	})
	t.Run("agreed in two steps", func(t *testing.T) {
		agree("user-library-read")
		v.open("scope", "streaming user-library-read").location(t)
	})
	t.Run("after revoking", func(t *testing.T) {
		w.RevokeUser(clientID, "grace")
		if a := v.open("scope", "streaming"); a.status != http.StatusOK {
			t.Errorf("status %d, want the page", a.status)
		}
	})
}

// Names come from outside, so the page must show them as text.
func TestHostileNames(t *testing.T) {
	const evil = `"><script>alert('x')</script>{{.Token}}</style>`
	w := newWorld(t, accounts.Options{
		Apps:  []accounts.App{{ClientID: clientID, ClientSecret: clientSecret, Name: evil, RedirectURIs: []string{redirectURI}}},
		Users: []accounts.User{{ID: evil, DisplayName: evil, Email: evil, Product: evil}},
	})
	page := w.authorize("state", evil)
	if strings.Contains(page.body, "<script") || strings.Count(page.body, "</style>") != 1 || strings.Contains(page.body, "alert('x')") {
		t.Errorf("a name was not escaped:\n%s", page.body)
	}
	if !strings.Contains(page.body, html.EscapeString(`<script>`)) {
		t.Error("the name is not shown at all")
	}
	a := w.do(postForm(t.Context(), values("form_token", formToken(t, page), "user", evil, "decision", "agree")))
	a.location(t)
}

func postForm(ctx context.Context, form url.Values) *http.Request {
	r := httptest.NewRequestWithContext(ctx, "POST", "/authorize", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}
