package accounts_test

import (
	"strings"
	"testing"

	"github.com/spotipie/spotipie/accounts"
)

// The first requests in Spotify's documentation work with an app's token and the ids
// that it uses.
func TestCatalogueByID(t *testing.T) {
	w := newWorld(t, accounts.Options{})
	token := w.appToken()
	for path, fields := range map[string]string{
		"/v1/artists/" + someArtist: "external_urls followers genres href id images name popularity type uri",
		"/v1/tracks/" + someTrack: "album artists available_markets disc_number duration_ms explicit external_ids external_urls " +
			"href id is_local name popularity preview_url track_number type uri",
		"/v1/albums/" + someAlbum: "album_type artists available_markets copyrights external_ids external_urls genres href id " +
			"images label name popularity release_date release_date_precision total_tracks tracks type uri",
	} {
		object := w.get(path, token).object(t)
		if got := fieldsOf(object); got != fields || object["id"] != path[strings.LastIndex(path, "/")+1:] {
			t.Errorf("%s: id %v, fields\n %s\nwant\n %s", path, object["id"], got, fields)
		}
	}
	tracks := w.get("/v1/albums/"+someAlbum, token).object(t)["tracks"].(map[string]any)
	if items := tracks["items"].([]any); len(items) != 12 || items[0].(map[string]any)["id"] != someTrack {
		t.Errorf("the album has %d tracks", len(items))
	}
	for _, kind := range []string{"artists", "tracks", "albums"} {
		w.get("/v1/"+kind+"/0000000000000000000000", token).expect(t, 404, `{"error":{"status":404,"message":"Resource not found"}}`)
		w.get("/v1/"+kind+"/none", token).expect(t, 400, `{"error":{"status":400,"message":"Invalid base62 id"}}`)
	}
}

// Apps in extended quota mode still have the endpoints that were removed for others.
func TestRemovedEndpointsInExtendedQuota(t *testing.T) {
	w := newWorld(t, accounts.Options{})
	token := w.appToken()
	for path, want := range map[string]string{
		"/v1/artists?ids=" + someArtist + ",none":   `{"artists":[{"external_urls"`,
		"/v1/tracks?ids=" + someTrack:               `{"tracks":[{"album"`,
		"/v1/albums?ids=" + someAlbum:               `{"albums":[{"album_type"`,
		"/v1/artists/" + someArtist + "/top-tracks": `{"tracks":[{"album"`,
		"/v1/browse/new-releases?limit=1":           `{"albums":{"href"`,
		"/v1/markets":                               `{"markets":["SE","US"]}`,
		"/v1/users/ada":                             `{"display_name":"Ada"`,
	} {
		if a := w.get(path, token); a.status != 200 || !strings.HasPrefix(a.body, want) {
			t.Errorf("%s: %d %.100s", path, a.status, a.body)
		}
	}
	if a := w.get("/v1/artists?ids="+someArtist+",none", token); !strings.HasSuffix(a.body, ",null]}") {
		t.Errorf("an unknown id: %s", a.body)
	}
	w.get("/v1/tracks", token).expect(t, 400, `{"error":{"status":400,"message":"Invalid number of ids"}}`)
	w.get("/v1/users/eve", token).expect(t, 404, `{"error":{"status":404,"message":"No such user"}}`)
	w.get("/v1/shows?ids=x", token).expect(t, 404, `{"error":{"status":404,"message":"Service not found"}}`) // the service has no shows
}

func TestPlayerState(t *testing.T) {
	w := newWorld(t, accounts.Options{AutoApprove: true})
	token := w.login(allScopes).AccessToken
	disallowed := func() string {
		state := w.get("/v1/me/player", token).object(t)
		if state["device"].(map[string]any)["supports_volume"] != true {
			t.Errorf("device %v", state["device"])
		}
		return fieldsOf(state["actions"].(map[string]any)["disallows"])
	}
	if got := disallowed(); got != "pausing" {
		t.Errorf("when paused, the player disallows %q", got)
	}
	w.put("/v1/me/player/play", token, "").expect(t, 204, "")
	if got := disallowed(); got != "resuming" {
		t.Errorf("when playing, the player disallows %q", got)
	}
}
