package webapi_test

import (
	"testing"

	"github.com/spotipie/spotipie/internal/webapi"
)

func TestScopesFor(t *testing.T) {
	for request, want := range map[[2]string]string{
		{"GET", "/v1/me"}:                          "user-read-email user-read-private",
		{"GET", "/v1/me/"}:                         "user-read-email user-read-private",
		{"GET", "/v1/me/player"}:                   "user-read-playback-state",
		{"GET", "/v1/me/player/devices"}:           "user-read-playback-state",
		{"GET", "/v1/me/player/currently-playing"}: "user-read-currently-playing",
		{"GET", "/v1/me/player/recently-played"}:   "user-read-recently-played",
		{"PUT", "/v1/me/player/play"}:              "user-modify-playback-state",
		{"POST", "/v1/me/player/queue"}:            "user-modify-playback-state",
		{"GET", "/v1/me/top/artists"}:              "user-top-read",
		{"GET", "/v1/me/tracks"}:                   "user-library-read",
		{"GET", "/v1/me/albums/contains"}:          "user-library-read",
		{"GET", "/v1/me/library/contains"}:         "user-library-read",
		{"PUT", "/v1/me/library"}:                  "user-library-modify",
		{"DELETE", "/v1/me/tracks"}:                "user-library-modify",
		{"GET", "/v1/me/following/contains"}:       "user-follow-read",
		{"PUT", "/v1/me/following"}:                "user-follow-modify",
		{"GET", "/v1/me/playlists"}:                "playlist-read-private",
		{"POST", "/v1/me/playlists"}:               "playlist-modify-private playlist-modify-public",
		{"POST", "/v1/playlists/x/items"}:          "playlist-modify-private playlist-modify-public",
		{"PUT", "/v1/playlists/x/images"}:          "playlist-modify-private playlist-modify-public ugc-image-upload",
		{"GET", "/v1/playlists/x"}:                 "playlist-read-private",
		{"GET", "/v1/episodes/x"}:                  "user-read-playback-position",
		{"GET", "/v1/search"}:                      "",
		{"GET", "/v1/meadow"}:                      "",
		{"GET", ""}:                                "",
		{"BREW", "/v1/me"}:                         "",
	} {
		if got := webapi.ScopesFor(request[0], request[1]).String(); got != want {
			t.Errorf("%v: got %q, want %q", request, got, want)
		}
	}
}
