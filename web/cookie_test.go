package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/web"
)

// TestCookiesOfAnotherApp checks that an app's cookie under the name of another
// app's cookie cannot be decrypted, even with the same keys.
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

// TestTamperedCookies checks that a cookie with any changed character counts as none.
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

// TestSwappedCookies checks that a cookie for one purpose or login cannot be
// decrypted under the name of another.
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
	for _, value := range []string{session.Value, more.cookies("-login-")[0].Value} { // as the value of ask
		b := a.browser("ada")
		if scope := parameter(t, b.begin("/auth/login?ask="+url.QueryEscape(value)), "scope"); scope != "" {
			t.Errorf("the login asks for %s", scope)
		}
	}
	a.expectCodes(1)
}

// TestCookiesOfAnotherUsersLogin checks that a callback needs the cookie of its own
// login, also if that of another user has the same name.
func TestCookiesOfAnotherUsersLogin(t *testing.T) {
	a := newApp(t, appOptions{})
	ada := a.browser("ada")
	callback := ada.beginAndAgree("/auth/login")
	own := ada.cookies("-login-")[0]
	other := own
	for same := false; !same; same = other.Name == own.Name {
		grace := a.browser("grace")
		grace.begin("/auth/login")
		other = grace.cookies("-login-")[0]
	}
	ada.setCookie(own.Name, other.Value)
	ada.expect(ada.get(ada.get(callback, otherSite).header.Get("Location"), otherSite), http.StatusBadRequest, "This sign-in is over")
	a.expectCodes(0)
	ada.setCookie(own.Name, own.Value)
	ada.expect(ada.comeFromElsewhere(callback), http.StatusOK, `home of`)
	ada.expectUser("ada")
}

// TestExpiredCookies checks that cookies expire by the app's clock, even if the
// browser keeps them.
func TestExpiredCookies(t *testing.T) {
	a := newApp(t, appOptions{accounts: accounts.Options{CodeLifetime: time.Hour}})
	ada := a.browser("ada")
	callback := ada.beginAndAgree("/auth/login")
	a.spotify.Advance(10*time.Minute + time.Second)
	ada.expect(ada.comeFromElsewhere(callback), http.StatusBadRequest, "This sign-in is over")
	a.expectCodes(0)
	ada.signIn()
}

// TestKeyRotation checks that the old key decrypts and the new one encrypts. After
// the old key is removed, its users must sign in again.
func TestKeyRotation(t *testing.T) {
	for _, test := range []struct {
		name  string
		keys  []string // of the replica that encrypts, and of the one that decrypts
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

// TestOversizedCookies checks that the app still works with large cookies and many
// of them.
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

// TestOversizedRequests checks that the answer is small, whatever part of the request
// is large, and that nothing of it is sent to Spotify.
func TestOversizedRequests(t *testing.T) {
	a := newApp(t, appOptions{keys: []string{keyText}})
	large := strings.Repeat("a", 300<<10)
	for _, path := range []string{
		"/auth/login?return_to=/" + large, "/auth/login?ask=" + large, "/auth/login?show_dialog=" + large, "/auth/login?" + large, "/auth/login?" + strings.Repeat("a&", 50_000),
		"/auth/callback?code=x&state=" + large, "/auth/callback?state={state}&code=" + large, "/auth/callback?state={state}&error=" + large,
		"/auth/callback?state={state}&error=access_denied&error_description=" + large, "/auth/callback?problem=" + large, "/auth/callback?problem=denied&return_to=/" + large + "&ask=" + large,
		"/auth/logout?" + large, "/auth/" + large, "/library?" + large,
	} {
		for _, header := range []string{"", "X-Forwarded-Host", "Forwarded", "Origin", "Referer", "User-Agent", "Accept", "Accept-Language", "Sec-Fetch-Site", "Sec-Fetch-Mode"} {
			b := a.browser("ada")
			target := path
			if strings.Contains(path, "{state}") {
				target = strings.Replace(path, "{state}", parameter(t, b.beginAndAgree("/auth/login"), "state"), 1)
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+target, nil)
			if err != nil {
				t.Fatal(err)
			}
			if header != "" {
				req.Header.Set(header, large)
			}
			for _, c := range b.cookies("") {
				req.AddCookie(c)
			}
			resp, err := b.client.Transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			var answer strings.Builder
			_ = resp.Write(&answer)
			_ = resp.Body.Close()
			if resp.StatusCode >= 500 || answer.Len() > 32<<10 || len(resp.Header.Get("Location")) > 4<<10 {
				t.Errorf("%.60s with a large %q: %s of %d bytes, to %d bytes", path, header, resp.Status, answer.Len(), len(resp.Header.Get("Location")))
			}
			if err := a.lastError(); err != nil && len(err.Error()) > 2<<10 {
				t.Errorf("%.60s: OnError hears %d bytes", path, len(err.Error()))
			}
		}
	}
	a.expectCodes(0)
	a.browser("ada").signIn()
}

// TestAskIsSealed checks that only the app can say which scopes a login asks for.
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
