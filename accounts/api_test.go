package accounts_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie/accounts"
)

const (
	allScopes = "user-read-private user-read-email user-library-read user-read-playback-state user-modify-playback-state"
	apiJSON   = "application/json; charset=utf-8"
)

// Every error answer of the Web API that was observed, word for word.
func TestAPIErrors(t *testing.T) {
	bearer := func(authorization string) func(*world) answer {
		return func(w *world) answer {
			r := httptest.NewRequest("GET", "/v1/me", nil)
			if authorization != "" {
				r.Header.Set("Authorization", authorization)
			}
			return w.do(r)
		}
	}
	faulted := func(f accounts.Fault) func(*world) answer {
		return func(w *world) answer {
			w.queue(f)
			return w.get("/v1/me", w.login("").AccessToken)
		}
	}
	tests := []struct {
		name    string
		opts    accounts.Options
		ask     func(*world) answer
		status  int
		body    string
		headers []string
	}{
		{name: "expired", ask: func(w *world) answer {
			token := w.login("").AccessToken
			w.Advance(time.Hour)
			return w.get("/v1/me", token)
		}, status: 401, body: `{"error":{"status":401,"message":"Missing/invalid/expired access token"}}`,
			headers: []string{"WWW-Authenticate", `Bearer realm="spotify", error="invalid_token", error_description="The access token expired"`, "Content-Type", apiJSON}},
		{name: "expired by hand", ask: func(w *world) answer {
			token := w.login("").AccessToken
			w.ExpireAccessTokens()
			return w.get("/v1/me", token)
		}, status: 401, body: `{"error":{"status":401,"message":"Missing/invalid/expired access token"}}`},
		{name: "reported expired", ask: faulted(accounts.Fault{Kind: accounts.FaultExpired, Target: accounts.TargetAPI}),
			status: 401, body: `{"error":{"status":401,"message":"Missing/invalid/expired access token"}}`,
			headers: []string{"WWW-Authenticate", `Bearer realm="spotify", error="invalid_token", error_description="The access token expired"`}},
		{name: "garbage token", ask: bearer("Bearer garbage"), status: 401, body: `{"error":{"status":401,"message":"Missing/invalid/expired access token"}}`,
			headers: []string{"WWW-Authenticate", `Bearer realm="spotify", error="invalid_token", error_description="Invalid access token"`}},
		{name: "no token", ask: bearer(""), status: 401, body: `{"error":{"status":401,"message":"Missing/invalid/expired access token"}}`,
			headers: []string{"WWW-Authenticate", `Bearer realm="spotify", error="missing_token", error_description="No token provided"`}},
		{name: "no token, old", opts: accounts.Options{Legacy: true}, ask: bearer(""), status: 401, body: `{"error":{"status":401,"message":"No token provided"}}`,
			headers: []string{"WWW-Authenticate", `Bearer realm="spotify"`}},
		{name: "garbage token, old", opts: accounts.Options{Legacy: true}, ask: bearer("Bearer garbage"), status: 401, body: `{"error":{"status":401,"message":"Invalid access token"}}`,
			headers: []string{"WWW-Authenticate", `Bearer realm="spotify", error="invalid_token", error_description="Invalid access token"`}},
		{name: "expired, old", opts: accounts.Options{Legacy: true}, ask: func(w *world) answer {
			token := w.login("").AccessToken
			w.ExpireAccessTokens()
			return w.get("/v1/me", token)
		}, status: 401, body: `{"error":{"status":401,"message":"The access token expired"}}`,
			headers: []string{"WWW-Authenticate", `Bearer realm="spotify", error="invalid_token", error_description="The access token expired"`}},
		{name: "not Bearer", ask: bearer("Basic YTpi"), status: 400, body: `{"error":{"status":400,"message":"Only valid bearer authentication supported"}}`},
		{name: "empty bearer", ask: bearer("Bearer "), status: 401, body: `{"error":{"status":401,"message":"Missing/invalid/expired access token"}}`},
		{name: "Bearer alone", ask: bearer("bearer"), status: 401, body: `{"error":{"status":401,"message":"Missing/invalid/expired access token"}}`},
		{name: "empty bearer, old", opts: accounts.Options{Legacy: true}, ask: bearer("Bearer "), status: 400, body: `{"error":{"status":400,"message":"Only valid bearer authentication supported"}}`},
		{name: "a dictionary as token", ask: bearer("Bearer {'access_token': 'BQ'}"), status: 400, body: `{"error":{"status":400,"message":"Only valid bearer authentication supported"}}`,
			headers: []string{"WWW-Authenticate", `Bearer realm="spotify", error="invalid_request", error_description="Only valid bearer authentication supported"`}},
		{name: "missing scope", ask: func(w *world) answer { return w.get("/v1/me/tracks", w.login("streaming").AccessToken) },
			status: 403, body: `{"error":{"status":403,"message":"Insufficient client scope"}}`,
			headers: []string{"WWW-Authenticate", `Bearer realm="spotify", error="insufficient_scope", error_description="Insufficient client scope", scope="user-library-read"`}},
		{name: "an app's token on a user's endpoint", ask: func(w *world) answer { return w.get("/v1/me", w.appToken()) },
			status: 401, body: `{"error":{"status":401,"message":"Valid user authentication required"}}`,
			headers: []string{"WWW-Authenticate", `Bearer realm="spotify"`}},
		{name: "user not registered", ask: faulted(accounts.Fault{Kind: accounts.FaultUserNotRegistered}),
			status: 403, body: "User not registered in the Developer Dashboard", headers: []string{"Content-Type", "text/plain; charset=utf-8"}},
		{name: "owner without Premium", ask: faulted(accounts.Fault{Kind: accounts.FaultOwnerNotPremium}), status: 403,
			body:    "Active premium subscription required for the owner of the app. When the subscription status changes, it can take a few hours before requests are allowed again.",
			headers: []string{"Content-Length", "159"}},
		{name: "free user plays", ask: func(w *world) answer {
			if err := w.AutoApproveAs("grace"); err != nil {
				w.t.Fatal(err)
			}
			return w.put("/v1/me/player/play", w.login(allScopes).AccessToken, "")
		}, status: 403, body: `{"error":{"status":403,"message":"Player command failed: Premium required","reason":"PREMIUM_REQUIRED"}}`},
		{name: "429 JSON", ask: faulted(accounts.Fault{Kind: accounts.FaultRateLimited, Target: accounts.TargetAPI, RetryAfter: 11 * time.Second}),
			status: 429, body: `{"error":{"status":429,"message":"API rate limit exceeded"}}`, headers: []string{"Retry-After", "11", "Content-Type", apiJSON}},
		{name: "429 plain", ask: faulted(accounts.Fault{Kind: accounts.FaultRateLimitedPlain, Target: accounts.TargetAPI, RetryAfter: 19056 * time.Second}),
			status: 429, body: "Too many requests", headers: []string{
				"Retry-After", "19056", "Content-Length", "17", "Content-Type", "",
				"Cache-Control", "private, max-age=0", "Access-Control-Allow-Origin", "*", "Server", "envoy",
			}},
		{name: "unknown path", ask: func(w *world) answer { return w.get("/v1/nothing", w.appToken()) },
			status: 404, body: `{"error":{"status":404,"message":"Service not found"}}`, headers: []string{"Content-Type", apiJSON}},
		{name: "outside", ask: func(w *world) answer { return w.get("/nothing", "") }, status: 404, body: `{"error":{"status":404,"message":"Service not found"}}`},
		{name: "other method", ask: func(w *world) answer { return w.put("/v1/me", w.appToken(), "") },
			status: 405, body: `{"error":{"status":405,"message":"Method not allowed"}}`, headers: []string{"Allow", "GET"}},
		{name: "limit too large", ask: func(w *world) answer { return w.get("/v1/me/tracks?limit=51", w.login(allScopes).AccessToken) },
			status: 400, body: `{"error":{"status":400,"message":"Invalid limit"}}`},
		{name: "offset not a number", ask: func(w *world) answer { return w.get("/v1/me/tracks?offset=x", w.login(allScopes).AccessToken) },
			status: 400, body: `{"error":{"status":400,"message":"Invalid offset"}}`},
		{name: "search for nothing", ask: func(w *world) answer { return w.get("/v1/search?type=track", w.appToken()) },
			status: 400, body: `{"error":{"status":400,"message":"No search query"}}`},
		{name: "search without type", ask: func(w *world) answer { return w.get("/v1/search?q=a", w.appToken()) },
			status: 400, body: `{"error":{"status":400,"message":"Missing parameter type"}}`},
		{name: "search for an unknown type", ask: func(w *world) answer { return w.get("/v1/search?q=a&type=track,smell", w.appToken()) },
			status: 400, body: `{"error":{"status":400,"message":"Bad search type field smell"}}`},
		{name: "malformed JSON", ask: func(w *world) answer { return w.put("/v1/me/player/play", w.login(allScopes).AccessToken, "{") },
			status: 400, body: `{"error":{"status":400,"message":"Malformed json"}}`},
		{name: "body too large", ask: func(w *world) answer {
			return w.put("/v1/me/player/play", w.login(allScopes).AccessToken, strings.Repeat(" ", 1<<20))
		}, status: 413, body: `{"error":{"status":413,"message":"Request body too large"}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.opts.AutoApprove = true
			test.ask(newWorld(t, test.opts)).expect(t, test.status, test.body, test.headers...)
		})
	}
}

func (w *world) put(path, accessToken, body string) answer {
	w.t.Helper()
	r := httptest.NewRequest("PUT", path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+accessToken)
	return w.do(r)
}

func TestStatsMethods(t *testing.T) {
	w := newWorld(t, accounts.Options{})
	w.do(httptest.NewRequest("POST", "/_service/stats", nil)).
		expect(t, 405, `{"error":{"status":405,"message":"Method not allowed"}}`, "Allow", "GET")
}

type pageJSON struct {
	Href     string            `json:"href"`
	Items    []json.RawMessage `json:"items"`
	Limit    int               `json:"limit"`
	Offset   int               `json:"offset"`
	Total    int               `json:"total"`
	Next     *string           `json:"next"`
	Previous *string           `json:"previous"`
}

// next leads through every saved track once, and previous back.
func TestSavedTracksPages(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	token := w.login(allScopes).AccessToken
	seen := make(map[string]bool)
	pages, address, last := 0, "/v1/me/tracks", pageJSON{}
	for address != "" {
		last = pageJSON{}
		if err := json.Unmarshal([]byte(w.get(address, token).body), &last); err != nil {
			t.Fatal(err)
		}
		for _, item := range last.Items {
			seen[string(item)] = true
		}
		pages++
		if !strings.HasPrefix(last.Href, "http://example.com/v1/me/tracks?") {
			t.Fatalf("href %s", last.Href)
		}
		if address = ""; last.Next != nil {
			address = *last.Next
		}
	}
	if last.Total < 120 || len(seen) != last.Total || pages != (last.Total+19)/20 {
		t.Errorf("%d tracks on %d pages, total %d", len(seen), pages, last.Total)
	}
	if last.Previous == nil || *last.Previous != "http://example.com/v1/me/tracks?limit=20&offset=120" {
		t.Errorf("previous %v", last.Previous)
	}
	a := w.get("/v1/me/tracks?offset=5000", token)
	if !strings.Contains(a.body, `"items":[]`) || !strings.Contains(a.body, `"next":null`) {
		t.Errorf("past the end: %.200s", a.body)
	}
}

func TestSearch(t *testing.T) {
	w := newWorld(t, accounts.Options{})
	token := w.appToken()
	var found map[string]pageJSON
	if err := json.Unmarshal([]byte(w.get("/v1/search?q=velvet&type=track,artist,album&limit=5", token).body), &found); err != nil {
		t.Fatal(err)
	}
	for kind, total := range map[string]int{"tracks": 12, "artists": 1, "albums": 1} {
		if found[kind].Total != total || len(found[kind].Items) != min(total, 5) {
			t.Errorf("%s: %d items, total %d", kind, len(found[kind].Items), found[kind].Total)
		}
	}
	next := found["tracks"].Next
	if next == nil || *next != "http://example.com/v1/search?limit=5&offset=5&q=velvet&type=track" {
		t.Fatalf("next %v", next)
	}
	if a := w.get("/v1/search?q=zzzz&type=track", token); !strings.Contains(a.body, `"items":[]`) {
		t.Errorf("nothing found: %s", a.body)
	}
}

// TestSearchMatches checks what a search finds with which words.
func TestSearchMatches(t *testing.T) {
	w := newWorld(t, accounts.Options{})
	token := w.appToken()
	for name, test := range map[string]struct {
		q                      string
		tracks, artists, album int
	}{
		"a part of a name":       {"cartogr", 12, 1, 1},
		"words in any order":     {"CARTOGRAPHY velvet", 12, 1, 1},
		"a track of an artist":   {"silver velvet", 1, 0, 0},
		"an artist alone":        {"artist:velvet", 12, 1, 1},
		"nothing of that name":   {"track:velvet", 0, 0, 0},
		"an artist and a track":  {"artist:velvet track:silver", 1, 0, 0},
		"a phrase":               {`artist:"velvet cartography"`, 12, 1, 1},
		"a phrase that is none":  {`"cartography velvet"`, 0, 0, 0},
		"a quote without an end": {`"velvet car`, 12, 1, 1},
		"letters of any script":  {"TRÍO", 12, 1, 1},
		"a filter that is none":  {"genre:indie", 0, 0, 0},
		"something else":         {"zzzz", 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var found map[string]pageJSON
			body := w.get("/v1/search?"+url.Values{"q": {test.q}, "type": {"track,artist,album"}}.Encode(), token).body
			if err := json.Unmarshal([]byte(body), &found); err != nil {
				t.Fatal(err)
			}
			if found["tracks"].Total != test.tracks || found["artists"].Total != test.artists || found["albums"].Total != test.album {
				t.Errorf("tracks %d, artists %d, albums %d; want %d, %d, %d", found["tracks"].Total, found["artists"].Total, found["albums"].Total,
					test.tracks, test.artists, test.album)
			}
		})
	}
	w.get(`/v1/search?q=%22%22&type=track`, token).expect(t, 400, `{"error":{"status":400,"message":"No search query"}}`)
}

func TestPlayer(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	token := w.login(allScopes).AccessToken
	state := func() (got struct {
		IsPlaying bool                       `json:"is_playing"`
		Item      struct{ URI, Name string } `json:"item"`
		Device    struct{ ID, Name string }  `json:"device"`
	}) {
		if err := json.Unmarshal([]byte(w.get("/v1/me/player", token).body), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	before := state()
	w.put("/v1/me/player/play", token, "").expect(t, http.StatusNoContent, "")
	if after := state(); before.IsPlaying || !after.IsPlaying || after.Item != before.Item || after.Device.ID == "" {
		t.Errorf("before %+v, after %+v", before, after)
	}
	w.put("/v1/me/player/play", token, `{"uris":["spotify:track:none"]}`).expect(t, 400, `{"error":{"status":400,"message":"Invalid track uri"}}`)
	var found struct {
		Tracks struct{ Items []struct{ URI string } }
	}
	if err := json.Unmarshal([]byte(w.get("/v1/search?q=hanako&type=track", token).body), &found); err != nil {
		t.Fatal(err)
	}
	uri := found.Tracks.Items[3].URI
	w.put("/v1/me/player/play", token, `{"uris":["`+uri+`"]}`).expect(t, http.StatusNoContent, "")
	if after := state(); after.Item.URI != uri {
		t.Errorf("plays %s, want %s", after.Item.URI, uri)
	}
}

// A cache can ask again with the ETag. It gets a new answer only if the answer has
// changed.
func TestETag(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	token := w.login(allScopes).AccessToken
	for _, path := range []string{"/v1/me", "/v1/me/tracks", "/v1/me/player", "/v1/search?q=a&type=track"} {
		first := w.get(path, token)
		first.expect(t, 200, first.body, "Cache-Control", "private, max-age=0", "Vary", "Authorization", "Content-Type", apiJSON)
		for tag, want := range map[string]int{
			first.header.Get("ETag"): 304, `"other", W/` + first.header.Get("ETag"): 304, "*": 304, `"other"`: 200, "": 200,
		} {
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("If-None-Match", tag)
			a := w.do(r)
			if a.status != want || a.header.Get("ETag") != first.header.Get("ETag") || (want == 304) != (a.body == "") {
				t.Errorf("%s with If-None-Match %s: %d, want %d", path, tag, a.status, want)
			}
		}
	}
	before := w.get("/v1/me/player", token).header.Get("ETag")
	w.put("/v1/me/player/play", token, "")
	if w.get("/v1/me/player", token).header.Get("ETag") == before {
		t.Error("the player has changed, but its ETag has not")
	}
}
