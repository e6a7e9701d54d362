package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
)

// TestLoginCSRF checks that a callback with an attacker's code, of a login that
// began in another browser, signs nobody in or out.
func TestLoginCSRF(t *testing.T) {
	a := newApp(t, appOptions{})
	attacker, nobody, ada := a.browser("grace"), a.browser("ada"), a.browser("ada")
	ada.signIn()
	for name, victim := range map[string]*browser{"nobody": nobody, "signed in": ada} {
		t.Run(name, func(t *testing.T) {
			callback := attacker.beginAndAgree("/auth/login")
			p := victim.comeFromElsewhere(callback)
			victim.expect(p, http.StatusBadRequest, "This sign-in is over")
			a.expectError("stray", http.StatusBadRequest, "at another host name (localhost instead of 127.0.0.1, say)")
		})
	}
	a.expectCodes(1)
	nobody.expectNobody()
	ada.expectUser("ada")

	// The same while the victim has unfinished logins.
	for range 5 {
		nobody.begin("/auth/login")
	}
	nobody.expect(nobody.comeFromElsewhere(attacker.beginAndAgree("/auth/login")), http.StatusBadRequest, "This sign-in is over")
	a.expectCodes(1)
}

// TestCodeOfAnotherUser combines a user's own state with the code of another user.
// The PKCE verifier does not fit.
func TestCodeOfAnotherUser(t *testing.T) {
	a := newApp(t, appOptions{})
	grace, ada := a.browser("grace"), a.browser("ada")
	code := parameter(t, grace.beginAndAgree("/auth/login"), "code")
	callback := withParameter(t, ada.beginAndAgree("/auth/login"), "code", code)
	ada.expect(ada.comeFromElsewhere(callback), http.StatusBadGateway, "That did not work")
	a.expectError("failed", http.StatusBadGateway, "invalid_grant")
	ada.expectNobody()
	if a.records() != 0 {
		t.Error("an authorization was kept")
	}
}

func parameter(t *testing.T, raw, name string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get(name)
}

func withParameter(t *testing.T, raw, name, value string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set(name, value)
	u.RawQuery = query.Encode()
	return u.String()
}

// twoApps returns browsers of two apps on one host. They share their cookies, and
// the apps have the same keys.
func twoApps(t *testing.T) (one, other *browser) {
	t.Helper()
	a := newApp(t, appOptions{keys: []string{keyText}})
	b := newApp(t, appOptions{keys: []string{keyText}})
	one, other = a.browser("ada"), b.browser("ada")
	other.client.Jar = one.client.Jar // cookies do not depend on the port
	return one, other
}

func TestTwoAppsOnOneHost(t *testing.T) {
	one, other := twoApps(t)
	one.signIn()
	other.expectNobody()
	other.account = "grace"
	other.signIn()
	one.expectUser("ada")
	other.expectUser("grace")
	one.submit("/auth/logout")
	other.expectUser("grace")
}

// TestMixUp checks that the answer to one app's login is useless for another app in
// the same browser.
func TestMixUp(t *testing.T) {
	one, other := twoApps(t)
	callback := one.beginAndAgree("/auth/login")
	p := other.comeFromElsewhere(strings.Replace(callback, one.url, other.url, 1))
	other.expect(p, http.StatusBadRequest, "This sign-in is over")
	other.expectCodes(0)

	// A code of one app in an answer to the other app.
	mixed := withParameter(t, other.beginAndAgree("/auth/login"), "code", parameter(t, callback, "code"))
	other.expect(other.comeFromElsewhere(mixed), http.StatusBadGateway, "That did not work")
	other.expectNobody()
}

// TestSessionFixation checks that cookies that an attacker has put into the browser are
// useless after the sign-in.
func TestSessionFixation(t *testing.T) {
	a := newApp(t, appOptions{})
	attacker, ada := a.browser("grace"), a.browser("ada")
	attacker.signIn()
	planted := attacker.cookies("-session")[0]
	ada.setCookie(planted.Name, planted.Value)
	ada.expectUser("grace") // before the sign-in a planted cookie works
	ada.visit("/auth/login")
	ada.expect(ada.click("/auth/login"), http.StatusOK, "home of")
	ada.expectUser("ada")
	if c := ada.cookies("-session"); len(c) != 1 || c[0].Value == planted.Value {
		t.Error("the cookie has not changed")
	}
	attacker.expectUser("grace")
}

// TestReplayedCallback sends a callback a second time, with all cookies that the
// browser had.
func TestReplayedCallback(t *testing.T) {
	a := newApp(t, appOptions{})
	ada, thief := a.browser("ada"), a.browser("grace")
	callback := ada.beginAndAgree("/auth/login")
	cookies := ada.cookies("-login-")
	ada.follow(ada.get(callback, otherSite), otherSite)
	ada.expectUser("ada")
	for range 2 * len(a.replicas) { // on both replicas
		for _, c := range cookies {
			thief.setCookie(c.Name, c.Value)
		}
		p := thief.comeFromElsewhere(callback)
		if p.status != http.StatusBadRequest && p.status != http.StatusBadGateway {
			t.Errorf("got %s", p)
		}
	}
	thief.expectNobody()
	a.expectCodes(2) // one for each replica, and no more
	ada.expect(ada.visit(callback), http.StatusBadRequest, "This sign-in is over")
	ada.expectNotDeadEnd("/me")
}

// expectNotDeadEnd checks that the browser can sign in, wherever it is.
func (b *browser) expectNotDeadEnd(path string) {
	b.t.Helper()
	b.expect(b.visit(path), http.StatusOK, b.account+" has ")
}

// TestOpenRedirects checks that return_to leads only to the app.
func TestOpenRedirects(t *testing.T) {
	a := newApp(t, appOptions{})
	for _, bad := range []string{
		"//evil.example", "///evil.example", "////evil.example", `/\evil.example`, `\\evil.example`, `\/evil.example`, `/a\..\..\\evil.example`,
		"https://evil.example", "https:evil.example", "https:/evil.example", "HTTPS://evil.example", "javascript:alert(1)", "data:text/html,x",
		"//user@evil.example", "//127.0.0.1@evil.example", "https://127.0.0.1@evil.example/", "@evil.example", ".evil.example", "evil.example",
		"/%2f/evil.example", "/%2Fevil.example", "/%5cevil.example", "/%5C%5Cevil.example", "/./%2fevil.example", "/.//evil.example", "/x/..//evil.example",
		"/%2e%2e//evil.example", "/%09/evil.example", "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "/\x00/evil.example",
		"/\r\nSet-Cookie: a=b", "/%0d%0aSet-Cookie:%20a=b", "/\u2028evil", "/\x7f", "/%zz", "", "?next=//evil.example", "#", "/" + strings.Repeat("a", 400),
		"/auth/login", "/auth/login?return_to=/auth/login", "/auth/logout", "/auth/callback?code=x&state=y", "/%61uth/login", "/auth/login#x", "/auth/./login", "/x/../auth/login", "/auth/%2e/login",
	} {
		t.Run(bad, func(t *testing.T) {
			b := a.browser("ada")
			b.t = t
			p := b.follow(b.get("/auth/login?return_to="+url.QueryEscape(bad), typed), typed)
			if p.url != a.url+"/" {
				t.Errorf("the browser ends at %s", p.url)
			}
		})
	}
	for good, want := range map[string]string{
		"/me": "/me", "/me?a=b&c=//d": "/me?a=b&c=//d", "/me?next=https://example.com": "/me?next=https://example.com",
		"/me?q=%5c": "/me?q=%5c", "/me#part": "/me#part",
	} {
		b := a.browser("ada")
		b.t = t
		if p := b.follow(b.get("/auth/login?return_to="+url.QueryEscape(good), typed), typed); p.url != a.url+want {
			t.Errorf("%s: the browser ends at %s", good, p.url)
		}
	}
}

// TestHostHeader checks that no address in an answer comes from headers of the request.
func TestHostHeader(t *testing.T) {
	a := newApp(t, appOptions{})
	ada := a.browser("ada")
	ada.signIn()
	session := ada.cookies("-session")[0]
	for _, path := range []string{"/auth/login?return_to=/me", "/auth/callback?problem=denied", "/auth/callback?code=x&state=y", "/auth/logout", "/auth/x", "/me", "/library"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			req, err := http.NewRequestWithContext(t.Context(), method, a.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = "evil.example"
			for _, name := range []string{"X-Forwarded-Host", "X-Original-Host", "X-Host", "X-Forwarded-Server", "X-Original-URL", "X-Rewrite-URL", "Forwarded"} {
				req.Header.Set(name, "evil.example")
			}
			req.Header.Set("Forwarded", "host=evil.example;proto=http")
			req.Header.Set("X-Forwarded-Proto", "http")
			req.Header.Set("X-Forwarded-Prefix", "//evil.example")
			req.AddCookie(&http.Cookie{Name: session.Name, Value: session.Value})
			resp, err := ada.client.Transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			var dump strings.Builder
			_ = resp.Write(&dump)
			_ = resp.Body.Close()
			if strings.Contains(dump.String(), "evil") {
				t.Errorf("%s %s: %s", method, path, dump.String())
			}
			if location := resp.Header.Get("Location"); strings.Contains(location, "redirect_uri") && parameter(t, location, "redirect_uri") != a.creds.RedirectURI {
				t.Errorf("%s %s: %s", method, path, location)
			}
		}
	}
}

// TestLogoutFromElsewhere checks that other sites can sign nobody out, also in a
// browser that sends few headers.
func TestLogoutFromElsewhere(t *testing.T) {
	a := newApp(t, appOptions{})
	ada := a.browser("ada")
	ada.signIn()
	for _, test := range []struct {
		name, site, origin string
		isSilly            bool
	}{
		{"another site", otherSite, "https://evil.example", false},
		{"a subdomain", "same-site", "https://evil." + strings.TrimPrefix(a.url, "http://"), false},
		{"an origin that is kept secret", otherSite, "null", false},
		{"another port", "same-site", "http://127.0.0.1:1", false},
		{"another site, old browser", "", "https://evil.example", true},
		{"secret origin, old browser", "", "null", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			ada.isSilly = test.isSilly
			p := ada.post("/auth/logout", test.site, test.origin, "forget", "true")
			ada.expect(p, http.StatusForbidden, "Sign out of")
			a.expectError("sign-out", http.StatusForbidden, "another site may have sent it")
			ada.isSilly = false
			ada.expectUser("ada")
		})
	}
	ada.comeFromElsewhere("/auth/logout")
	ada.visit("/auth/logout?forget=true")
	ada.expectUser("ada")
	ada.isSilly = true
	ada.expect(ada.submit("/auth/logout"), http.StatusOK, `home of ""`)
}

// TestLogoutBehindAProxy uses a proxy that changes Host. The app's origin comes
// from the redirect URI.
func TestLogoutBehindAProxy(t *testing.T) {
	a := newApp(t, appOptions{})
	ada := a.browser("ada")
	ada.isSilly = true
	ada.signIn()
	for i, r := range a.replicas {
		inner := r.handler
		a.replicas[i].handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Host = "10.0.0.7:8080"
			inner.ServeHTTP(w, r)
		})
	}
	ada.expect(ada.submit("/auth/logout"), http.StatusOK, `home of ""`)
}

// TestLoginFromElsewhere checks that other sites can neither replace a signed-in
// user nor ask for more scopes without asking the user first.
func TestLoginFromElsewhere(t *testing.T) {
	a := newApp(t, appOptions{})
	b := a.browser("ada")
	b.signIn()
	b.account = "grace" // grace is signed in at Spotify now
	more := a.replicas[0].auth.LoginURL("/library", spotipie.ScopeUserLibraryRead)
	for _, path := range []string{"/auth/login", "/auth/login?return_to=/me", "/library", "/auth/login?show_dialog=true", more} {
		for _, isSilly := range []bool{false, true} {
			b.isSilly = isSilly
			p := b.comeFromElsewhere(path)
			b.expect(p, http.StatusOK, "Continue to Spotify")
			if strings.Contains(path, "library") != strings.Contains(p.body, "See what is saved in your library") {
				t.Errorf("%s: %s", path, p.body)
			}
			b.isSilly = false
			b.expectUser("ada")
		}
	}
	p := b.post("/auth/login", otherSite, "https://evil.example")
	b.expect(p, http.StatusForbidden, "Continue to Spotify")
	a.expectError("sign-in", http.StatusForbidden, "another site may have sent it")
	a.expectCodes(1)

	// A user who agrees continues, also in an old browser.
	b.isSilly = true
	b.expect(b.submit("/auth/login?return_to=/me"), http.StatusOK, "home of")
	b.expectUser("grace")
	nobody := a.browser("ada")
	nobody.expect(nobody.comeFromElsewhere("/me"), http.StatusOK, "ada has ") // there is no user to replace
}
