package webapi_test

import (
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/webapi"
)

func TestTarget(t *testing.T) {
	for path, want := range map[string]string{
		"me":                                   "/v1/me",
		"/me":                                  "/v1/me",
		"v1/me":                                "/v1/me",
		"/v1/me":                               "/v1/me",
		"/v1":                                  "/v1",
		"/v2/me":                               "/v2/me",
		"videos":                               "/v1/videos",
		"/v1x/me":                              "/v1/v1x/me",
		"me/tracks?limit=2":                    "/v1/me/tracks?limit=2",
		"me/following/contains?a=http://b":     "/v1/me/following/contains?a=http://b",
		"artists/spotify:artist:1":             "/v1/artists/spotify:artist:1",
		"spotify:artist:1":                     "/v1/spotify:artist:1",
		"https://api.spotify.com/v1/me":        "https://api.spotify.com/v1/me",
		"http://127.0.0.1:8888/_service/stats": "http://127.0.0.1:8888/_service/stats",
	} {
		t.Run(path, func(t *testing.T) {
			got, err := webapi.Target(path)
			if got != want || err != nil {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		})
	}
}

func TestTargetRefuses(t *testing.T) {
	for path, want := range map[string]string{
		"":                          "empty",
		"//example.com/me":          "one slash",
		"me#top":                    "%23",
		"search?q=a b":              "-f",
		"me\r\nX: y":                "-f",
		`C:\me`:                     "-f",
		"https://u:p@example.com/":  "user name",
		"ftp://example.com/me":      "neither an http",
		"file:///etc/passwd":        "neither an http",
		"https://":                  "neither an http",
		"http://example.com:x/":     "neither a path nor a URL",
		"https://exa%zzmple.com/me": "neither a path nor a URL",
	} {
		t.Run(path, func(t *testing.T) {
			got, err := webapi.Target(path)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %q, %v, want an error with %q", got, err, want)
			}
		})
	}
}
