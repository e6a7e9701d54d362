package web_test

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/web"
)

// TestSignInAcrossReplicas sends each request to the replica that did not get the
// last one.
func TestSignInAcrossReplicas(t *testing.T) {
	for name, isHTTPS := range map[string]bool{"http": false, "https": true} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{isHTTPS: isHTTPS})
			ada, grace := a.browser("ada"), a.browser("grace")
			ada.expectNobody()
			ada.expect(ada.visit("/me?tab=2"), http.StatusOK, "ada has  at /me?tab=2")
			grace.signIn()
			ada.expectUser("ada") // each user is signed in as themselves
			a.expectCodes(2)

			ada.expect(ada.submit("/auth/logout"), http.StatusOK, `home of ""`)
			ada.expectNobody()
			grace.expectUser("grace")
			if n := a.records(); n != 2 {
				t.Errorf("%d authorizations are kept, want both", n)
			}
			ada.signIn() // again
		})
	}
}

// TestManyUsersAtOnce checks that each user sees their own data on any replica. A
// new sign-in asks for fewer scopes than before, and for more on pages that need
// them.
func TestManyUsersAtOnce(t *testing.T) {
	var users []accounts.User
	for i := range 30 {
		users = append(users, accounts.User{ID: fmt.Sprintf("user-%d", i)})
	}
	a := newApp(t, appOptions{accounts: accounts.Options{Users: users}})
	var group sync.WaitGroup
	for _, user := range users {
		group.Go(func() {
			b := a.browser(user.ID)
			for range 2 {
				b.signIn()
				b.expect(b.click("/library"), http.StatusOK, user.ID+" has user-library-read at /library")
				for range 5 {
					b.expect(b.visit("/library"), http.StatusOK, user.ID+" has user-library-read")
				}
				b.expect(b.submit("/auth/logout"), http.StatusOK, `home of ""`)
			}
		})
	}
	group.Wait()
	if n := a.records(); n != len(users) {
		t.Errorf("%d records of %d users", n, len(users))
	}
}

func TestReturnToTheHomePage(t *testing.T) {
	a := newApp(t, appOptions{change: func(o *web.Options, _ *spotipie.PoolOptions) { o.Home = "/me" }})
	ada := a.browser("ada")
	ada.expect(ada.visit("/auth/login"), http.StatusOK, "ada has  at /me")
}

// TestTheCallbackLeavesNoCodeInTheAddress checks this also for callbacks that fail.
func TestTheCallbackLeavesNoCodeInTheAddress(t *testing.T) {
	a := newApp(t, appOptions{})
	for _, account := range []string{"ada", ""} {
		p := a.browser(account).visit("/library")
		if strings.Contains(p.url, "code=") || strings.Contains(p.url, "state=") {
			t.Errorf("the browser ends at %s", p)
		}
	}
}

// TestTabs begins logins in several tabs. All of them can be finished, in any order.
func TestTabs(t *testing.T) {
	a := newApp(t, appOptions{})
	ada := a.browser("ada")
	var callbacks []string
	for _, path := range []string{"/me?1", "/me?2", "/me?3", "/me?4", "/me?5"} {
		callbacks = append(callbacks, ada.beginAndAgree("/auth/login?return_to="+url.QueryEscape(path)))
	}
	for _, i := range []int{4, 0, 2, 1, 3} {
		p := ada.follow(ada.get(callbacks[i], otherSite), otherSite)
		ada.expect(p, http.StatusOK, "ada has  at /me?"+string(rune('1'+i)))
	}
	if left := ada.cookies("-login-"); len(left) != 0 {
		t.Errorf("%d cookies of logins are left", len(left))
	}
}

// TestAManyTimesBegunLogin checks that the browser never has more than five login
// cookies, however many logins it begins, and that the latest ones work.
func TestAManyTimesBegunLogin(t *testing.T) {
	a := newApp(t, appOptions{change: func(_ *web.Options, p *spotipie.PoolOptions) { p.Scope = spotipie.AllScopes() }})
	ada := a.browser("ada")
	long := "/me?q=" + strings.Repeat("%2F", 120)
	var callbacks []string
	for range 40 {
		callbacks = append(callbacks, ada.beginAndAgree("/auth/login?return_to="+url.QueryEscape(long)))
		a.spotify.Advance(time.Second) // so that one login is the oldest
	}
	size := 0
	left := ada.cookies("-login-")
	for _, c := range left {
		size += len(c.Name) + len(c.Value) + len("=; ")
	}
	t.Logf("%d cookies of logins, %d bytes together", len(left), size)
	if len(left) != 5 || size > 7500 {
		t.Errorf("there are %d cookies of %d bytes", len(left), size)
	}
	ada.expect(ada.follow(ada.get(callbacks[0], otherSite), otherSite), http.StatusBadRequest, "This sign-in is over")
	a.expectError("stray", http.StatusBadRequest, "this browser has no login under way")
	for _, callback := range callbacks[35:] {
		ada.expect(ada.follow(ada.get(callback, otherSite), otherSite), http.StatusOK, "ada has ")
	}
}

// TestManyTabsAtOnce begins logins in many tabs at the same time, as when a browser
// restores its tabs. No request has the cookies of the others.
func TestManyTabsAtOnce(t *testing.T) {
	a := newApp(t, appOptions{})
	ada, tab := a.browser("ada"), a.browser("ada")
	u, err := url.Parse(a.url)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		tab.client.Jar = a.browser("ada").client.Jar // no cookies yet
		tab.begin("/auth/login")
		ada.client.Jar.SetCookies(u, tab.client.Jar.Cookies(u))
	}
	if n := len(ada.cookies("-login-")); n > 5 {
		t.Errorf("%d cookies", n)
	}
	ada.signIn()
}

func TestCookies(t *testing.T) {
	for name, test := range map[string]struct {
		isHTTPS bool
		prefix  string
	}{"https": {true, "__Host-spotipie-"}, "http on loopback": {false, "spotipie-"}} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{isHTTPS: test.isHTTPS})
			ada := a.browser("ada")
			begun := ada.get("/auth/login", typed)
			ended := ada.get(ada.agree(begun.header.Get("Location")), otherSite)
			for what, p := range map[string]page{"login": begun, "session": ended} {
				found := false
				for _, line := range p.header.Values("Set-Cookie") {
					c, err := http.ParseSetCookie(line)
					if err != nil {
						t.Fatal(err)
					}
					if c.MaxAge < 0 {
						continue
					}
					found = true
					if !strings.HasPrefix(c.Name, test.prefix) || !strings.Contains(c.Name, "-"+what) || c.Secure != test.isHTTPS ||
						!c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
						t.Errorf("%s: cookie %s", what, line)
					}
					if what == "login" && c.MaxAge != 600 || what == "session" && c.MaxAge != 30*24*3600 {
						t.Errorf("%s: it ends after %d s", what, c.MaxAge)
					}
					t.Logf("%s: %d bytes", what, len(line))
				}
				if !found {
					t.Errorf("%s: no cookie", what)
				}
			}
		})
	}
}

// TestNothingSecretIsShown searches everything that the browser can see for the
// secrets of a login.
func TestNothingSecretIsShown(t *testing.T) {
	pages := template.Must(template.New("delayed").Parse("tries again by itself {{printf `%+v` .}}"))
	a := newApp(t, appOptions{change: func(o *web.Options, _ *spotipie.PoolOptions) { o.Pages = pages }})
	ada := a.browser("ada")
	authorizationURL := ada.begin("/auth/login?return_to=/me")
	callback := ada.agree(authorizationURL)
	u, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	code, state := u.Query().Get("code"), u.Query().Get("state")
	if err := a.spotify.QueueFault(accounts.Fault{Kind: accounts.FaultServerError, Target: accounts.TargetToken, Times: 3}); err != nil {
		t.Fatal(err)
	}
	delayed := ada.get(callback, otherSite)
	ada.expect(delayed, http.StatusServiceUnavailable, "tries again by itself")
	if strings.Contains(delayed.body, code) || strings.Contains(delayed.body, state) {
		t.Errorf("the page shows a secret: %s", delayed.body)
	}
	if err := a.lastError(); err == nil || strings.Contains(err.Error(), code) || strings.Contains(err.Error(), state) ||
		strings.Contains(err.Error(), a.creds.ClientSecret) {
		t.Errorf("OnError hears %v", err)
	}
}

func TestHooks(t *testing.T) {
	var calls []string
	refuse := false
	a := newApp(t, appOptions{keys: []string{keyText}, change: func(o *web.Options, _ *spotipie.PoolOptions) {
		o.OnLogin = func(_ *http.Request, signIn *spotipie.SignIn) error {
			calls = append(calls, "in "+signIn.User.ID)
			if refuse {
				return errors.New("not invited")
			}
			return nil
		}
		o.OnLogout = func(_ *http.Request, user string) { calls = append(calls, "out "+user) }
	}})
	ada := a.browser("ada")
	ada.signIn()
	adaKey := mustList(t, a.store)[0].Profile
	ada.account = "grace"
	ada.expect(ada.click("/auth/login?show_dialog=true&return_to=/library"), http.StatusOK, "home of")
	ada.expectUser("grace")
	refuse = true
	ada.account = "ada"
	ada.expect(ada.click("/auth/login"), http.StatusForbidden, "this account cannot be used here")
	a.expectError("refused", http.StatusForbidden, "OnLogin: not invited")
	ada.expectUser("grace")
	want := "in ada, in grace, out " + adaKey + ", in ada"
	if got := strings.Join(calls, ", "); got != want {
		t.Errorf("the hooks were called for %s, want %s", got, want)
	}
}

func mustList(t *testing.T, store spotipie.Store) []spotipie.Key {
	t.Helper()
	keys, err := store.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestAnotherUserSignsTheFirstOut checks also that the second user does not get to
// the first user's page.
func TestAnotherUserSignsTheFirstOut(t *testing.T) {
	a := newApp(t, appOptions{})
	b := a.browser("ada")
	b.signIn()
	b.account = "grace"
	b.expect(b.visit("/library?of=ada"), http.StatusOK, "home of")
	b.expectUser("grace")
}

func TestLogoutThatForgets(t *testing.T) {
	a := newApp(t, appOptions{})
	ada, grace := a.browser("ada"), a.browser("grace")
	ada.signIn()
	grace.signIn()
	ada.expect(ada.submit("/auth/logout", "forget", "true"), http.StatusOK, `home of ""`)
	if n := a.records(); n != 1 {
		t.Errorf("the store has %d records, want Grace's", n)
	}
	grace.expectUser("grace")
}

// TestForgottenElsewhere checks that a browser is signed out if its user's
// authorization was deleted.
func TestForgottenElsewhere(t *testing.T) {
	a := newApp(t, appOptions{keys: []string{keyText}})
	ada, elsewhere := a.browser("ada"), a.browser("ada")
	ada.signIn()
	elsewhere.signIn()
	ada.submit("/auth/logout", "forget", "true")
	elsewhere.expectNobody()
	elsewhere.signIn()
}

func TestLogoutOfNobody(t *testing.T) {
	a := newApp(t, appOptions{})
	b := a.browser("ada")
	b.expect(b.submit("/auth/logout"), http.StatusOK, `home of ""`)
	b.expect(b.visit("/auth/logout"), http.StatusOK, "Sign out of")
	if status, _ := b.program("POST", "/auth/logout"); status != http.StatusNoContent {
		t.Errorf("a program gets %d", status)
	}
}

func TestSessionLifetime(t *testing.T) {
	a := newApp(t, appOptions{change: func(o *web.Options, _ *spotipie.PoolOptions) { o.SessionLifetime = 48 * time.Hour }})
	ada := a.browser("ada")
	ada.signIn()
	a.spotify.Advance(47 * time.Hour)
	ada.expectUser("ada")
	a.spotify.Advance(2 * time.Hour)
	ada.expectNobody()
}
