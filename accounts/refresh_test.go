package accounts_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spotipie/spotipie/accounts"
)

const (
	bodyRevoked = `{"error":"invalid_grant","error_description":"Refresh token revoked"}`
	bodyExpired = `{"error":"invalid_grant","error_description":"Refresh token expired"}`
)

func (w *world) refresh(token string) answer {
	w.t.Helper()
	return w.token("grant_type", "refresh_token", "refresh_token", token)
}

func TestTokenAnswers(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	first := w.login("user-read-private user-read-email")
	if first.TokenType != "Bearer" || first.ExpiresIn != 3600 || first.Scope == nil || *first.Scope != "user-read-email user-read-private" ||
		!strings.HasPrefix(first.AccessToken, "BQ") || !strings.HasPrefix(first.RefreshToken, "AQ") {
		t.Errorf("code exchange: %+v", first)
	}
	second := w.refresh(first.RefreshToken).tokens(t)
	if second.RefreshToken != "" || second.AccessToken == first.AccessToken || second.Scope == nil || *second.Scope != *first.Scope {
		t.Errorf("refresh: %+v", second)
	}
	narrow := w.token("grant_type", "refresh_token", "refresh_token", first.RefreshToken, "scope", "user-read-email").tokens(t)
	if *narrow.Scope != "user-read-email" {
		t.Errorf("narrowed to %q", *narrow.Scope)
	}
	own := w.token("grant_type", "client_credentials").tokens(t)
	if own.RefreshToken != "" || own.Scope != nil || own.ExpiresIn != 3600 || own.TokenType != "Bearer" {
		t.Errorf("client credentials: %+v", own)
	}
	w.publicToken("grant_type", "client_credentials", "client_id", clientID, "client_secret", clientSecret).tokens(t)
}

func TestAnswerHeaders(t *testing.T) {
	a := newWorld(t, accounts.Options{}).token("grant_type", "client_credentials")
	a.expect(t, http.StatusOK, a.body, "Content-Type", "application/json;charset=UTF-8", "Cache-Control", "no-store", "Pragma", "no-cache")
	for _, name := range []string{"refresh_token", "scope"} {
		if strings.Contains(a.body, name) {
			t.Errorf("the answer has %s, but should not", name)
		}
	}
}

// Refreshing does not extend the six months. A new login begins another six months.
func TestSixMonths(t *testing.T) {
	start := time.Date(2026, time.January, 31, 9, 0, 0, 0, time.UTC)
	w := newWorld(t, accounts.Options{AutoApprove: true, Now: func() time.Time { return start }})
	token := w.login("").RefreshToken
	end := start.AddDate(0, 6, 0)
	for w.Now().Before(end.Add(-30 * 24 * time.Hour)) {
		w.Advance(29 * 24 * time.Hour)
		w.refresh(token).tokens(t)
	}
	w.Advance(end.Sub(w.Now()) - time.Second)
	w.refresh(token).tokens(t)
	w.Advance(time.Second)
	w.refresh(token).expect(t, 400, bodyExpired)
	w.Advance(10 * 365 * 24 * time.Hour)
	w.refresh(token).expect(t, 400, bodyExpired)
	w.refresh(w.login("").RefreshToken).tokens(t)
}

func TestRefreshTokenLifetime(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true, RefreshTokenLifetime: time.Minute, RotateAllRefreshTokens: true})
	token := w.login("").RefreshToken
	w.Advance(40 * time.Second)
	token = w.refresh(token).tokens(t).RefreshToken
	w.Advance(20 * time.Second)
	w.refresh(token).expect(t, 400, bodyExpired)
}

func TestRotation(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true, RotateAllRefreshTokens: true})
	first := w.login("").RefreshToken
	other := w.login("").RefreshToken
	second := w.refresh(first).tokens(t).RefreshToken
	third := w.refresh(second).tokens(t).RefreshToken
	if first == second || second == third || third == "" {
		t.Fatal("refresh tokens were not rotated")
	}
	w.refresh(first).expect(t, 400, bodyRevoked)
	w.refresh(third).expect(t, 400, bodyRevoked) // reuse has revoked the newest token too
	w.refresh(other).tokens(t)                   // but not the tokens of another login
}

// As observed at Spotify, rotation is only for clients without a secret.
func TestRotationOfPublicClients(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true, RotateRefreshTokens: true})
	secret := w.login("").RefreshToken
	for range 2 {
		if got := w.refresh(secret).tokens(t).RefreshToken; got != "" {
			t.Error("a refresh token of a client with a secret was rotated")
		}
	}
	public := w.publicLogin().RefreshToken
	renewed := w.publicRefresh(public).tokens(t).RefreshToken
	if renewed == "" || renewed == public {
		t.Fatal("a refresh token of a client without a secret was not rotated")
	}
	w.publicRefresh(public).expect(t, 400, bodyRevoked)
	w.publicRefresh(renewed).expect(t, 400, bodyRevoked)
}

// publicLogin logs in with PKCE, for the app without a secret.
func (w *world) publicLogin() tokens {
	w.t.Helper()
	code := w.code("client_id", publicID, "code_challenge_method", "S256", "code_challenge", challenge)
	return w.publicToken("grant_type", "authorization_code", "client_id", publicID, "code", code,
		"redirect_uri", redirectURI, "code_verifier", verifier).tokens(w.t)
}

func (w *world) publicRefresh(token string) answer {
	w.t.Helper()
	return w.publicToken("grant_type", "refresh_token", "client_id", publicID, "refresh_token", token)
}

// Of many simultaneous refreshes only one succeeds, and the others revoke the grant.
func TestRotationRace(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true, RotateAllRefreshTokens: true})
	token := w.login("").RefreshToken
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if w.refresh(token).status == http.StatusOK {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d refreshes with one single-use token succeeded", won.Load())
	}
}

func TestCodeReuseRevokes(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	code := w.code()
	token := w.token("grant_type", "authorization_code", "code", code, "redirect_uri", redirectURI).tokens(t)
	w.token("grant_type", "authorization_code", "code", code, "redirect_uri", redirectURI)
	w.refresh(token.RefreshToken).expect(t, 400, bodyRevoked)
}

func TestFailedExchangeLeavesTheCode(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	code := w.code()
	w.token("grant_type", "authorization_code", "code", code, "redirect_uri", "https://wrong.example")
	w.token("grant_type", "authorization_code", "code", code, "redirect_uri", redirectURI).tokens(t)
}

func TestRevokeUser(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	if w.RevokeUser(clientID, "ada") {
		t.Error("RevokeUser reports true, but there was no grant")
	}
	one, two := w.login("user-read-email"), w.login("")
	code := w.code()
	if err := w.AutoApproveAs("grace"); err != nil {
		t.Fatal(err)
	}
	grace := w.login("")
	if !w.RevokeUser(clientID, "ada") {
		t.Error("nothing was revoked")
	}
	w.refresh(one.RefreshToken).expect(t, 400, bodyRevoked)
	w.refresh(two.RefreshToken).expect(t, 400, bodyRevoked)
	w.token("grant_type", "authorization_code", "code", code, "redirect_uri", redirectURI).
		expect(t, 400, `{"error":"invalid_grant","error_description":"Invalid authorization code"}`)
	w.refresh(grace.RefreshToken).tokens(t)
	if a := w.get("/v1/me", one.AccessToken); a.status != http.StatusOK {
		t.Errorf("a live access token: %d, want it to live on", a.status)
	}
}

func TestStats(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	token := w.login("")
	w.refresh(token.RefreshToken)
	w.refresh("AQnot")
	w.queue(accounts.Fault{Kind: accounts.FaultRateLimited, Target: accounts.TargetToken})
	w.refresh(token.RefreshToken)
	w.appToken()
	w.token("grant_type", "password")
	w.get("/v1/me", token.AccessToken)
	w.get("/v1/me", "bad")
	w.get("/elsewhere", "bad")
	want := `{"token_requests":{"authorization_code":1,"refresh_token":3,"client_credentials":1},"rejected":3,"api_requests":2}`
	w.get("/_service/stats", "").expect(t, 200, want, "Content-Type", "application/json; charset=utf-8", "Cache-Control", "no-store")
	stats := w.Stats()
	if stats.TokenRequests.RefreshToken != 3 || stats.Rejected != 3 || stats.APIRequests != 2 {
		t.Errorf("Stats() = %+v", stats)
	}
}

// The service keeps only a limited number of tokens, and forgets expired ones first.
func TestMemoryIsBounded(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true, RotateAllRefreshTokens: true})
	idle := w.login("").RefreshToken
	first := w.appToken()
	busy := w.login("").RefreshToken
	w.Advance(2 * time.Hour)
	w.get("/v1/search", first).expect(t, 401, `{"error":{"status":401,"message":"Missing/invalid/expired access token"}}`)
	for range 20_001 {
		busy = w.refresh(busy).tokens(t).RefreshToken
	}
	w.get("/v1/search", first).expect(t, 401, `{"error":{"status":401,"message":"Missing/invalid/expired access token"}}`)
	w.refresh(idle).tokens(t)
}

func TestOptionsAreChecked(t *testing.T) {
	app := func(change func(*accounts.App)) *accounts.Options {
		a := accounts.App{ClientID: "a", RedirectURIs: []string{redirectURI}}
		change(&a)
		return &accounts.Options{Apps: []accounts.App{a}}
	}
	tests := map[string]*accounts.Options{
		"no client id":        app(func(a *accounts.App) { a.ClientID = "" }),
		"relative redirect":   app(func(a *accounts.App) { a.RedirectURIs = []string{"/x"} }),
		"redirect fragment":   app(func(a *accounts.App) { a.RedirectURIs = []string{redirectURI + "#x"} }),
		"redirect with space": app(func(a *accounts.App) { a.RedirectURIs = []string{"https://a b/"} }),
		"redirect javascript": app(func(a *accounts.App) { a.RedirectURIs = []string{"javascript:alert(1)"} }),
		"redirect no host":    app(func(a *accounts.App) { a.RedirectURIs = []string{"https:///x"} }),
		"redirect with user":  app(func(a *accounts.App) { a.RedirectURIs = []string{"https://u:p@a.example/"} }),
		"two alike":           {Apps: []accounts.App{{ClientID: "a"}, {ClientID: "a"}}},
		"no user id":          {Users: []accounts.User{{}}},
		"two users alike":     {Users: []accounts.User{{ID: "a"}, {ID: "a"}}},
		"negative lifetime":   {TokenLifetime: -1},
	}
	for name, opts := range tests {
		if _, err := accounts.New(opts); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	s, err := accounts.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	if apps := s.Apps(); len(apps) != 1 || len(apps[0].ClientID) != 32 || len(apps[0].ClientSecret) != 32 {
		t.Errorf("generated apps: %d", len(apps))
	}
	if len(s.Users()) != 2 {
		t.Errorf("default users: %d", len(s.Users()))
	}
}

func TestTokenLifetime(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true, TokenLifetime: 90 * time.Second, CodeLifetime: time.Second})
	token := w.login("")
	if token.ExpiresIn != 90 {
		t.Errorf("expires_in %d", token.ExpiresIn)
	}
	for _, step := range []struct {
		advance time.Duration
		want    int
	}{{89 * time.Second, 200}, {time.Second, 401}} {
		w.Advance(step.advance)
		if a := w.get("/v1/me", token.AccessToken); a.status != step.want {
			t.Errorf("after another %v: %s, want %s", step.advance, strconv.Itoa(a.status), strconv.Itoa(step.want))
		}
	}
}
