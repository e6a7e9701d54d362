package accounts_test

import (
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie/accounts"
)

const (
	apiRefused     = `{"error":{"status":401,"message":"Missing/invalid/expired access token"}}`
	challengeStart = `Bearer realm="spotify", error="`
)

// bearer requests the profile with an Authorization header.
func (w *world) bearer(authorization string) answer {
	w.t.Helper()
	r := httptest.NewRequest("GET", "/v1/me", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return w.do(r)
}

// expiredToken returns an expired access token of ada.
func (w *world) expiredToken() string {
	w.t.Helper()
	token := w.login("").AccessToken
	w.Advance(time.Hour)
	return token
}

func development(change func(*accounts.DevelopmentMode)) accounts.Options {
	mode := &accounts.DevelopmentMode{}
	if change != nil {
		change(mode)
	}
	return approving(func(o *accounts.Options) { o.DevelopmentMode = mode })
}

func apiErrorFacts() []fact {
	const expired = challengeStart + `invalid_token", error_description="The access token expired"`
	return []fact{
		{"401 expired, until July 2026", approving(legacy), func(t *testing.T, w *world) {
			w.bearer("Bearer "+w.expiredToken()).expect(t, 401, `{"error":{"status":401,"message":"The access token expired"}}`, "WWW-Authenticate", expired)
		}},
		{"401 garbage, until July 2026", approving(legacy), func(t *testing.T, w *world) {
			w.bearer("Bearer garbage").expect(t, 401, `{"error":{"status":401,"message":"Invalid access token"}}`)
		}},
		{"401 no token, 2017 to 2023", approving(legacy), func(t *testing.T, w *world) {
			w.bearer("").expect(t, 401, `{"error":{"status":401,"message":"No token provided"}}`)
		}},
		{"401 no token, mid 2026, also for a valid one", approving(nil), func(t *testing.T, w *world) { // this passed at Spotify, so a fault shows it
			body := `{"error":{"status":401,"message":"Access token missing"}}`
			token := w.login("").AccessToken
			w.queue(accounts.Fault{Kind: accounts.FaultRespond, Target: accounts.TargetAPI, Status: 401, Body: body})
			w.get("/v1/me", token).expect(t, 401, body)
			w.get("/v1/me", token).object(t)
		}},
		{"401 since July 2026: missing", approving(nil), func(t *testing.T, w *world) {
			w.bearer("").expect(t, 401, apiRefused, "WWW-Authenticate", challengeStart+`missing_token", error_description="No token provided"`)
		}},
		{"401 since July 2026: invalid", approving(nil), func(t *testing.T, w *world) {
			w.bearer("Bearer garbage").expect(t, 401, apiRefused, "WWW-Authenticate", challengeStart+`invalid_token", error_description="Invalid access token"`)
		}},
		{"401 since July 2026: expired", approving(nil), func(t *testing.T, w *world) {
			w.bearer("Bearer "+w.expiredToken()).expect(t, 401, apiRefused, "WWW-Authenticate", expired)
		}},
		{"401 since July 2026: empty bearer", approving(nil), func(t *testing.T, w *world) { w.bearer("Bearer ").expect(t, 401, apiRefused) }},
		{"400 empty bearer, before", approving(legacy), func(t *testing.T, w *world) {
			w.bearer("Bearer ").expect(t, 400, `{"error":{"status":400,"message":"Only valid bearer authentication supported"}}`)
		}},
		{"400 not Bearer, or malformed", approving(nil), func(t *testing.T, w *world) {
			for _, authorization := range []string{"Basic YTpi", "Bearer {'access_token': 'BQ'}", "BQtoken"} {
				w.bearer(authorization).expect(t, 400, `{"error":{"status":400,"message":"Only valid bearer authentication supported"}}`)
			}
		}},
		{"403 user not on the allow list", development(func(m *accounts.DevelopmentMode) { m.AllowedUsers = []string{"grace"} }), func(t *testing.T, w *world) {
			w.get("/v1/me", w.login("").AccessToken).expect(t, 403, notRegistered)
		}},
		{"403 owner without Premium", development(func(m *accounts.DevelopmentMode) { m.OwnerWithoutPremium = true }), func(t *testing.T, w *world) {
			a := w.get("/v1/me", w.login("").AccessToken)
			a.expect(t, 403, noPremium, "Content-Type", "text/plain; charset=utf-8")
			if len(a.body) != 159 {
				t.Errorf("%d bytes, want 159", len(a.body))
			}
		}},
		{"403 a free user plays", approving(nil), func(t *testing.T, w *world) {
			w.put("/v1/me/player/play", w.loginAs("grace", allScopes).AccessToken, "").
				expect(t, 403, `{"error":{"status":403,"message":"Player command failed: Premium required","reason":"PREMIUM_REQUIRED"}}`)
		}},
		{"429 in JSON", approving(func(o *accounts.Options) { o.RateLimit = 1 }), func(t *testing.T, w *world) {
			token := w.appToken()
			w.get("/v1/artists/"+someArtist, token).object(t)
			w.get("/v1/artists/"+someArtist, token).expect(t, 429, rateLimited, "Retry-After", "30")
		}},
		{"429 in plain text", approving(nil), func(t *testing.T, w *world) {
			w.queue(accounts.Fault{Kind: accounts.FaultRateLimitedPlain, Target: accounts.TargetAPI, RetryAfter: 19056 * time.Second})
			w.get("/v1/me", w.appToken()).expect(t, 429, "Too many requests", "Retry-After", "19056", "Content-Length", "17",
				"Content-Type", "", "Cache-Control", "private, max-age=0", "Access-Control-Allow-Origin", "*", "Server", "envoy")
		}},
		{"401 is mended by another token, 403 is not, 429 by waiting", approving(func(o *accounts.Options) { o.RateLimit = 3 }), func(t *testing.T, w *world) {
			token := w.login("")
			w.ExpireAccessTokens()
			if got := w.get("/v1/me", token.AccessToken).status; got != 401 {
				t.Errorf("expired: %d", got)
			}
			for range 2 {
				token.AccessToken = w.refresh(token.RefreshToken).tokens(t).AccessToken
				if got := w.get("/v1/me/tracks", token.AccessToken).status; got != 403 {
					t.Errorf("without the scope: %d", got)
				}
			}
			w.get("/v1/me", token.AccessToken).object(t)
			if got := w.get("/v1/me", token.AccessToken).status; got != 429 {
				t.Errorf("over the limit: %d", got)
			}
			w.Advance(30 * time.Second)
			w.get("/v1/me", token.AccessToken).object(t)
		}},
		{"429 quota exceeded", development(func(m *accounts.DevelopmentMode) { m.DailyQuota = 1 }), func(t *testing.T, w *world) {
			token := w.appToken()
			w.get("/v1/artists/"+someArtist, token).object(t)
			w.get("/v1/artists/"+someArtist, token).expect(t, 429, quotaExceeded, "Retry-After", "86400")
		}},
		{"403 endpoint removed", development(nil), func(t *testing.T, w *world) { w.get("/v1/markets", w.appToken()).expect(t, 403, forbidden) }},
		{"CORS of the Web API, also on 401 and 429", approving(nil), func(t *testing.T, w *world) {
			expectCORS(t, "preflight", w.do(preflight("/v1/me", "GET")))
			expectCORS(t, "401", w.bearer(""))
			w.queue(accounts.Fault{Kind: accounts.FaultRateLimited, Target: accounts.TargetAPI})
			expectCORS(t, "429", w.bearer(""))
		}},
		{"CORS of /api/token", approving(nil), func(t *testing.T, w *world) {
			expectCORS(t, "preflight", w.do(preflight("/api/token", "POST")))
			expectCORS(t, "token", w.token("grant_type", "client_credentials"))
			expectCORS(t, "refusal", w.token("grant_type", "refresh_token", "refresh_token", "x"))
		}},
	}
}

func limitFacts() []fact {
	return []fact{
		{"development mode: a quota per developer account, over a rolling day", development(func(m *accounts.DevelopmentMode) { m.DailyQuota = 2 }), func(t *testing.T, w *world) {
			path := "/v1/artists/" + someArtist
			w.get(path, w.appToken()).object(t)
			w.Advance(time.Hour)
			w.get(path, w.otherAppToken(t)).object(t) // of the same developer
			w.get(path, w.appToken()).expect(t, 429, quotaExceeded, "Retry-After", "82800")
			w.Advance(23 * time.Hour)
			w.get(path, w.appToken()).object(t)
			w.get(path, w.appToken()).expect(t, 429, quotaExceeded, "Retry-After", "3600")
		}},
		{"development mode: 25 client ids", accounts.Options{}, func(t *testing.T, _ *world) {
			apps := make([]accounts.App, 26)
			for i := range apps {
				apps[i].ClientID = strconv.Itoa(i)
			}
			for count, possible := range map[int]bool{25: true, 26: false} {
				if _, err := accounts.New(&accounts.Options{Apps: apps[:count], DevelopmentMode: &accounts.DevelopmentMode{}}); (err == nil) != possible {
					t.Errorf("%d client ids: %v", count, err)
				}
			}
		}},
		{"counted per app over a rolling 30 seconds", approving(func(o *accounts.Options) { o.RateLimit = 2 }), func(t *testing.T, w *world) {
			path := "/v1/artists/" + someArtist
			for range 2 {
				w.get(path, w.appToken()).object(t)
				w.Advance(10 * time.Second)
			}
			w.get(path, w.appToken()).expect(t, 429, rateLimited, "Retry-After", "10")
			w.get(path, w.otherAppToken(t)).object(t)
			w.Advance(10 * time.Second)
			w.get(path, w.appToken()).object(t)
			w.get(path, w.appToken()).expect(t, 429, rateLimited, "Retry-After", "10")
		}},
		{"per client id, not per user", approving(func(o *accounts.Options) { o.RateLimit = 1 }), func(t *testing.T, w *world) {
			w.get("/v1/me", w.loginAs("ada", "").AccessToken).object(t)
			w.get("/v1/me", w.loginAs("grace", "").AccessToken).expect(t, 429, rateLimited, "Retry-After", "30")
		}},
		{"some endpoints have limits of their own", approving(nil), func(t *testing.T, w *world) {
			w.queue(accounts.Fault{Kind: accounts.FaultRateLimited, Path: "/v1/me/player", RetryAfter: 11 * time.Second})
			token := w.login(allScopes).AccessToken
			w.get("/v1/me", token).object(t)
			w.get("/v1/me/player", token).expect(t, 429, rateLimited, "Retry-After", "11")
		}},
		{"Retry-After is whole seconds, up to hours", approving(nil), func(t *testing.T, w *world) {
			for _, seconds := range []string{"11", "16", "13749", "19056"} {
				d, err := time.ParseDuration(seconds + "s")
				if err != nil {
					t.Fatal(err)
				}
				w.queue(accounts.Fault{Kind: accounts.FaultRateLimited, Target: accounts.TargetAPI, RetryAfter: d - time.Millisecond})
				w.bearer("").expect(t, 429, rateLimited, "Retry-After", seconds)
			}
		}},
		{"429 from the first call, for what an app may not use", approving(nil), func(t *testing.T, w *world) {
			w.queue(accounts.Fault{Kind: accounts.FaultRateLimited, Path: "/v1/recommendations", Every: 1})
			token := w.appToken()
			for range 2 {
				w.get("/v1/recommendations", token).expect(t, 429, rateLimited)
			}
			w.get("/v1/artists/"+someArtist, token).object(t)
		}},
	}
}

func developmentFacts() []fact {
	six := users("a", "b", "c", "d", "e", "f")
	return []fact{
		{"owner needs Premium", development(func(m *accounts.DevelopmentMode) { m.OwnerWithoutPremium = true }), func(t *testing.T, w *world) {
			w.get("/v1/artists/"+someArtist, w.appToken()).expect(t, 403, noPremium)
		}},
		{"five users at most", accounts.Options{Users: six, DevelopmentMode: &accounts.DevelopmentMode{}}, func(t *testing.T, w *world) {
			for _, user := range six[:5] {
				w.get("/v1/me", w.consentAs(user.ID, "").AccessToken).object(t)
			}
			w.get("/v1/me", w.consentAs("f", "").AccessToken).expect(t, 403, notRegistered)
		}},
		{"GET /me drops fields and has account_id", development(nil), func(t *testing.T, w *world) {
			me := w.get("/v1/me", w.login(allScopes).AccessToken).object(t)
			if got := fieldsOf(me); got != "account_id display_name external_urls href id images type uri" {
				t.Errorf("fields %s", got)
			}
		}},
		{"GET /search: 5 unless asked for, 10 at most", development(nil), func(t *testing.T, w *world) {
			token := w.appToken()
			for limit, want := range map[string]int{"": 5, "&limit=10": 10} {
				tracks := w.get("/v1/search?q=a&type=track"+limit, token).object(t)["tracks"].(map[string]any)
				if got := len(tracks["items"].([]any)); got != want {
					t.Errorf("%q: %d found, want %d", limit, got, want)
				}
			}
			if got := w.get("/v1/search?q=a&type=track&limit=11", token).status; got != 400 {
				t.Errorf("11: %d", got)
			}
		}},
		{"save, follow and check by /me/library", development(nil), func(t *testing.T, w *world) {
			token, uris := w.loginAs("grace", libraryScopes).AccessToken, "?uris=spotify:track:"+someTrack+",spotify:artist:"+someArtist
			w.send("PUT", "/v1/me/library"+uris, token, "").expect(t, 200, "")
			if got := w.get("/v1/me/library/contains"+uris, token).body; got != "[true,true]" {
				t.Errorf("saved: %s", got)
			}
			w.send("DELETE", "/v1/me/library"+uris, token, "").expect(t, 200, "")
			if got := w.get("/v1/me/library/contains"+uris, token).body; got != "[false,false]" {
				t.Errorf("removed: %s", got)
			}
			w.get("/v1/me/tracks", token).object(t) // stays
			w.send("PUT", "/v1/me/tracks?ids="+someTrack, token, "").expect(t, 403, forbidden)
			w.send("PUT", "/v1/me/following?type=artist&ids="+someArtist, token, "").expect(t, 403, forbidden)
		}},
		{"playlists: /items and item, POST /me/playlists", development(nil), func(t *testing.T, w *world) {
			token := w.login(playlistScopes).AccessToken
			id := w.createPlaylist(t, token, `{"name":"Morning"}`)
			w.send("POST", "/v1/playlists/"+id+"/items", token, `{"uris":["spotify:track:`+someTrack+`"]}`).object(t)
			item := w.get("/v1/playlists/"+id+"/items", token).object(t)["items"].([]any)[0]
			if got := fieldsOf(item); got != "added_at added_by is_local item" {
				t.Errorf("fields %s", got)
			}
			w.get("/v1/playlists/"+id+"/tracks", token).expect(t, 403, forbidden)
			w.send("POST", "/v1/users/ada/playlists", token, `{"name":"Morning"}`).expect(t, 403, forbidden)
		}},
		{"removed endpoints answer 403 Forbidden", development(nil), func(t *testing.T, w *world) {
			token := w.login("").AccessToken
			for _, path := range []string{
				"/v1/tracks?ids=" + someTrack, "/v1/albums?ids=" + someAlbum, "/v1/artists?ids=" + someArtist,
				"/v1/artists/" + someArtist + "/top-tracks", "/v1/browse/new-releases", "/v1/browse/categories", "/v1/markets", "/v1/users/ada",
			} {
				w.get(path, token).expect(t, 403, forbidden)
			}
		}},
		{"fields dropped, external_ids restored", development(nil), func(t *testing.T, w *world) {
			token := w.appToken()
			for path, want := range map[string]string{
				"/v1/artists/" + someArtist: "external_urls genres href id images name type uri",
				"/v1/tracks/" + someTrack:   "album artists disc_number duration_ms explicit external_ids external_urls href id is_local name preview_url track_number type uri",
				"/v1/albums/" + someAlbum: "album_type artists copyrights external_ids external_urls genres href id images name release_date release_date_precision " +
					"total_tracks tracks type uri",
			} {
				if got := fieldsOf(w.get(path, token).object(t)); got != want {
					t.Errorf("%s: fields\n %s\nwant\n %s", path, got, want)
				}
			}
		}},
		{"apps in extended quota are not affected", approving(nil), func(t *testing.T, w *world) {
			if got := w.get("/v1/tracks?ids="+someTrack, w.appToken()); got.status != 200 || !strings.Contains(got.body, `"popularity"`) {
				t.Errorf("%d %.100s", got.status, got.body)
			}
		}},
	}
}

// clientFacts are facts that other people's clients rely on. The tests in e2e show the
// callback that redirects to another origin.
func clientFacts() []fact {
	return []fact{
		{"a slash at the end of a path", approving(nil), func(t *testing.T, w *world) {
			token := w.login("").AccessToken
			w.get("/v1/me/", token).object(t)
			w.get("/v1/search/?q=a&type=track", token).object(t)
		}},
		{"no form-action on the consent page", accounts.Options{}, func(t *testing.T, w *world) {
			if policy := w.authorize().header.Get("Content-Security-Policy"); strings.Contains(policy, "form-action") || policy == "" {
				t.Errorf("policy %q", policy)
			}
		}},
		{"actions and supports_volume in the playback state", approving(nil), func(t *testing.T, w *world) {
			state := w.get("/v1/me/player", w.login(allScopes).AccessToken).object(t)
			if state["actions"] == nil || state["device"].(map[string]any)["supports_volume"] != true {
				t.Errorf("state %v", state)
			}
		}},
		{"GET /v1/artists/{id} with an app's token", approving(nil), func(t *testing.T, w *world) {
			w.get("/v1/artists/4Z8W4fKeB5YxbusRsdQVPb", w.appToken()).object(t)
		}},
	}
}
