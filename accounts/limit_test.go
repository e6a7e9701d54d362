package accounts_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spotipie/spotipie/accounts"
)

const (
	rateLimited   = `{"error":{"status":429,"message":"API rate limit exceeded"}}`
	quotaExceeded = `{"error":{"status":429,"message":"Too many requests","reason":"QUOTA_EXCEEDED"}}`
)

func aMoment() time.Time { return time.Date(2026, time.November, 24, 9, 0, 0, 0, time.UTC) }

// token of the second app.
func (w *world) otherAppToken(t *testing.T) string {
	t.Helper()
	return w.publicToken("grant_type", "client_credentials", "client_id", otherID, "client_secret", otherSecret).tokens(t).AccessToken
}

// The limit holds in every window of 30 seconds, for all users of the app together.
func TestRateLimit(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true, RateLimit: 3, Now: aMoment})
	path, ada, grace := "/v1/artists/"+someArtist, w.login("").AccessToken, w.loginAs("grace", "").AccessToken
	w.get(path, ada).object(t)
	w.Advance(10 * time.Second)
	w.get(path, grace).object(t)
	w.get(path, w.appToken()).object(t)
	for range 3 { // refused requests do not count
		w.get(path, ada).expect(t, 429, rateLimited, "Retry-After", "20")
	}
	w.get(path, w.otherAppToken(t)).object(t) // another app
	w.Advance(19*time.Second + time.Millisecond)
	w.get(path, grace).expect(t, 429, rateLimited, "Retry-After", "1")
	w.Advance(999 * time.Millisecond)
	w.get(path, ada).object(t)
	w.get(path, ada).expect(t, 429, rateLimited, "Retry-After", "10")
	w.get("/v1/me", "made-up") // a token of no app: 401
}

// The quota holds in every window of 24 hours, for all apps of a developer together.
func TestDailyQuota(t *testing.T) {
	third, thirdSecret := "44444444444444444444444444444444", "s"
	w := newWorld(t, accounts.Options{AutoApprove: true, Now: aMoment, DevelopmentMode: &accounts.DevelopmentMode{DailyQuota: 2},
		Apps: []accounts.App{
			{ClientID: clientID, ClientSecret: clientSecret, RedirectURIs: []string{redirectURI}},
			{ClientID: otherID, ClientSecret: otherSecret},
			{ClientID: third, ClientSecret: thirdSecret, Developer: "somebody else"},
		}})
	path, first, second := "/v1/artists/"+someArtist, w.appToken(), w.otherAppToken(t)
	w.get(path, first).object(t)
	w.Advance(30 * time.Minute)
	w.get(path, second).object(t)
	w.get(path, first).expect(t, 429, quotaExceeded, "Retry-After", "84600", "Content-Type", apiJSON)
	w.get(path, second).expect(t, 429, quotaExceeded, "Retry-After", "84600")
	token := w.publicToken("grant_type", "client_credentials", "client_id", third, "client_secret", thirdSecret).tokens(t).AccessToken
	w.get(path, token).object(t) // another developer
	w.Advance(84600 * time.Second)
	first = w.appToken()
	w.get(path, first).object(t)
	w.get(path, first).expect(t, 429, quotaExceeded, "Retry-After", "1800")
}

func TestQuotaFault(t *testing.T) {
	w := newWorld(t, accounts.Options{})
	token := w.appToken()
	w.queue(accounts.Fault{Kind: accounts.FaultQuotaExceeded})
	w.queue(accounts.Fault{Kind: accounts.FaultQuotaExceeded, RetryAfter: 48925 * time.Second})
	w.get("/v1/search?q=a&type=track", token).expect(t, 429, quotaExceeded, "Retry-After", "86400")
	w.get("/v1/search?q=a&type=track", token).expect(t, 429, quotaExceeded, "Retry-After", "48925")
}

// Exactly as many requests succeed as the limit allows, even if they come at the same
// time.
func TestRateLimitRace(t *testing.T) {
	w := newWorld(t, accounts.Options{RateLimit: 10, Now: aMoment})
	token := w.appToken()
	var passed atomic.Int32
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			if w.get("/v1/artists/"+someArtist, token).status == 200 {
				passed.Add(1)
			}
		})
	}
	wg.Wait()
	if passed.Load() != 10 {
		t.Errorf("%d requests got through, want 10", passed.Load())
	}
}

// A fault with a path does not affect requests of other paths.
func TestFaultOfOnePath(t *testing.T) {
	w := newWorld(t, accounts.Options{})
	token := w.appToken()
	w.queue(accounts.Fault{Kind: accounts.FaultRateLimited, Path: "/v1/search", Every: 1, RetryAfter: time.Hour})
	w.queue(accounts.Fault{Kind: accounts.FaultEndpointRemoved, Path: "/v1/markets/"})
	w.get("/v1/artists/"+someArtist, token).object(t)
	w.get("/v1/search?q=a&type=track", token).expect(t, 429, rateLimited, "Retry-After", "3600")
	w.get("/v1/search/?q=a&type=track", token).expect(t, 429, rateLimited, "Retry-After", "3600")
	w.get("/v1/markets", token).expect(t, 403, forbidden)
	w.get("/v1/markets", token).object(t)
	for name, fault := range map[string]accounts.Fault{
		"a path without a slash":           {Kind: accounts.FaultCut, Path: "v1/me"},
		"the path of another target":       {Kind: accounts.FaultCut, Path: "/v1/me", Target: accounts.TargetToken},
		"a path that has no faults":        {Kind: accounts.FaultCut, Path: "/_service/stats"},
		"a kind that the path cannot have": {Kind: accounts.FaultRevoked, Path: "/v1/me"},
	} {
		if err := w.QueueFault(fault); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	for _, fault := range []accounts.Fault{
		{Kind: accounts.FaultServerError, Path: "/de-CH/authorize", Target: accounts.TargetAuthorize},
		{Kind: accounts.FaultRevoked, Path: "/api/token/", Target: accounts.TargetToken},
		{Kind: accounts.FaultExpired, Path: "/v1/me", Target: accounts.TargetAPI},
	} {
		w.queue(fault)
	}
}
