package spotipie_test

import (
	"cmp"
	"testing"

	"github.com/spotipie/spotipie"
)

// TestMountOnAPathOfTheAPI checks that the mount is used for any address of the Web
// API, and not for the accounts service.
func TestMountOnAPathOfTheAPI(t *testing.T) {
	for _, api := range []string{"", "http://127.0.0.1:8888", "https://proxy.example/spotify"} {
		s := withToken(t, &spotipie.Options{Transport: ok("default"), APIURL: api})
		for prefix, body := range map[string]string{"/": "api", "/v1/audio": "audio"} {
			if err := s.Mount(prefix, ok(body)); err != nil {
				t.Fatal(err)
			}
		}
		for url, want := range map[string]string{
			"/v1/me": "api",
			cmp.Or(api, spotipie.DefaultAPIURL) + "/v1/me": "api",
			"/v1/audio-features/1":                         "audio",
			"https://accounts.spotify.com/api/token":       "default",
		} {
			if got := bodyOf(t, get(t, s, url, nil)); got != want {
				t.Errorf("%s was sent by %q, want %q, with the API at %q", url, got, want, api)
			}
		}
		if err := s.Mount("/v1/audio", nil); err != nil {
			t.Fatal(err)
		}
		if got := bodyOf(t, get(t, s, "/v1/audio-features/1", nil)); got != "api" {
			t.Errorf("after the mount was taken away: sent by %q", got)
		}
	}
}
