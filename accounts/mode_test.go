package accounts_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/accounts"
)

// users makes a user for each id.
func users(ids ...string) []accounts.User {
	var all []accounts.User
	for _, id := range ids {
		all = append(all, accounts.User{ID: id})
	}
	return all
}

const (
	notRegistered = "User not registered in the Developer Dashboard"
	noPremium     = "Active premium subscription required for the owner of the app. When the subscription status changes, it can take a few hours before requests are allowed again."
	forbidden     = `{"error":{"status":403,"message":"Forbidden"}}`
)

// Everyone can log in, but only users on the allow list can use the Web API.
func TestAllowList(t *testing.T) {
	everyone := users("a", "b", "c", "d", "e", "f")
	for name, test := range map[string]struct {
		list           []string
		allowed, other string
	}{
		"the first five": {nil, "e", "f"},
		"named":          {[]string{"f"}, "f", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, accounts.Options{Users: everyone, DevelopmentMode: &accounts.DevelopmentMode{AllowedUsers: test.list}})
			w.get("/v1/me", w.loginAs(test.allowed, "").AccessToken).object(t)
			w.get("/v1/me", w.loginAs(test.other, "").AccessToken).expect(t, 403, notRegistered, "Content-Type", "text/plain; charset=utf-8")
			w.get("/v1/artists/"+someArtist, w.appToken()).object(t) // an app's token has no user
		})
	}
	w := newWorld(t, accounts.Options{Users: everyone, DevelopmentMode: &accounts.DevelopmentMode{AllowedUsers: []string{}}})
	w.get("/v1/me", w.loginAs("a", "").AccessToken).expect(t, 403, notRegistered)
}

func TestOwnerWithoutPremium(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true, DevelopmentMode: &accounts.DevelopmentMode{OwnerWithoutPremium: true}})
	for _, token := range []string{w.login("").AccessToken, w.appToken()} {
		w.get("/v1/search?q=a&type=track", token).expect(t, 403, noPremium, "Content-Length", "159")
	}
}

func TestDevelopmentModeOptionsAreChecked(t *testing.T) {
	apps := make([]accounts.App, 26)
	for i := range apps {
		apps[i].ClientID = strconv.Itoa(i)
	}
	tests := map[string]accounts.Options{
		"six users":          {Users: users("a", "b", "c", "d", "e", "f"), DevelopmentMode: &accounts.DevelopmentMode{AllowedUsers: []string{"a", "b", "c", "d", "e", "f"}}},
		"unknown user":       {DevelopmentMode: &accounts.DevelopmentMode{AllowedUsers: []string{"eve"}}},
		"negative quota":     {DevelopmentMode: &accounts.DevelopmentMode{DailyQuota: -1}},
		"negative limit":     {RateLimit: -1},
		"26 apps":            {Apps: apps, DevelopmentMode: &accounts.DevelopmentMode{}},
		"a negative library": {Users: []accounts.User{{ID: "a", SavedTracks: -1}}},
		"a large library":    {Users: []accounts.User{{ID: "a", SavedTracks: 145}}},
	}
	for name, opts := range tests {
		if _, err := accounts.New(&opts); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := accounts.New(&accounts.Options{Apps: apps[:25], DevelopmentMode: &accounts.DevelopmentMode{}}); err != nil {
		t.Error(err)
	}
	if _, err := accounts.New(&accounts.Options{Apps: apps}); err != nil {
		t.Errorf("26 apps in extended quota mode: %v", err)
	}
}

// Development mode drops fields of an object at any place in an answer.
func TestDroppedFields(t *testing.T) {
	dropped := map[string][]string{
		"track":  {"popularity", "available_markets", "linked_from"},
		"album":  {"popularity", "available_markets", "label", "album_group"},
		"artist": {"popularity", "followers"},
		"user":   {"country", "email", "product", "followers", "explicit_content"},
	}
	paths := []string{
		"/v1/me", "/v1/me/tracks", "/v1/me/albums", "/v1/me/player", "/v1/search?q=a&type=track,album,artist",
		"/v1/artists/" + someArtist, "/v1/albums/" + someAlbum, "/v1/tracks/" + someTrack,
	}
	for name, mode := range modes() {
		w := newWorld(t, accounts.Options{AutoApprove: true, DevelopmentMode: mode})
		token := w.login(allScopes + " " + libraryScopes).AccessToken
		w.send("PUT", "/v1/me/library?uris=spotify:album:"+someAlbum, token, "").expect(t, 200, "")
		found := make(map[string]bool)
		for _, path := range paths {
			walk(w.get(path, token).object(t), func(object map[string]any) {
				kind, _ := object["type"].(string)
				for _, field := range dropped[kind] {
					if _, ok := object[field]; ok {
						found[kind+"."+field] = true
						if mode != nil {
							t.Errorf("%s: a %s has %s", path, kind, field)
						}
					}
				}
			})
		}
		for _, field := range []string{"track.popularity", "album.label", "artist.followers", "user.email", "album.available_markets"} {
			if mode == nil && !found[field] {
				t.Errorf("%s: %s is missing everywhere", name, field)
			}
		}
	}
	w := newWorld(t, accounts.Options{DevelopmentMode: &accounts.DevelopmentMode{}})
	if track := w.get("/v1/tracks/"+someTrack, w.appToken()); !strings.Contains(track.body, `"external_ids"`) {
		t.Error("external_ids, restored in March 2026, is missing")
	}
}

func walk(value any, visit func(map[string]any)) {
	switch v := value.(type) {
	case map[string]any:
		visit(v)
		for _, inner := range v {
			walk(inner, visit)
		}
	case []any:
		for _, inner := range v {
			walk(inner, visit)
		}
	}
}

func TestSearchLimits(t *testing.T) {
	for name, want := range map[string]struct {
		mode           *accounts.DevelopmentMode
		standard, most int
	}{"extended quota": {nil, 20, 50}, "development": {&accounts.DevelopmentMode{}, 5, 10}} {
		w := newWorld(t, accounts.Options{DevelopmentMode: want.mode})
		token := w.appToken()
		size := func(limit string) int {
			tracks := w.get("/v1/search?q=a&type=track"+limit, token).object(t)["tracks"].(map[string]any)
			return len(tracks["items"].([]any))
		}
		if got := size(""); got != want.standard {
			t.Errorf("%s: %d found without a limit, want %d", name, got, want.standard)
		}
		if got := size("&limit=" + strconv.Itoa(want.most)); got != want.most {
			t.Errorf("%s: %d found, want %d", name, got, want.most)
		}
		w.get("/v1/search?q=a&type=track&limit="+strconv.Itoa(want.most+1), token).
			expect(t, 400, `{"error":{"status":400,"message":"Invalid limit"}}`)
	}
}

// In development mode a removed endpoint is forbidden, not unknown.
func TestRemovedEndpoints(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true, DevelopmentMode: &accounts.DevelopmentMode{}})
	token := w.login(allScopes + " " + libraryScopes + " " + playlistScopes).AccessToken
	for _, removed := range []string{
		"GET /v1/tracks?ids=" + someTrack, "GET /v1/albums?ids=" + someAlbum, "GET /v1/artists?ids=" + someArtist,
		"GET /v1/shows?ids=x", "GET /v1/episodes?ids=x", "GET /v1/audiobooks?ids=x", "GET /v1/chapters?ids=x",
		"GET /v1/artists/" + someArtist + "/top-tracks", "GET /v1/browse/new-releases", "GET /v1/browse/categories",
		"GET /v1/markets", "GET /v1/users/ada", "GET /v1/users/ada/playlists", "POST /v1/users/ada/playlists",
		"GET /v1/playlists/x/tracks", "POST /v1/playlists/x/tracks", "PUT /v1/playlists/x/followers",
		"PUT /v1/me/tracks?ids=" + someTrack, "DELETE /v1/me/tracks?ids=" + someTrack, "GET /v1/me/tracks/contains?ids=" + someTrack,
		"PUT /v1/me/albums?ids=" + someAlbum, "DELETE /v1/me/albums?ids=" + someAlbum, "GET /v1/me/albums/contains?ids=" + someAlbum,
		"PUT /v1/me/following?ids=" + someArtist, "DELETE /v1/me/following?ids=" + someArtist, "GET /v1/me/following/contains?ids=" + someArtist,
		"GET /v1/tracks/?ids=" + someTrack,
	} {
		method, path, _ := strings.Cut(removed, " ")
		if a := w.send(method, path, token, ""); a.status != 403 || a.body != forbidden {
			t.Errorf("%s: %d %.100s", removed, a.status, a.body)
		}
	}
	for _, kept := range []string{"/v1/me/tracks", "/v1/me/albums", "/v1/me/playlists", "/v1/me/player", "/v1/tracks/" + someTrack} {
		if a := w.get(kept, token); a.status != 200 {
			t.Errorf("%s: %d %.100s", kept, a.status, a.body)
		}
	}
}
