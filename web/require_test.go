package web_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/web"
)

// TestMoreScopes checks that each page asks for the scopes that it needs and those
// that were granted before.
func TestMoreScopes(t *testing.T) {
	a := newApp(t, appOptions{})
	ada := a.browser("ada")
	ada.expect(ada.visit("/me"), http.StatusOK, "ada has  at")
	ada.expect(ada.click("/library?page=2"), http.StatusOK, "ada has user-library-read at /library?page=2")
	ada.expect(ada.click("/playlists"), http.StatusOK, "ada has playlist-read-private user-library-read at /playlists")
	ada.expect(ada.click("/library"), http.StatusOK, "ada has playlist-read-private user-library-read at /library")
	a.expectCodes(3)
	a.spotify.Advance(2 * time.Hour) // after a renewal too
	ada.expect(ada.visit("/library"), http.StatusOK, "ada has playlist-read-private user-library-read at /library")
	a.expectCodes(3)
	if n := a.records(); n != 1 {
		t.Errorf("%d records", n)
	}
}

func TestMoreScopesThatAreDenied(t *testing.T) {
	a := newApp(t, appOptions{})
	b := a.browser("ada")
	b.signIn()
	b.account = ""
	p := b.click("/library")
	b.expect(p, http.StatusForbidden, "You did not agree")
	a.expectError("denied", http.StatusForbidden, "access_denied")
	b.expectUser("ada")
	b.account = "ada"
	b.expect(b.click(link(t, p, "Ask me again")), http.StatusOK, "ada has user-library-read at /library")
}

// link returns the address of a link on a page.
func link(t *testing.T, p page, text string) string {
	t.Helper()
	before, _, found := strings.Cut(p.body, `">`+text)
	i := strings.LastIndex(before, `href="`)
	if !found || i < 0 {
		t.Fatalf("there is no link %q in %s", text, p)
	}
	return strings.ReplaceAll(before[i+len(`href="`):], "&amp;", "&")
}

// action returns the address to which a page's form is sent.
func action(t *testing.T, p page) string {
	t.Helper()
	_, rest, found := strings.Cut(p.body, `action="`)
	target, _, _ := strings.Cut(rest, `"`)
	if !found {
		t.Fatalf("there is no form in %s", p)
	}
	return strings.ReplaceAll(target, "&amp;", "&")
}

// TestForms checks that forms get a page, because they cannot be redirected to
// Spotify and back.
func TestForms(t *testing.T) {
	a := newApp(t, appOptions{})
	ada := a.browser("ada")
	p := ada.submit("/library")
	ada.expect(p, http.StatusUnauthorized, "Sign in to")
	a.expectCodes(0)
	ada.expect(ada.submit(action(t, p)), http.StatusOK, "home of")
	ada.expect(ada.submit("/library"), http.StatusOK, "ada has user-library-read at /library")
	p = ada.submit("/playlists")
	ada.expect(p, http.StatusForbidden, "See your private playlists")
	ada.expect(ada.submit(action(t, p)), http.StatusOK, "home of")
	ada.expect(ada.submit("/playlists"), http.StatusOK, "ada has playlist-read-private user-library-read at /playlists")
}

// TestOnlyVisitsAreSentToSpotify checks that a request that could not be repeated
// afterwards begins no login and does not reach the handler.
func TestOnlyVisitsAreSentToSpotify(t *testing.T) {
	a := newApp(t, appOptions{})
	nobody, ada := a.browser("ada"), a.browser("ada")
	ada.signIn()
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
		for b, refused := range map[*browser]int{nobody: http.StatusUnauthorized, ada: http.StatusForbidden} {
			req, err := http.NewRequestWithContext(t.Context(), method, a.url+"/library", nil)
			if err != nil {
				t.Fatal(err)
			}
			p := b.do(req, ownPage)
			if method == "GET" || method == "HEAD" {
				refused = http.StatusSeeOther
			}
			if p.status != refused || (p.header.Get("Location") != "") != (refused == http.StatusSeeOther) || p.header.Get("Set-Cookie") != "" || strings.Contains(p.body, "ada has") {
				t.Errorf("%s: %s, headers %v; want %d", method, p, p.header, refused)
			}
		}
	}
}

// TestPrograms checks that programs get JSON with the address at which a user signs in.
func TestPrograms(t *testing.T) {
	a := newApp(t, appOptions{})
	ada := a.browser("ada")
	status, answer := ada.program("GET", "/me")
	if status != http.StatusUnauthorized || answer["error"] != "login_required" || answer["login_url"] != "/auth/login" {
		t.Errorf("nobody: %d %v", status, answer)
	}
	ada.signIn()
	for _, method := range []string{"GET", "POST"} {
		status, answer = ada.program(method, "/library")
		missing, _ := answer["missing"].([]any)
		if status != http.StatusForbidden || answer["error"] != "insufficient_scope" || len(missing) != 1 || missing[0] != "user-library-read" {
			t.Errorf("%s without the scope: %d %v", method, status, answer)
		}
	}
	login, _ := answer["login_url"].(string)
	ada.expect(ada.click(login+"&return_to=/library"), http.StatusOK, "ada has user-library-read at /library")
	if status, _ := ada.program("GET", "/library"); status != http.StatusOK {
		t.Errorf("with the scope: %d", status)
	}
}

func TestWhoGetsJSON(t *testing.T) {
	a := newApp(t, appOptions{})
	for _, test := range []struct {
		name, accept, mode string
		json               bool
	}{
		{"browser", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "navigate", false},
		{"browser that wants JSON", "application/json", "navigate", false},
		{"fetch", "*/*", "cors", true},
		{"image", "image/avif,image/webp,*/*", "no-cors", true},
		{"curl", "*/*", "", false},
		{"nothing said", "", "", false},
		{"program", "application/json", "", true},
		{"program that takes problems", "application/problem+json; q=1", "", true},
		{"old browser", "text/html, application/json", "", false},
		{"nonsense", ";;;,,", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/library", nil)
			r.Header.Set("Accept", test.accept)
			if test.mode != "" {
				r.Header.Set("Sec-Fetch-Mode", test.mode)
			}
			w := httptest.NewRecorder()
			a.replicas[0].handler.ServeHTTP(w, r)
			if got := w.Code == http.StatusUnauthorized; got != test.json || !got && w.Code != http.StatusSeeOther {
				t.Errorf("got %d", w.Code)
			}
		})
	}
}

// TestRequireReturnsToTheAppOnly checks this for hostile request lines.
func TestRequireReturnsToTheAppOnly(t *testing.T) {
	a := newApp(t, appOptions{})
	for target, want := range map[string]string{
		"/library?x=1":                 "/auth/login?return_to=%2Flibrary%3Fx%3D1",
		"http://evil.example/library":  "/auth/login",
		"//evil.example/library":       "/auth/login",
		"/library/%2e%2e//evil":        "/auth/login",
		`/library\evil`:                "/auth/login",
		"/" + strings.Repeat("x", 999): "/auth/login",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/library", nil)
		r.RequestURI = target
		w := httptest.NewRecorder()
		a.replicas[0].auth.Require()(http.NotFoundHandler()).ServeHTTP(w, r)
		if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != want {
			t.Errorf("%s: %d, %s", target, w.Code, got)
		}
	}
}

// TestRefusedRefreshToken checks that the user can sign in again, and that both
// replicas learn of it.
func TestRefusedRefreshToken(t *testing.T) {
	for name, path := range map[string]string{"require": "/me", "with a scope": "/library"} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{})
			ada := a.browser("ada")
			ada.expect(ada.visit("/library"), http.StatusOK, "ada has user-library-read")
			ada.expect(ada.visit("/library"), http.StatusOK, "ada has user-library-read")
			a.spotify.RevokeUser(a.creds.ClientID, "ada")
			a.spotify.Advance(2 * time.Hour)
			for range 2 { // both replicas
				if status, answer := ada.program("GET", path); status != http.StatusUnauthorized || answer["error"] != "login_required" {
					t.Errorf("got %d, %v", status, answer)
				}
				a.expectError("sign-in", http.StatusUnauthorized, "the user must authorize this app again")
			}
			for range 4 {
				ada.expect(ada.visit(path), http.StatusOK, "ada has user-library-read")
			}
			a.expectCodes(2)
		})
	}
}

// TestErrorOfAHandler checks that errors of a session in a handler become the right
// answers.
func TestErrorOfAHandler(t *testing.T) {
	var failure error
	a := newApp(t, appOptions{keys: []string{keyText}})
	auth := a.replicas[0].auth
	a.replicas[0].handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/auth/") {
			auth.ServeHTTP(w, r)
			return
		}
		auth.Error(w, r, failure)
	})
	less := &spotipie.InsufficientScopeError{Needed: spotipie.Scopes{spotipie.ScopeUserTopRead}, Missing: spotipie.Scopes{spotipie.ScopeUserTopRead}}
	for _, test := range []struct {
		err           error
		page          string
		status        int
		location, try string
	}{
		{spotipie.ErrReauthorizationRequired, "sign-in", 401, "/auth/login?return_to=%2Fx", ""},
		{spotipie.ErrNotAuthorized, "", 0, "/auth/login?return_to=%2Fx", ""},
		{less, "", 0, "/auth/login?ask=", ""},
		{&spotipie.RateLimitError{StatusCode: 429, RetryAfter: 2500 * time.Millisecond}, "unavailable", 503, "", "3"},
		{&spotipie.StoreError{Op: "load", Err: http.ErrServerClosed}, "unavailable", 503, "", "5"},
		{&spotipie.APIError{StatusCode: 500}, "failed", 502, "", ""},
		{http.ErrHandlerTimeout, "failed", 502, "", ""},
	} {
		failure = test.err
		p := a.browser("ada").get("/x", typed)
		if location := p.header.Get("Location"); !strings.HasPrefix(location, test.location) || (location == "") != (test.location == "") {
			t.Errorf("%v: location %s", test.err, location)
		}
		if test.location == "" && p.status != test.status || p.header.Get("Retry-After") != test.try {
			t.Errorf("%v: %d, Retry-After %s", test.err, p.status, p.header.Get("Retry-After"))
		}
		if test.page != "" {
			a.expectError(test.page, test.status, "web: ")
		} else if err := a.lastError(); err != nil {
			t.Errorf("%v: OnError heard %v", test.err, err)
		}
	}
}

// TestUserGrantsLess checks that a user who grants less than was asked for sees a
// page, and is not sent to Spotify again and again.
func TestUserGrantsLess(t *testing.T) {
	a := newApp(t, appOptions{})
	ada := a.browser("ada")
	ada.signIn()
	const body = `{"access_token":"AQ","token_type":"Bearer","expires_in":3600,"refresh_token":"AR","scope":"user-top-read"}`
	err := a.spotify.QueueFault(accounts.Fault{
		Kind: accounts.FaultRespond, Target: accounts.TargetToken, Status: http.StatusOK, Body: body,
		Header: http.Header{"Content-Type": {"application/json"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	answerProfile(t, a, 1, `{"id":"ada","account_id":"`+mustList(t, a.store)[0].Profile+`"}`)
	p := ada.click("/library")
	ada.expect(p, http.StatusForbidden, "You are signed in, with fewer permissions")
	a.expectError("granted-less", http.StatusForbidden, "user-library-read")
	ada.expect(ada.click(link(t, p, "Ask me again")), http.StatusOK, "ada has user-library-read user-top-read at /library")
}

// TestAnswersAreNotForSharedCaches.
func TestAnswersAreNotForSharedCaches(t *testing.T) {
	a := newApp(t, appOptions{})
	ada := a.browser("ada")
	if p := ada.get("/", typed); p.header.Get("Cache-Control") != "" || p.header.Get("Vary") != "Cookie" {
		t.Errorf("nobody: %v", p.header)
	}
	ada.signIn()
	for _, path := range []string{"/", "/me"} {
		if p := ada.get(path, typed); p.header.Get("Cache-Control") != "private" || p.header.Get("Vary") != "Cookie" {
			t.Errorf("%s: %v", path, p.header)
		}
	}
}

// TestMiddlewareInMiddleware checks that the user is looked up only once.
func TestMiddlewareInMiddleware(t *testing.T) {
	sessions := &countingSessions{user: ""}
	a := newApp(t, appOptions{keys: []string{keyText}, change: func(o *web.Options, _ *spotipie.PoolOptions) { o.Sessions = sessions }})
	auth := a.replicas[0].auth
	handler := auth.Middleware(auth.Require()(auth.Middleware(http.NotFoundHandler())))
	a.replicas[0].handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/auth/") {
			auth.ServeHTTP(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	})
	b := a.browser("ada")
	b.expect(b.visit("/x"), http.StatusNotFound, "")
	sessions.asked = 0
	p := b.get("/x", typed)
	if sessions.asked != 1 || p.status != http.StatusNotFound || len(slices.Compact(p.header.Values("Vary"))) != 1 {
		t.Errorf("asked %d times, got %s", sessions.asked, p)
	}
}

// TestMiddlewareOfTwoApps checks that a user of one app is not signed in to the other.
func TestMiddlewareOfTwoApps(t *testing.T) {
	one, other := twoApps(t)
	one.signIn()
	handler := one.replicas[0].auth.Middleware(other.replicas[0].auth.Require()(http.NotFoundHandler()))
	one.replicas[0].handler = handler
	if p := one.get("/x", typed); p.status != http.StatusSeeOther {
		t.Errorf("got %s", p)
	}
}

// TestSignedInElsewhere checks that a replica looks again for the authorization of
// a user who had none.
func TestSignedInElsewhere(t *testing.T) {
	a := newApp(t, appOptions{})
	ada := a.browser("ada")
	ada.signIn()
	key := mustList(t, a.store)[0]
	if err := a.store.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	old, fresh := a.newReplica(keyText), a.newReplica(keyText)
	a.replicas = []*replica{old}
	ada.expectNobody()
	a.replicas = []*replica{fresh}
	ada.signIn()
	a.replicas = []*replica{old}
	ada.expect(ada.get("/me", typed), http.StatusOK, "ada has ")
}

// countingSessions always has the same user, like a program for one person. It
// counts the calls.
type countingSessions struct {
	user  string
	asked int
	fails error
}

func (s *countingSessions) SignIn(_ http.ResponseWriter, _ *http.Request, user string) error {
	s.user = user
	return s.fails
}

func (s *countingSessions) User(*http.Request) (string, error) {
	s.asked++
	return s.user, s.fails
}

func (s *countingSessions) SignOut(http.ResponseWriter, *http.Request) error {
	s.user = ""
	return s.fails
}
