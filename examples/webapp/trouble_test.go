package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/internal/testservices"
)

// newDatabaseBehindProxy returns the address of a database behind a proxy.
func newDatabaseBehindProxy(t *testing.T) (address string, proxy *testservices.Proxy) {
	t.Helper()
	u, err := url.Parse(newDatabase(t, services.Postgres(t)))
	if err != nil {
		t.Fatal(err)
	}
	proxy = testservices.NewProxy(t, u.Host)
	u.Host = proxy.Address
	return u.String(), proxy
}

// TestDatabaseDown checks that each request gets a page, and that everything works again
// when the database does.
func TestDatabaseDown(t *testing.T) {
	address, proxy := newDatabaseBehindProxy(t)
	s := newSite(t, siteOptions{database: address})
	b := s.browser("ada")
	b.signIn()
	stranger := s.browser("grace")
	callback := stranger.agree(stranger.once(http.MethodGet, "/auth/login", ownPage).header.Get("Location"))
	proxy.Cut()
	for _, path := range []string{"/", "/tracks", "/account"} {
		got := b.get(path)
		b.expect(got, http.StatusServiceUnavailable, "needs a moment")
		if got.header.Get("Retry-After") == "" || strings.Contains(got.body, "postgres") {
			t.Errorf("%s: headers %v", path, got.header)
		}
	}
	b.expect(b.post("/account/delete"), http.StatusServiceUnavailable, "needs a moment")
	b.expect(b.post("/auth/logout"), http.StatusServiceUnavailable, "needs a moment")
	stranger.expectNobody() // a visitor without a session needs no database
	got := stranger.get(strings.TrimPrefix(callback, s.url))
	if got.status < 500 || !strings.Contains(got.body, "<h1>") {
		t.Errorf("a sign-in ends with %d: %s", got.status, got.main())
	}
	proxy.Pass()
	b.expect(b.get("/"), http.StatusOK, "Hello, <bdi>Ada")
	stranger.signIn()
}

// TestDatabaseHangs checks that users get a page if the database does not answer.
func TestDatabaseHangs(t *testing.T) {
	address, proxy := newDatabaseBehindProxy(t)
	s := newSite(t, siteOptions{database: address, timeout: 300 * time.Millisecond})
	b := s.browser("ada")
	b.signIn()
	proxy.Hang()
	got := b.get("/")
	b.expect(got, http.StatusServiceUnavailable, "needs a moment")
	if !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") || got.header.Get("Content-Security-Policy") == "" {
		t.Errorf("headers %v", got.header)
	}
	proxy.Cut()
}

// TestSessionNotKept checks that a sign-in fails with a page if its session cannot be
// saved.
func TestSessionNotKept(t *testing.T) {
	s := newSite(t, siteOptions{})
	b := s.browser("ada")
	callback := b.agree(b.once(http.MethodGet, "/auth/login", ownPage).header.Get("Location"))
	if _, err := s.db.Exec(t.Context(), "ALTER TABLE sessions RENAME TO elsewhere"); err != nil {
		t.Fatal(err)
	}
	got := b.once(http.MethodGet, strings.TrimPrefix(callback, s.url), otherSite)
	b.expect(got, http.StatusServiceUnavailable, "needs a moment")
	if got.header.Get("Location") != "" || b.cookie() != nil {
		t.Errorf("headers %v", got.header)
	}
	b.expectNobody()
	if _, err := s.db.Exec(t.Context(), "ALTER TABLE elsewhere RENAME TO sessions"); err != nil {
		t.Fatal(err)
	}
	b.signIn()
}

// TestSpotifyDown checks that pages that need Spotify say that it is down, and that the
// user stays signed in.
func TestSpotifyDown(t *testing.T) {
	s := newSite(t, siteOptions{})
	b := s.browser("ada")
	b.signIn()
	if err := s.spotify.QueueFault(accounts.Fault{Kind: accounts.FaultServerError, Target: accounts.TargetAPI, Path: "/v1/me"}); err != nil {
		t.Fatal(err)
	}
	b.expect(b.get("/"), http.StatusBadGateway, "That did not work")
	b.expect(b.get("/"), http.StatusOK, "Hello, <bdi>Ada")
	if err := s.spotify.QueueFault(accounts.Fault{Kind: accounts.FaultRateLimited, Target: accounts.TargetAPI, Path: "/v1/me", RetryAfter: 7 * time.Second}); err != nil {
		t.Fatal(err)
	}
	got := b.get("/")
	b.expect(got, http.StatusServiceUnavailable, "needs a moment")
	if after := got.header.Get("Retry-After"); after != "7" {
		t.Errorf("Retry-After: %q", after)
	}
	b.expect(b.get("/nowhere"), http.StatusNotFound, "There is nothing here")
}
