package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/web"
)

// TestLoginCSRF: a callback that was begun in another browser, with a code of the
// attacker's, signs nobody in, and nobody out.
func TestLoginCSRF(t *testing.T) {
	a := newApp(t, appOptions{})
	attacker, nobody, ada := a.browser("grace"), a.browser("ada"), a.browser("ada")
	ada.signIn()
	for name, victim := range map[string]*browser{"nobody": nobody, "signed in": ada} {
		t.Run(name, func(t *testing.T) {
			callback := attacker.beginAndAgree("/auth/login")
			p := victim.comeFromElsewhere(callback)
			victim.expect(p, http.StatusBadRequest, "This sign-in is over")
			a.expectError("stray", http.StatusBadRequest, "no login that this browser has under way")
		})
	}
	a.expectCodes(1)
	nobody.expectNobody()
	ada.expectUser("ada")

	// Nor while the victim has logins of their own under way.
	for range 5 {
		nobody.begin("/auth/login")
	}
	nobody.expect(nobody.comeFromElsewhere(attacker.beginAndAgree("/auth/login")), http.StatusBadRequest, "This sign-in is over")
	a.expectCodes(1)
}

// TestCodeOfAnotherUser: with a state of their own and the code of somebody
// else, the PKCE verifier does not fit.
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

// twoApps returns browsers of two apps on one host, which have the same cookie
// jar, and keys.
func twoApps(t *testing.T) (one, other *browser) {
	t.Helper()
	a := newApp(t, appOptions{keys: []string{keyText}})
	b := newApp(t, appOptions{keys: []string{keyText}})
	one, other = a.browser("ada"), b.browser("ada")
	other.client.Jar = one.client.Jar // cookies know no ports
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

// TestMixUp: an answer to the login of one app is of no use to another, with the
// same browser.
func TestMixUp(t *testing.T) {
	one, other := twoApps(t)
	callback := one.beginAndAgree("/auth/login")
	p := other.comeFromElsewhere(strings.Replace(callback, one.url, other.url, 1))
	other.expect(p, http.StatusBadRequest, "This sign-in is over")
	other.expectCodes(0)

	// A code of the one in an answer to the other.
	mixed := withParameter(t, other.beginAndAgree("/auth/login"), "code", parameter(t, callback, "code"))
	other.expect(other.comeFromElsewhere(mixed), http.StatusBadGateway, "That did not work")
	other.expectNobody()
}

// TestCookiesOfAnotherApp: a cookie of one app under the name of another's opens
// nothing, though the keys are the same.
func TestCookiesOfAnotherApp(t *testing.T) {
	one, other := twoApps(t)
	one.signIn()
	other.signIn()
	mine, theirs := one.cookies("-session")[0], one.cookies("-session")[1]
	one.setCookie(mine.Name, theirs.Value)
	one.setCookie(theirs.Name, mine.Value)
	one.expectNobody()
	other.expectNobody()
}

// TestSessionFixation: what an attacker has put into the browser before the
// sign-in is worth nothing after it.
func TestSessionFixation(t *testing.T) {
	a := newApp(t, appOptions{})
	attacker, ada := a.browser("grace"), a.browser("ada")
	attacker.signIn()
	planted := attacker.cookies("-session")[0]
	ada.setCookie(planted.Name, planted.Value)
	ada.expectUser("grace") // that much a planted cookie can do
	ada.visit("/auth/login")
	ada.expect(ada.click("/auth/login"), http.StatusOK, "home of")
	ada.expectUser("ada")
	if c := ada.cookies("-session"); len(c) != 1 || c[0].Value == planted.Value {
		t.Error("the cookie has not changed")
	}
	attacker.expectUser("grace")
}

// TestReplayedCallback: with all that the browser had, a second time.
func TestReplayedCallback(t *testing.T) {
	a := newApp(t, appOptions{})
	ada, thief := a.browser("ada"), a.browser("grace")
	callback := ada.beginAndAgree("/auth/login")
	cookies := ada.cookies("-login-")
	ada.follow(ada.get(callback, otherSite), otherSite)
	ada.expectUser("ada")
	for range 2 * len(a.replicas) { // on both
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

// TestOpenRedirects: return_to leads to nowhere but the app.
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

// TestTamperedCookies: a cookie of which any character was changed is as good as
// none.
func TestTamperedCookies(t *testing.T) {
	a := newApp(t, appOptions{keys: []string{keyText}})
	ada := a.browser("ada")
	ada.signIn()
	session := ada.cookies("-session")[0]
	callback := ada.beginAndAgree("/auth/login?return_to=/me")
	attempt := ada.cookies("-login-")[0]
	for i := range len(session.Value) {
		ada.setCookie(session.Name, changed(session.Value, i))
		ada.expect(ada.get("/", typed), http.StatusOK, `home of ""`)
	}
	last := len(session.Value) - 1
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" { // whose bits base64 may ignore
		if byte(c) != session.Value[last] {
			ada.setCookie(session.Name, session.Value[:last]+string(c))
			ada.expect(ada.get("/", typed), http.StatusOK, `home of ""`)
		}
	}
	for i := range len(attempt.Value) {
		ada.setCookie(attempt.Name, changed(attempt.Value, i))
		if p := ada.get(callback, otherSite); !strings.Contains(p.header.Get("Location"), "problem=stray") {
			t.Fatalf("character %d: %s", i, p)
		}
	}
	for _, value := range []string{"", "x", "!", session.Value[:20], session.Value[1:], session.Value + "A", strings.Repeat("A", 4000)} {
		ada.setCookie(session.Name, value)
		ada.expect(ada.get("/", typed), http.StatusOK, `home of ""`)
	}
	a.expectCodes(1)
	ada.setCookie(attempt.Name, attempt.Value)
	ada.expect(ada.follow(ada.get(callback, otherSite), otherSite), http.StatusOK, "ada has ")
}

// changed returns text with one character replaced.
func changed(text string, i int) string {
	c := byte('A')
	if text[i] == c {
		c = 'B'
	}
	return text[:i] + string(c) + text[i+1:]
}

// TestSwappedCookies: the cookie of one purpose, or attempt, opens nothing under
// the name of another.
func TestSwappedCookies(t *testing.T) {
	a := newApp(t, appOptions{})
	ada := a.browser("ada")
	ada.signIn()
	callbacks := map[string]string{}
	for len(ada.cookies("-login-")) < 2 {
		callback := ada.beginAndAgree("/auth/login")
		callbacks[callback] = ""
	}
	session := ada.cookies("-session")[0]
	one, two := ada.cookies("-login-")[0], ada.cookies("-login-")[1]
	ask := parameter(t, a.url+a.replicas[0].auth.LoginURL("", "user-top-read"), "ask")
	ada.setCookie(one.Name, two.Value)
	ada.setCookie(two.Name, one.Value)
	for callback := range callbacks {
		ada.expect(ada.comeFromElsewhere(callback), http.StatusBadRequest, "This sign-in is over")
	}
	for _, value := range []string{one.Value, two.Value, ask} {
		ada.setCookie(session.Name, value)
		ada.expectNobody()
	}
	more := a.browser("ada")
	more.begin(a.replicas[0].auth.LoginURL("", "user-top-read"))
	for _, value := range []string{session.Value, more.cookies("-login-")[0].Value} { // as what the login is to ask for
		b := a.browser("ada")
		if scope := parameter(t, b.begin("/auth/login?ask="+url.QueryEscape(value)), "scope"); scope != "" {
			t.Errorf("the login asks for %s", scope)
		}
	}
	a.expectCodes(1)
}

// TestExpiredCookies by the app's clock, whatever the browser keeps.
func TestExpiredCookies(t *testing.T) {
	a := newApp(t, appOptions{accounts: accounts.Options{CodeLifetime: time.Hour}})
	ada := a.browser("ada")
	callback := ada.beginAndAgree("/auth/login")
	a.spotify.Advance(10*time.Minute + time.Second)
	ada.expect(ada.comeFromElsewhere(callback), http.StatusBadRequest, "This sign-in is over")
	a.expectCodes(0)
	ada.signIn()
}

// TestKeyRotation: the old key opens, the new one seals; and once it is retired,
// its users sign in again.
func TestKeyRotation(t *testing.T) {
	for _, test := range []struct {
		name  string
		keys  []string // of the replica that seals, and of the one that opens
		opens bool
	}{
		{"old key still opens", []string{oldKeyText, keyText + " " + oldKeyText}, true},
		{"new key opens before it seals", []string{keyText, oldKeyText + "\n" + keyText}, true},
		{"retired key", []string{oldKeyText, keyText}, false},
		{"unknown key", []string{web.GenerateKey(), keyText}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newApp(t, appOptions{keys: test.keys})
			both := a.replicas
			a.replicas = both[:1]
			ada, other := a.browser("ada"), a.browser("ada")
			ada.signIn()
			callback := other.beginAndAgree("/auth/login?return_to=/me")
			a.replicas = both[1:]
			if test.opens {
				ada.expect(ada.get("/me", typed), http.StatusOK, "ada has ")
				other.expect(other.comeFromElsewhere(callback), http.StatusOK, "ada has ")
				return
			}
			ada.expectNobody()
			ada.signIn()
			other.expect(other.comeFromElsewhere(callback), http.StatusBadRequest, "This sign-in is over")
			other.signIn()
		})
	}
}

// TestOversizedCookies and many of them: the app goes on.
func TestOversizedCookies(t *testing.T) {
	a := newApp(t, appOptions{})
	ada := a.browser("ada")
	ada.signIn()
	session := ada.cookies("-session")[0]
	attempt := strings.Replace(session.Name, "session", "login-", 1)
	for name, header := range map[string]string{
		"one that is large": "x=" + strings.Repeat("a", 500<<10),
		"ours, large":       session.Name + "=" + strings.Repeat("a", 500<<10) + "; " + attempt + "0=" + strings.Repeat("a", 100<<10),
		"ours many times":   strings.Repeat(session.Name+"=AAAA; ", 2000),
		"logins":            attempt + "0=A; " + attempt + "1=A; " + attempt + "2=A; " + attempt + "3=A; " + attempt + "4=A; " + attempt + "5=A",
		"not cookies":       strings.Repeat(";=,\" ", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/", "/auth/login", "/auth/callback?code=x&state=y"} {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Cookie", header)
				resp, err := ada.client.Transport.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				if resp.StatusCode >= 400 {
					t.Errorf("%s: %s", path, resp.Status)
				}
				for _, line := range resp.Header.Values("Set-Cookie") {
					if len(line) > 1700 {
						t.Errorf("%s: a cookie of %d bytes", path, len(line))
					}
				}
			}
		})
	}
	ada.expectUser("ada")
}

// TestCallbackFlood: callbacks of nobody make no token request; those of one
// attempt make one, or five while Spotify is in trouble.
func TestCallbackFlood(t *testing.T) {
	a := newApp(t, appOptions{keys: []string{keyText}})
	b := a.browser("ada")
	for i := range 500 {
		state := fmt.Sprintf("%043d", i)
		if p := b.get("/auth/callback?code=AQ"+state+"&state="+state, otherSite); !strings.Contains(p.header.Get("Location"), "problem=stray") {
			t.Fatal(p)
		}
	}
	a.expectCodes(0)

	flood := func(callback string) {
		cookies := b.cookies("-login-")
		var group sync.WaitGroup
		for worker := range 8 {
			group.Go(func() {
				own := a.browser("ada")
				for _, c := range cookies {
					own.setCookie(c.Name, c.Value)
				}
				for i := range 25 {
					u, _ := url.Parse(callback)
					query := u.Query()
					query.Set("code", fmt.Sprintf("AQ%d-%d", worker, i))
					own.get("/auth/callback?"+query.Encode(), otherSite)
				}
			})
		}
		group.Wait()
	}
	flood(b.beginAndAgree("/auth/login"))
	if n := a.spotify.Stats().TokenRequests.AuthorizationCode; n > 5 {
		t.Errorf("%d token requests for one attempt", n)
	}

	before := a.spotify.Stats().TokenRequests.AuthorizationCode
	if err := a.spotify.QueueFault(accounts.Fault{Kind: accounts.FaultServerError, Status: 500, Target: accounts.TargetToken, Every: 1}); err != nil {
		t.Fatal(err)
	}
	flood(b.beginAndAgree("/auth/login"))
	if n := a.spotify.Stats().TokenRequests.AuthorizationCode - before; n > 5 {
		t.Errorf("%d token requests for one attempt while Spotify is in trouble", n)
	}
	a.spotify.ClearFaults()
	b.signIn()
}

// TestHostHeader: whatever a request says about the app's address, none is made
// of it.
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

// TestLogoutFromElsewhere: other sites sign nobody out, also in a browser that
// does not say much.
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

// TestLogoutBehindAProxy that changes Host: the redirect URI says what the app's
// origin is.
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

// TestLoginFromElsewhere: other sites cannot have a user who is signed in replaced
// by another, nor ask them for more, without a word.
func TestLoginFromElsewhere(t *testing.T) {
	a := newApp(t, appOptions{})
	b := a.browser("ada")
	b.signIn()
	b.account = "grace" // is who is signed in at Spotify now
	more := a.replicas[0].auth.LoginURL("/library", spotipie.ScopeUserLibraryRead)
	for _, path := range []string{"/auth/login", "/auth/login?return_to=/me", "/library", "/auth/login?show_dialog=true", more} {
		for _, isSilly := range []bool{false, true} {
			b.isSilly = isSilly
			p := b.comeFromElsewhere(path)
			b.expect(p, http.StatusOK, "Go on to Spotify")
			if strings.Contains(path, "library") != strings.Contains(p.body, "See what is saved in your library") {
				t.Errorf("%s: %s", path, p.body)
			}
			b.isSilly = false
			b.expectUser("ada")
		}
	}
	p := b.post("/auth/login", otherSite, "https://evil.example")
	b.expect(p, http.StatusForbidden, "Go on to Spotify")
	a.expectError("sign-in", http.StatusForbidden, "another site may have sent it")
	a.expectCodes(1)

	// Whoever agrees goes on from there, also in an old browser.
	b.isSilly = true
	b.expect(b.submit("/auth/login?return_to=/me"), http.StatusOK, "home of")
	b.expectUser("grace")
	nobody := a.browser("ada")
	nobody.expect(nobody.comeFromElsewhere("/me"), http.StatusOK, "ada has ") // there is nobody to replace
}

// TestAskIsSealed: nobody but the app says what it asks for.
func TestAskIsSealed(t *testing.T) {
	a := newApp(t, appOptions{})
	for _, query := range []string{"ask=user-top-read", "scope=user-top-read", "scopes=user-top-read", "ask=" + strings.Repeat("A", 5000)} {
		if scope := parameter(t, a.browser("ada").begin("/auth/login?"+query), "scope"); scope != "" {
			t.Errorf("%s: the login asks for %s", query, scope)
		}
	}
	login := a.replicas[0].auth.LoginURL("/me", spotipie.ScopeUserTopRead)
	if scope := parameter(t, a.browser("ada").begin(login), "scope"); scope != "user-top-read" {
		t.Errorf("the login asks for %q", scope)
	}
	var many []spotipie.Scope
	for i := range 200 {
		many = append(many, spotipie.Scope(fmt.Sprint("scope-", i)))
	}
	if scope := parameter(t, a.browser("ada").begin(a.replicas[0].auth.LoginURL("", many...)), "scope"); scope != "" {
		t.Errorf("more is asked for than a cookie can hold: %s", scope)
	}
	a.spotify.Advance(25 * time.Hour)
	if scope := parameter(t, a.browser("ada").begin(login), "scope"); scope != "" {
		t.Errorf("a day later the login asks for %q", scope)
	}
}

// TestFloodOfLoginsKeepsNothing: logins that nobody finishes take no memory.
func TestFloodOfLoginsKeepsNothing(t *testing.T) {
	a := newApp(t, appOptions{keys: []string{keyText}})
	handler := a.replicas[0].handler
	begin := func(n int) {
		for range n {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/auth/login", nil)
			if err != nil {
				t.Fatal(err)
			}
			handler.ServeHTTP(discard{http.Header{}}, r)
		}
	}
	begin(1000)
	before := heap()
	begin(20_000)
	grown := int64(heap()) - int64(before)
	t.Logf("20,000 logins that were begun leave %d bytes", grown)
	if grown > 512<<10 {
		t.Errorf("memory has grown by %d bytes", grown)
	}
}

// TestFloodOfCallbacksKeepsLittle: what a process remembers of callbacks has a
// bound.
func TestFloodOfCallbacksKeepsLittle(t *testing.T) {
	a := newApp(t, appOptions{keys: []string{keyText}})
	handler := a.replicas[0].handler
	flood := func(n int) {
		for range n {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/auth/login", nil)
			begun := httptest.NewRecorder()
			handler.ServeHTTP(begun, r)
			state := parameter(t, begun.Header().Get("Location"), "state")
			r = httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/auth/callback?error=access_denied&state="+state, nil)
			r.Header.Set("Cookie", begun.Header().Get("Set-Cookie"))
			denied := httptest.NewRecorder()
			handler.ServeHTTP(denied, r)
			if !strings.Contains(denied.Header().Get("Location"), "problem=denied") {
				t.Fatalf("got %d, %v", denied.Code, denied.Header())
			}
			a.lastError()
		}
	}
	flood(9000)
	before := heap()
	flood(9000)
	grown := int64(heap()) - int64(before)
	t.Logf("9,000 more callbacks leave %d bytes", grown)
	if grown > 256<<10 {
		t.Errorf("memory has grown by %d bytes", grown)
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
