package web_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/web"
)

// TestDenied checks that a user who does not agree is told that nothing has
// changed, and can agree later.
func TestDenied(t *testing.T) {
	a := newApp(t, appOptions{})
	b := a.browser("")
	p := b.visit("/library?a=1&b=2")
	b.expect(p, http.StatusForbidden, "You did not agree")
	a.expectError("denied", http.StatusForbidden, "access_denied")
	b.expectNobody()
	b.account = "ada"
	b.expect(b.click(link(t, p, "Ask me again")), http.StatusOK, "ada has user-library-read at /library?a=1&b=2")
}

// TestNotOnTheList uses development mode, in which Spotify gives a token but
// refuses the profile. Nothing may be saved, and the user can choose another
// account.
func TestNotOnTheList(t *testing.T) {
	a := newApp(t, appOptions{accounts: accounts.Options{DevelopmentMode: &accounts.DevelopmentMode{AllowedUsers: []string{"ada"}}}})
	b := a.browser("grace")
	p := b.visit("/me")
	b.expect(p, http.StatusForbidden, "only users on its list can sign in")
	a.expectError("not-allowed", http.StatusForbidden, "403 Forbidden")
	b.expectNobody()
	if a.records() != 0 {
		t.Error("an authorization was kept")
	}
	again := link(t, p, "Try again")
	b.account = "ada"
	if location := b.get(again, ownPage).header.Get("Location"); parameter(t, location, "show_dialog") != "true" {
		t.Errorf("the user cannot choose another account at %s", location)
	}
	b.expect(b.click(again), http.StatusOK, "ada has  at /me")
}

// TestUserWithoutAccountID checks that users of older services are known by their id.
func TestUserWithoutAccountID(t *testing.T) {
	a := newApp(t, appOptions{keys: []string{keyText}})
	b := a.browser("ada")
	answerProfile(t, a, 1, `{"id":"ada"}`)
	b.expect(b.visit("/auth/login?return_to=/"), http.StatusOK, `home of "ada"`)

	// Without either, users cannot be distinguished.
	nobody := a.browser("ada")
	answerProfile(t, a, 3, `{"display_name":"Ada"}`) // the pool asks three times
	nobody.expect(nobody.visit("/auth/login"), http.StatusBadGateway, "That did not work")
	a.expectError("failed", http.StatusBadGateway, "neither account_id nor id")
	nobody.expectNobody()
	nobody.expectNotDeadEnd("/me")
}

func answerProfile(t *testing.T, a *app, times int, body string) {
	t.Helper()
	err := a.spotify.QueueFault(accounts.Fault{
		Kind: accounts.FaultRespond, Target: accounts.TargetAPI, Status: http.StatusOK, Times: times, Body: body,
		Header: http.Header{"Content-Type": {"application/json"}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSpotifyDownInACallback checks that the page tries the same callback again by
// itself, and signs the user in when Spotify works again.
func TestSpotifyDownInACallback(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault accounts.Fault
		again string // of the header Refresh
	}{
		{"503", accounts.Fault{Kind: accounts.FaultServerError, Times: 3}, "5"},
		{"500", accounts.Fault{Kind: accounts.FaultServerError, Status: 500}, "5"},
		{"connection cut", accounts.Fault{Kind: accounts.FaultCut, Times: 3}, "5"},
		{"rate limit", accounts.Fault{Kind: accounts.FaultRateLimited, RetryAfter: 7e9}, "7"},
		{"long rate limit", accounts.Fault{Kind: accounts.FaultRateLimited, RetryAfter: 3600e9}, "60"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newApp(t, appOptions{})
			ada := a.browser("ada")
			callback := ada.beginAndAgree("/auth/login?return_to=/me")
			test.fault.Target = accounts.TargetToken
			if err := a.spotify.QueueFault(test.fault); err != nil {
				t.Fatal(err)
			}
			p := ada.get(callback, otherSite)
			ada.expect(p, http.StatusServiceUnavailable, "This page tries again by itself")
			if p.header.Get("Refresh") != test.again || p.header.Get("Retry-After") == "" || p.header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("headers %v", p.header)
			}
			a.expectError("delayed", http.StatusServiceUnavailable, "")
			a.spotify.ClearFaults()
			ada.expect(ada.comeFromElsewhere(callback), http.StatusOK, "ada has  at /me")
		})
	}
}

// TestSpotifyStaysDown checks that the page does not try forever.
func TestSpotifyStaysDown(t *testing.T) {
	a := newApp(t, appOptions{keys: []string{keyText}})
	ada := a.browser("ada")
	callback := ada.beginAndAgree("/auth/login?return_to=/me")
	if err := a.spotify.QueueFault(accounts.Fault{Kind: accounts.FaultServerError, Status: 500, Target: accounts.TargetToken, Every: 1}); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		ada.expect(ada.get(callback, otherSite), http.StatusServiceUnavailable, "tries again by itself")
	}
	p := ada.comeFromElsewhere(callback)
	ada.expect(p, http.StatusBadGateway, "That did not work")
	a.expectError("failed", http.StatusBadGateway, "tried too often")
	a.spotify.ClearFaults()
	ada.expect(ada.click(link(t, p, "Sign in again")), http.StatusOK, "ada has  at /me")
}

// TestProfileDownInACallback checks that the login waits for the profile, because
// the code is used up.
func TestProfileDownInACallback(t *testing.T) {
	a := newApp(t, appOptions{})
	ada := a.browser("ada")
	if err := a.spotify.QueueFault(accounts.Fault{Kind: accounts.FaultServerError, Target: accounts.TargetAPI, Times: 3}); err != nil {
		t.Fatal(err)
	}
	ada.expect(ada.visit("/me"), http.StatusOK, "ada has  at /me")
	a.expectCodes(1)
}

// asked tells when the Web API is asked for the profile.
type asked struct {
	http.RoundTripper
	forProfile func()
}

func (a asked) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/v1/me") {
		a.forProfile()
	}
	return a.RoundTripper.RoundTrip(r)
}

// TestProfileDownAndAnotherReplica checks that another replica, which cannot use the
// code again, shows a page with a link to sign in again.
func TestProfileDownAndAnotherReplica(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a := newApp(t, appOptions{change: func(_ *web.Options, p *spotipie.PoolOptions) {
		p.Transport = asked{p.Transport, cancel} // the browser waits no longer
	}})
	ada := a.browser("ada")
	callback := ada.beginAndAgree("/auth/login?return_to=/me")
	if err := a.spotify.QueueFault(accounts.Fault{Kind: accounts.FaultServerError, Target: accounts.TargetAPI, Every: 1}); err != nil {
		t.Fatal(err)
	}
	all := a.replicas
	first := *all[0]
	first.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { all[0].handler.ServeHTTP(w, r.WithContext(ctx)) })
	a.replicas = []*replica{&first}
	ada.expect(ada.get(callback, otherSite), http.StatusServiceUnavailable, "This page tries again by itself")
	a.expectCodes(1)
	a.replicas = all[1:]
	p := ada.comeFromElsewhere(callback)
	ada.expect(p, http.StatusBadGateway, "Signing in again usually takes only a moment.")
	a.spotify.ClearFaults()
	ada.expect(ada.click(link(t, p, "Sign in again")), http.StatusOK, "ada has  at /me")
	if err := all[0].pool.Close(t.Context()); err != nil { // it has given up
		t.Error(err)
	}
	ada.expect(ada.visit("/me"), http.StatusOK, "ada has  at /me")
}

// TestErrorsOfTheCallback covers errors that Spotify sends, and requests that are
// not a callback.
func TestErrorsOfTheCallback(t *testing.T) {
	a := newApp(t, appOptions{})
	for query, want := range map[string]struct {
		page   string
		status int
	}{
		"error=server_error":                {"failed", 502},
		"error=invalid_scope":               {"failed", 502},
		"error=access_denied":               {"denied", 403},
		"error=access_denied&error=x":       {"failed", 502},
		"":                                  {"failed", 502},
		"code=a&code=b":                     {"failed", 502},
		"code=" + strings.Repeat("a", 9000): {"failed", 502},
		"error=%3Cscript%3E":                {"failed", 502},
		"code=x&state=more":                 {"stray", 400},
		"%zz":                               {"stray", 400},
		"problem=denied&code=x":             {"failed", 502},
	} {
		t.Run(query, func(t *testing.T) {
			b := a.browser("ada")
			callback := b.beginAndAgree("/auth/login")
			p := b.comeFromElsewhere("/auth/callback?state=" + parameter(t, callback, "state") + "&" + query)
			b.expect(p, want.status, "")
			if err := a.lastError(); err == nil || err.Page != want.page {
				t.Errorf("OnError heard %v, want page %s", err, want.page)
			}
			if strings.Contains(p.url, "state=") || strings.Contains(p.body, "<script>") {
				t.Errorf("the browser ends at %s", p)
			}
			b.expectNotDeadEnd("/me")
		})
	}
	for _, query := range []string{"", "?", "?code=x", "?state=", "?state=&code=x", "?state=" + strings.Repeat("s", 5000), "?problem=", "?problem=nonsense", "?problem=delayed"} {
		b := a.browser("ada")
		b.expect(b.comeFromElsewhere("/auth/callback"+query), http.StatusBadRequest, "This sign-in is over")
	}
}

// switchableStore fails when it is told to.
type switchableStore struct {
	spotipie.Store
	isDown atomic.Bool
}

var errDown = errors.New("connection refused")

func (s *switchableStore) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	if s.isDown.Load() {
		return spotipie.Record{}, false, errDown
	}
	return s.Store.Load(ctx, key)
}

func (s *switchableStore) Swap(ctx context.Context, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	if s.isDown.Load() {
		return 0, errDown
	}
	return s.Store.Swap(ctx, key, version, rec)
}

func (s *switchableStore) Delete(ctx context.Context, key spotipie.Key) error {
	if s.isDown.Load() {
		return errDown
	}
	return s.Store.Delete(ctx, key)
}

// TestForgetWhileTheStoreIsDown checks that the user sees an error and stays signed
// in if the authorization cannot be deleted. If the session is in memory, the
// authorization is deleted from the store later.
func TestForgetWhileTheStoreIsDown(t *testing.T) {
	store := &switchableStore{Store: spotipie.NewMemoryStore()}
	a := newApp(t, appOptions{store: store, keys: []string{keyText}})
	ada, grace := a.browser("ada"), a.browser("grace")
	grace.signIn()
	a.replicas[0] = a.newReplica(keyText) // has no session in memory
	ada.signIn()
	store.isDown.Store(true)
	grace.expect(grace.submit("/auth/logout", "forget", "true"), http.StatusServiceUnavailable, "needs a moment")
	a.expectError("unavailable", http.StatusServiceUnavailable, "forgetting the authorization")
	ada.expect(ada.submit("/auth/logout", "forget", "true"), http.StatusOK, `home of ""`)
	a.expectError("", 0, "forgetting the authorization")
	store.isDown.Store(false)
	grace.expectUser("grace")
	if err := a.replicas[0].pool.Close(t.Context()); err != nil { // waits until the deletion was tried again
		t.Error(err)
	}
	if n := a.records(); n != 1 {
		t.Errorf("the store has %d records, want Grace's", n)
	}
}

// TestMoreThanACookieHolds uses an app that asks for far more scopes than Spotify has.
func TestMoreThanACookieHolds(t *testing.T) {
	a := newApp(t, appOptions{change: func(_ *web.Options, p *spotipie.PoolOptions) {
		for i := range 300 {
			p.Scope = append(p.Scope, spotipie.Scope(fmt.Sprint("scope-", i)))
		}
	}})
	b := a.browser("ada")
	b.expect(b.visit("/auth/login"), http.StatusInternalServerError, "That did not work")
	a.expectError("failed", http.StatusInternalServerError, "would be too large")
}

// TestStoreDown checks that users whose session is in memory are served, and that
// others see a page until the store works again.
func TestStoreDown(t *testing.T) {
	store := &switchableStore{Store: spotipie.NewMemoryStore()}
	a := newApp(t, appOptions{store: store, keys: []string{keyText}})
	ada, grace := a.browser("ada"), a.browser("grace")
	grace.signIn()
	a.replicas[0] = a.newReplica(keyText) // has no session in memory
	ada.signIn()
	store.isDown.Store(true)
	ada.expectUser("ada")
	p := grace.visit("/")
	grace.expect(p, http.StatusServiceUnavailable, "needs a moment")
	if p.header.Get("Retry-After") != "5" {
		t.Errorf("headers %v", p.header)
	}
	a.expectError("unavailable", http.StatusServiceUnavailable, errDown.Error())
	if status, answer := grace.program("GET", "/me"); status != http.StatusServiceUnavailable || answer["error"] != "unavailable" {
		t.Errorf("a program gets %d, %v", status, answer)
	}
	if again := link(t, grace.visit("/me?a=1&b=2"), "Try again"); again != "/me?a=1&b=2" {
		t.Errorf("the page leads to %s", again)
	}
	a.lastError()
	grace.expect(grace.comeFromElsewhere("/auth/login"), http.StatusOK, "Continue to Spotify") // the app cannot know which user that would replace
	a.expectError("unavailable", http.StatusServiceUnavailable, errDown.Error())
	a.browser("grace").expectNobody() // a user who has never signed in sees the home page

	// A user who signs in meanwhile is signed in at this replica.
	zoe := a.browser("ada")
	zoe.expect(zoe.visit("/auth/login?return_to=/me"), http.StatusOK, "ada has ")
	a.expectError("", 0, errDown.Error())

	store.isDown.Store(false)
	grace.expectUser("grace")
	ada.expectUser("ada")
}

// TestRecordThatCannotBeUsed changes the app so that it needs more scopes of all
// users than earlier users agreed to.
func TestRecordThatCannotBeUsed(t *testing.T) {
	a := newApp(t, appOptions{keys: []string{keyText}})
	ada := a.browser("ada")
	ada.signIn()
	a.change = func(_ *web.Options, p *spotipie.PoolOptions) { p.Scope = spotipie.Scopes{spotipie.ScopeUserReadEmail} }
	a.replicas = []*replica{a.newReplica(keyText), a.newReplica(keyText)}
	ada.expectNobody()
	ada.expect(ada.visit("/me"), http.StatusOK, "ada has user-read-email at /me")
	a.expectError("sign-in", http.StatusUnauthorized, "stored record")
	for range 3 {
		ada.expect(ada.visit("/me"), http.StatusOK, "ada has user-read-email at /me")
	}
	a.expectCodes(2)
}

// TestSessionsThatFail uses sessions in a database that is down.
func TestSessionsThatFail(t *testing.T) {
	sessions := &countingSessions{}
	a := newApp(t, appOptions{keys: []string{keyText}, change: func(o *web.Options, _ *spotipie.PoolOptions) { o.Sessions = sessions }})
	ada := a.browser("ada")
	ada.signIn()
	sessions.fails = errDown
	for _, path := range []string{"/", "/me"} {
		ada.expect(ada.visit(path), http.StatusServiceUnavailable, "needs a moment")
		a.expectError("unavailable", http.StatusServiceUnavailable, "Options.Sessions")
	}
	ada.expect(ada.submit("/auth/logout"), http.StatusServiceUnavailable, "needs a moment")
	ada.expect(ada.visit("/auth/login"), http.StatusServiceUnavailable, "needs a moment")
	a.expectError("unavailable", http.StatusServiceUnavailable, "Options.Sessions")
	sessions.fails = nil
	ada.expectUser("ada")
}

// lastingSessions signs nobody out.
type lastingSessions struct{ countingSessions }

func (s *lastingSessions) SignOut(http.ResponseWriter, *http.Request) error { return errDown }

// TestUserWhoCannotBeSignedOut checks that nobody takes the place of a user who could
// not be signed out: the app may keep something of theirs.
func TestUserWhoCannotBeSignedOut(t *testing.T) {
	sessions := &lastingSessions{}
	a := newApp(t, appOptions{keys: []string{keyText}, change: func(o *web.Options, _ *spotipie.PoolOptions) { o.Sessions = sessions }})
	b := a.browser("ada")
	b.signIn()
	b.account = "grace"
	b.expect(b.click("/auth/login?show_dialog=true"), http.StatusServiceUnavailable, "needs a moment")
	a.expectError("unavailable", http.StatusServiceUnavailable, "signing the previous user out")
	b.expectUser("ada")
}

// TestReplicaThatEnds stops a replica in the middle of a login. Another one
// continues it.
func TestReplicaThatEnds(t *testing.T) {
	a := newApp(t, appOptions{})
	ada := a.browser("ada")
	callback := ada.beginAndAgree("/auth/login?return_to=/me")
	all := a.replicas
	a.replicas = all[:1]
	if err := all[0].pool.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	ada.expect(ada.get(callback, otherSite), http.StatusServiceUnavailable, "tries again by itself")
	ada.expect(ada.visit("/auth/login"), http.StatusInternalServerError, "That did not work")
	a.replicas = all[1:]
	ada.expect(ada.comeFromElsewhere(callback), http.StatusOK, "ada has  at /me")
}

// TestCancelledCallback checks that a browser that leaves and comes back joins the
// same login.
func TestCancelledCallback(t *testing.T) {
	a := newApp(t, appOptions{keys: []string{keyText}})
	ada := a.browser("ada")
	callback := ada.beginAndAgree("/auth/login?return_to=/me")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	handler := a.replicas[0].handler
	a.replicas[0].handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r.WithContext(ctx))
	})
	ada.expect(ada.get(callback, otherSite), http.StatusServiceUnavailable, "tries again by itself")
	a.replicas[0].handler = handler
	p := ada.comeFromElsewhere(callback)
	if p.status == http.StatusBadGateway { // the first try had ended before the second began
		p = ada.click(link(t, p, "Sign in again"))
	}
	ada.expect(p, http.StatusOK, "ada has  at /me")
}

// TestCallbackTwiceAtOnce sends a callback twice, as an impatient user does. The
// second request joins the first, and the code is sent once.
func TestCallbackTwiceAtOnce(t *testing.T) {
	a := newApp(t, appOptions{keys: []string{keyText}})
	ada := a.browser("ada")
	callback := ada.beginAndAgree("/auth/login?return_to=/me")
	cookies := ada.cookies("-login-")
	if err := a.spotify.QueueFault(accounts.Fault{Kind: accounts.FaultSlow, Delay: 300 * time.Millisecond, Target: accounts.TargetToken}); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	var signedIn atomic.Int32
	for range 4 {
		group.Go(func() {
			b := a.browser("ada")
			for _, c := range cookies {
				b.setCookie(c.Name, c.Value)
			}
			if p := b.get(callback, otherSite); p.header.Get("Location") == "/me" {
				signedIn.Add(1)
			}
		})
	}
	group.Wait()
	if signedIn.Load() == 0 {
		t.Error("nobody is signed in")
	}
	a.expectCodes(1)
}
