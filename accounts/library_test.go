package accounts_test

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie/accounts"
)

const (
	libraryScopes = "user-library-read user-library-modify user-follow-read user-follow-modify"
	someTrack     = "11dFghVXANMlKmJXsNCbNl"
	someAlbum     = "4aawyAB9vmqN3uQ7FjRGTy"
	someArtist    = "4Z8W4fKeB5YxbusRsdQVPb"
)

// modes are both kinds of app.
func modes() map[string]*accounts.DevelopmentMode {
	return map[string]*accounts.DevelopmentMode{"extended quota": nil, "development": {}}
}

// send makes a request with a token.
func (w *world) send(method, path, accessToken, body string) answer {
	w.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+accessToken)
	return w.do(r)
}

func (a answer) bools(t *testing.T) []bool {
	t.Helper()
	var found []bool
	if err := json.Unmarshal([]byte(a.body), &found); err != nil || a.status != 200 {
		t.Fatalf("status %d, body %s", a.status, a.body)
	}
	return found
}

// Both modes can save, check and remove items by Spotify URIs.
func TestLibrary(t *testing.T) {
	for name, mode := range modes() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, accounts.Options{Users: []accounts.User{{ID: "new"}, {ID: "other"}}, AutoApprove: true, DevelopmentMode: mode})
			token, other := w.login(libraryScopes).AccessToken, w.loginAs("other", libraryScopes).AccessToken
			uris := "spotify:track:" + someTrack + ",spotify:album:" + someAlbum + ",spotify:artist:" + someArtist + ",spotify:user:other"
			contains := func(token string) []bool { return w.get("/v1/me/library/contains?uris="+uris, token).bools(t) }
			if got := contains(token); slices.Contains(got, true) || len(got) != 4 {
				t.Errorf("at first: %v", got)
			}
			for range 2 { // the second time changes nothing
				w.send("PUT", "/v1/me/library?uris="+uris, token, "").expect(t, 200, "")
			}
			if got := contains(token); slices.Contains(got, false) || len(got) != 4 {
				t.Errorf("saved: %v", got)
			}
			if got := contains(other); slices.Contains(got, true) {
				t.Errorf("in the library of another user: %v", got)
			}
			for _, path := range []string{"/v1/me/tracks", "/v1/me/albums"} {
				if got := w.get(path, token).object(t)["total"]; got != 1.0 {
					t.Errorf("%s: total %v, want 1", path, got)
				}
			}
			w.send("DELETE", "/v1/me/library?uris=spotify:album:"+someAlbum+",spotify:user:other", token, "").expect(t, 200, "")
			if got := contains(token); !slices.Equal(got, []bool{true, false, true, false}) {
				t.Errorf("removed: %v", got)
			}
		})
	}
}

// The item that was saved last comes first.
func TestLibraryOrder(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true, Now: func() time.Time { return time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC) }})
	token := w.loginAs("grace", libraryScopes).AccessToken
	w.send("PUT", "/v1/me/library?uris=spotify:track:"+someTrack, token, "").expect(t, 200, "")
	first := w.get("/v1/me/tracks?limit=1", token).object(t)["items"].([]any)[0].(map[string]any)
	if first["added_at"] != "2026-11-24T09:00:00Z" || first["track"].(map[string]any)["id"] != someTrack {
		t.Errorf("first: %v", first)
	}
}

func TestLibraryRefusals(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	all, reading := w.login(libraryScopes).AccessToken, w.login("user-library-read").AccessToken
	track := "spotify:track:" + someTrack
	tests := []struct {
		name, method, uris, token string
		status                    int
		message                   string
	}{
		{"no uris", "PUT", "", all, 400, "Invalid number of uris"},
		{"41 uris", "PUT", strings.Repeat(track+",", 40) + track, all, 400, "Invalid number of uris"},
		{"no URI", "PUT", "x", all, 400, "Invalid uri"},
		{"unknown track", "PUT", "spotify:track:none", all, 400, "Invalid uri"},
		{"unknown kind", "PUT", "spotify:smell:" + someTrack, all, 400, "Invalid uri"},
		{"empty between commas", "PUT", track + ",," + track, all, 400, "Invalid uri"},
		{"saving without the scope", "PUT", track, reading, 403, "Insufficient client scope"},
		{"removing without the scope", "DELETE", track, reading, 403, "Insufficient client scope"},
		{"following without the scope", "PUT", "spotify:artist:" + someArtist, reading, 403, "Insufficient client scope"},
		{"an app's token", "PUT", track, w.appToken(), 401, "Valid user authentication required"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := w.send(test.method, "/v1/me/library?uris="+test.uris, test.token, "")
			if a.status != test.status || !strings.Contains(a.body, `"message":"`+test.message+`"`) {
				t.Errorf("status %d, body %s", a.status, a.body)
			}
		})
	}
}

// Apps in extended quota mode still have the endpoints that /me/library
// replaces.
func TestOldLibraryEndpoints(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true, Users: []accounts.User{{ID: "new"}}})
	token := w.login(libraryScopes).AccessToken
	for path, id := range map[string]string{"/v1/me/tracks": someTrack, "/v1/me/albums": someAlbum, "/v1/me/following": someArtist} {
		check := func(want bool) {
			t.Helper()
			if got := w.get(path+"/contains?ids="+id, token).bools(t); !slices.Equal(got, []bool{want}) {
				t.Errorf("%s: %v, want %v", path, got, want)
			}
		}
		check(false)
		w.send("PUT", path+"?type=artist&ids="+id, token, "").expect(t, 200, "")
		check(true)
		w.send("DELETE", path, token, `{"ids":["`+id+`"]}`).expect(t, 200, "")
		check(false)
		w.send("PUT", path, token, "").expect(t, 400, `{"error":{"status":400,"message":"Invalid number of ids"}}`)
		w.send("PUT", path, token, "{").expect(t, 400, `{"error":{"status":400,"message":"Malformed json"}}`)
		w.send("PUT", path+"?ids=none", token, "").expect(t, 400, `{"error":{"status":400,"message":"Invalid base62 id"}}`)
	}
}
