package accounts_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spotipie/spotipie/accounts"
)

// consentAs calls ConsentAs and exchanges the code.
func (w *world) consentAs(userID, scope string) tokens {
	w.t.Helper()
	callback, err := w.ConsentAs("/authorize?"+authorizeQuery("scope", scope).Encode(), userID)
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := url.Parse(callback)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.token("grant_type", "authorization_code", "code", u.Query().Get("code"), "redirect_uri", redirectURI).tokens(w.t)
}

// Many users agree at the same time, each to their own request.
func TestConsentAs(t *testing.T) {
	ids := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	w := newWorld(t, accounts.Options{Users: users(ids...)})
	w.DenyNext(100) // for those who visit the page
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() {
			if got := w.get("/v1/me", w.consentAs(id, "").AccessToken).object(t)["id"]; got != id {
				t.Errorf("as %s: signed in as %v", id, got)
			}
		})
	}
	wg.Wait()
}

func TestConsentAsFailures(t *testing.T) {
	w := newWorld(t, accounts.Options{})
	good := "https://accounts.spotify.com/en/authorize?" + authorizeQuery("state", "a-state").Encode()
	for name, test := range map[string]struct{ address, user, want string }{
		"unknown user":     {good, "eve", `there is no user "eve", only ada, grace`},
		"another path":     {"/login?state=a-state", "ada", "not a URL of the authorization endpoint"},
		"no URL":           {"%zz?state=a-state", "ada", "not a URL of the authorization endpoint"},
		"an error page":    {"/authorize?" + authorizeQuery("client_id", "x").Encode(), "ada", "INVALID_CLIENT: Invalid client"},
		"malformed escape": {"/authorize?state=%zz", "ada", "Malformed query"},
	} {
		if _, err := w.ConsentAs(test.address, test.user); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "a-state") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	callback, err := w.ConsentAs("/authorize?"+authorizeQuery("code_challenge", "short").Encode(), "ada")
	if err != nil || !strings.HasPrefix(callback, redirectURI+"?error=invalid_request&") {
		t.Errorf("the app gets %q, %v", callback, err)
	}
}

// Expiring and revoking one user's tokens does not affect the other user.
func TestOneUserOnly(t *testing.T) {
	for name, test := range map[string]struct {
		strike            func(*world)
		access            int
		refreshStatus     int
		refreshDiagnostic string
	}{
		"access tokens": {func(w *world) {
			if got := w.ExpireAccessTokensOf("ada"); got != 2 {
				t.Errorf("%d expired, want 2", got)
			}
		}, 401, 200, ""},
		"refresh tokens": {func(w *world) {
			if got := w.ExpireRefreshTokensOf("ada"); got != 2 {
				t.Errorf("%d expired, want 2", got)
			}
		}, 200, 400, "Refresh token expired"},
		"revocation": {func(w *world) { w.RevokeUser(clientID, "ada") }, 200, 400, "Refresh token revoked"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, accounts.Options{})
			app, grace := w.appToken(), w.consentAs("grace", "")
			ada := []tokens{w.consentAs("ada", ""), w.consentAs("ada", "")}
			test.strike(w)
			for _, token := range ada {
				if got := w.get("/v1/me", token.AccessToken).status; got != test.access {
					t.Errorf("ada's access token: %d, want %d", got, test.access)
				}
				if a := w.refresh(token.RefreshToken); a.status != test.refreshStatus || !strings.Contains(a.body, test.refreshDiagnostic) {
					t.Errorf("ada's refresh token: %d %s", a.status, a.body)
				}
			}
			w.get("/v1/me", grace.AccessToken).object(t)
			w.refresh(grace.RefreshToken).tokens(t)
			w.get("/v1/artists/"+someArtist, app).object(t)
			if w.ExpireAccessTokensOf("nobody") != 0 || w.ExpireRefreshTokensOf("nobody") != 0 {
				t.Error("nobody's tokens expired")
			}
		})
	}
}

// After Reset the service is like a new one.
func TestReset(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true, RateLimit: 3, Now: aMoment})
	token := w.login(libraryScopes + " " + playlistScopes)
	w.Advance(time.Hour / 2)
	w.send("PUT", "/v1/me/library?uris=spotify:artist:"+someArtist, token.AccessToken, "").expect(t, 200, "")
	w.createPlaylist(t, token.AccessToken, `{"name":"Morning"}`)
	w.queue(accounts.Fault{Kind: accounts.FaultServerError, Every: 1, Target: accounts.TargetAPI})
	w.DenyNext(3)
	if err := w.AutoApproveAs("grace"); err != nil {
		t.Fatal(err)
	}

	w.Reset()
	if w.Stats() != (accounts.Stats{}) || !w.Now().Equal(aMoment()) {
		t.Errorf("counts %+v, time %v", w.Stats(), w.Now())
	}
	w.refresh(token.RefreshToken).expect(t, 400, `{"error":"invalid_grant","error_description":"Invalid refresh token"}`)
	if got := w.get("/v1/me", token.AccessToken).status; got != 401 {
		t.Errorf("an access token from before: %d", got)
	}
	token = w.login(libraryScopes + " " + playlistScopes)
	if got := w.get("/v1/me/library/contains?uris=spotify:artist:"+someArtist, token.AccessToken).bools(t); got[0] {
		t.Error("the library is as it was before")
	}
	if got := w.get("/v1/me/playlists", token.AccessToken).object(t)["total"]; got != 0.0 {
		t.Errorf("%v playlists", got)
	}
	if got := w.get("/v1/me", token.AccessToken).object(t)["id"]; got != "ada" {
		t.Errorf("signed in as %v", got)
	}
}

// An endpoint that a test adds is part of the Web API: it needs a token, knows who
// asks, and faults, counts and limits apply to it.
func TestOwnEndpoint(t *testing.T) {
	w := newWorld(t, accounts.Options{RateLimit: 4, Now: aMoment})
	err := w.Handle("PUT /v1/echo/{word}", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		caller, ok := accounts.CallerOf(r.Context())
		body, _ := io.ReadAll(r.Body)
		fmt.Fprint(rw, ok, " ", caller.UserID, " ", caller.ClientID == clientID, " ", caller.Scope, " ", r.PathValue("word"), " ", string(body))
	}))
	if err != nil {
		t.Fatal(err)
	}
	token := w.consentAs("grace", "user-read-email").AccessToken
	w.send("PUT", "/v1/echo/hello", token, "a body").expect(t, 200, "true grace true user-read-email hello a body", "Access-Control-Allow-Origin", "*")
	w.send("PUT", "/v1/echo/a%2Fb/", w.appToken(), "").expect(t, 200, "true  true  a/b ")
	w.send("PUT", "/v1/echo/hello", "made-up", "").expect(t, 401, `{"error":{"status":401,"message":"Missing/invalid/expired access token"}}`)
	w.get("/v1/echo/hello", token).expect(t, 404, `{"error":{"status":404,"message":"Service not found"}}`)
	w.queue(accounts.Fault{Kind: accounts.FaultOwnerNotPremium, Path: "/v1/echo/hello"})
	w.send("PUT", "/v1/echo/hello", token, "").expect(t, 403, noPremium)
	w.send("PUT", "/v1/echo/x", token, "")
	w.send("PUT", "/v1/echo/x", token, "")
	w.send("PUT", "/v1/echo/x", token, "").expect(t, 429, rateLimited)
	if got := w.Stats().APIRequests; got != 8 {
		t.Errorf("%d requests counted, want 8", got)
	}
}

func TestOwnEndpointsElsewhere(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	own := func(text string) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			_, ok := accounts.CallerOf(r.Context())
			fmt.Fprint(rw, text, " ", ok)
		})
	}
	for pattern, text := range map[string]string{
		"/health": "health", "GET /v1/me": "replaced", "/authorize": "never", "/api/token": "never", "/_service/stats": "never",
	} {
		if err := w.Handle(pattern, own(text)); err != nil {
			t.Fatal(err)
		}
	}
	w.do(httptest.NewRequest("GET", "/health", nil)).expect(t, 200, "health false")
	w.get("/v1/me", w.login("").AccessToken).expect(t, 200, "replaced true") // the login uses the service's own endpoints
	if a := w.do(httptest.NewRequest("GET", "/_service/stats", nil)); strings.Contains(a.body, "never") {
		t.Error("one of the service's own endpoints was replaced")
	}
	for _, pattern := range []string{"/health", "no-slash", ""} {
		if err := w.Handle(pattern, own("x")); err == nil {
			t.Errorf("the pattern %q was accepted", pattern)
		}
	}
	if err := w.Handle("/nil", nil); err == nil {
		t.Error("a nil handler was accepted")
	}
}
