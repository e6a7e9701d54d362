package accounts_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/spotipie/spotipie/accounts"
)

func preflight(path, method string) *http.Request {
	r := httptest.NewRequest("OPTIONS", path, nil)
	r.Header.Set("Origin", "https://page.example")
	r.Header.Set("Access-Control-Request-Method", method)
	r.Header.Set("Access-Control-Request-Headers", "authorization")
	return r
}

func expectCORS(t *testing.T, name string, a answer) {
	t.Helper()
	for header, want := range map[string]string{
		"Access-Control-Allow-Origin":  "*",
		"Access-Control-Allow-Methods": "GET, POST, OPTIONS, PUT, DELETE, PATCH",
		"Access-Control-Allow-Headers": "Accept, App-Platform, Authorization, Content-Type, Origin, Retry-After, Spotify-App-Version, X-Cloud-Trace-Context, client-token, content-access-token",
		"Access-Control-Max-Age":       "604800",
	} {
		if got := a.header.Get(header); got != want {
			t.Errorf("%s: %s: %q, want %q", name, header, got, want)
		}
	}
}

// A page of any origin may use /api/token and the whole Web API, and read every
// answer.
func TestCORS(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	token := w.login(allScopes).AccessToken
	for _, path := range []string{"/api/token", "/v1/me", "/v1/me/", "/v1/nothing", "/v1/me/player/play"} {
		a := w.do(preflight(path, "PUT"))
		if a.status != http.StatusNoContent || a.body != "" {
			t.Errorf("%s: %d %q", path, a.status, a.body)
		}
		expectCORS(t, "preflight of "+path, a)
	}
	if got := w.Stats().APIRequests; got != 0 {
		t.Errorf("%d preflights were counted", got)
	}
	for name, a := range map[string]answer{
		"a token":         w.token("grant_type", "client_credentials"),
		"a token refused": w.token("grant_type", "password"),
		"GET a token":     w.do(httptest.NewRequest("GET", "/api/token", nil)),
		"a profile":       w.get("/v1/me", token),
		"401":             w.get("/v1/me", "made-up"),
		"403":             w.get("/v1/me/tracks", w.login("").AccessToken),
		"404":             w.get("/v1/nothing", token),
		"204":             w.put("/v1/me/player/play", token, ""),
	} {
		expectCORS(t, name, a)
	}
	for _, kind := range []accounts.FaultKind{
		accounts.FaultRateLimited, accounts.FaultRateLimitedPlain, accounts.FaultServerError,
		accounts.FaultExpired, accounts.FaultUserNotRegistered, accounts.FaultOwnerNotPremium,
	} {
		w.queue(accounts.Fault{Kind: kind, Target: accounts.TargetAPI, RetryAfter: time.Second})
		expectCORS(t, string(kind), w.get("/v1/me", token))
	}
}

// No page of another origin may read the consent page, or what only this machine may
// ask.
func TestNoCORS(t *testing.T) {
	w := newWorld(t, accounts.Options{})
	for _, path := range []string{"/authorize?" + authorizeQuery().Encode(), "/_service/stats", "/"} {
		for _, r := range []*http.Request{httptest.NewRequest("GET", path, nil), preflight(path, "GET")} {
			r.Header.Set("Origin", "https://page.example")
			if got := w.do(r).header.Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("%s %s: Access-Control-Allow-Origin %q", r.Method, path, got)
			}
		}
	}
}

// Widely used clients send a slash at the end of a path.
func TestSlashAtTheEnd(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	token := w.login(allScopes).AccessToken
	for _, path := range []string{"/v1/me", "/v1/me/tracks", "/v1/me/player", "/v1/search"} {
		query := ""
		if path == "/v1/search" {
			query = "?q=velvet&type=track"
		}
		with, without := w.get(path+"/"+query, token), w.get(path+query, token)
		if with.status != http.StatusOK || with.body != without.body {
			t.Errorf("%s/: %d %.100s", path, with.status, with.body)
		}
	}
	w.get("/v1/me//", token).expect(t, 404, `{"error":{"status":404,"message":"Service not found"}}`)
}
