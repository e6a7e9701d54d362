package accounts_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/accounts"
)

const playlistScopes = "playlist-read-private playlist-modify-public playlist-modify-private"

// createPlaylist makes a playlist and returns its id.
func (w *world) createPlaylist(t *testing.T, token, body string) string {
	t.Helper()
	a := w.send("POST", "/v1/me/playlists", token, body)
	if a.status != http.StatusCreated {
		t.Fatalf("status %d, body %s", a.status, a.body)
	}
	return a.object(t)["id"].(string)
}

// Since February 2026 a playlist's items are at /items, and the field of each is item.
// Apps in extended quota mode have the old names too.
func TestPlaylists(t *testing.T) {
	for name, mode := range modes() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, accounts.Options{AutoApprove: true, DevelopmentMode: mode})
			token := w.login(playlistScopes).AccessToken
			id := w.createPlaylist(t, token, `{"name":"Morning"}`)
			items := "/v1/playlists/" + id + "/items"
			before := w.get("/v1/playlists/"+id, token).object(t)
			w.send("POST", items, token, `{"uris":["spotify:track:`+someTrack+`"]}`)
			if a := w.send("POST", items+"?uris=spotify:track:"+someTrack, token, ""); a.status != http.StatusCreated ||
				strings.Contains(a.body, before["snapshot_id"].(string)) {
				t.Errorf("adding: %d %s", a.status, a.body)
			}
			page := w.get(items, token).object(t)
			item := page["items"].([]any)[0].(map[string]any)
			if page["total"] != 2.0 || item["item"].(map[string]any)["id"] != someTrack {
				t.Errorf("items: %v", page)
			}
			playlist := w.get("/v1/playlists/"+id, token).object(t)
			if playlist["name"] != "Morning" || playlist["items"].(map[string]any)["total"] != 2.0 {
				t.Errorf("playlist: %v", playlist)
			}
			_, oldField := item["track"]
			_, oldPage := playlist["tracks"]
			old := w.get("/v1/playlists/"+id+"/tracks", token)
			if extended := mode == nil; oldField != extended || oldPage != extended || (old.status == 200) != extended {
				t.Errorf("the old names: track %v, tracks %v, /tracks %d", oldField, oldPage, old.status)
			}
			if got := w.get("/v1/me/playlists", token).object(t)["total"]; got != 1.0 {
				t.Errorf("%v playlists, want 1", got)
			}
		})
	}
}

func TestPlaylistRefusals(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true, DevelopmentMode: &accounts.DevelopmentMode{}})
	ada, grace := w.login(playlistScopes).AccessToken, w.loginAs("grace", playlistScopes).AccessToken
	id := w.createPlaylist(t, ada, `{"name":"Morning"}`)
	items := "/v1/playlists/" + id + "/items"
	forbidden := `{"error":{"status":403,"message":"Forbidden"}}`
	w.get(items, grace).expect(t, 403, forbidden) // only the owner may read them
	w.send("POST", items, grace, `{"uris":["spotify:track:`+someTrack+`"]}`).expect(t, 403, forbidden)
	if _, ok := w.get("/v1/playlists/"+id, grace).object(t)["items"]; ok {
		t.Error("another user sees the items")
	}
	for body, message := range map[string]string{
		"": "Malformed json", "{}": "Missing required field: name", `{"name":" "}`: "Missing required field: name",
	} {
		w.send("POST", "/v1/me/playlists", ada, body).expect(t, 400, `{"error":{"status":400,"message":"`+message+`"}}`)
	}
	for body, message := range map[string]string{
		"": "Malformed json", "{}": "Invalid number of uris", `{"uris":["spotify:album:` + someAlbum + `"]}`: "Invalid track uri",
	} {
		w.send("POST", items, ada, body).expect(t, 400, `{"error":{"status":400,"message":"`+message+`"}}`)
	}
	w.get("/v1/playlists/0000000000000000000000", ada).expect(t, 404, `{"error":{"status":404,"message":"Resource not found"}}`)
	if a := w.send("POST", "/v1/me/playlists", w.loginAs("ada", "playlist-modify-public").AccessToken, `{"name":"x","public":false}`); a.status != 403 {
		t.Errorf("a private playlist without the scope: %d", a.status)
	}
}

func TestPlaylistOfAUser(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	token := w.login(playlistScopes).AccessToken
	if a := w.send("POST", "/v1/users/ada/playlists", token, `{"name":"Morning"}`); a.status != http.StatusCreated {
		t.Errorf("status %d, body %s", a.status, a.body)
	}
	if a := w.send("POST", "/v1/users/grace/playlists", token, `{"name":"Morning"}`); a.status != http.StatusForbidden {
		t.Errorf("for another user: status %d, body %s", a.status, a.body)
	}
}
