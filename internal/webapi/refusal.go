package webapi

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/spotipie/spotipie"
)

// dashboard is where an app's settings are.
const dashboard = "https://developer.spotify.com/dashboard"

// The beginnings of Spotify's messages for apps in development mode, since
// February 2026
// (https://developer.spotify.com/documentation/web-api/tutorials/february-2026-migration-guide).
const (
	ownerWithoutPremium = "Active premium subscription required for the owner of the app"
	userNotRegistered   = "User not registered in the Developer Dashboard"
	forbidden           = "Forbidden"
)

// Refusal explains an answer that apps in development mode get, and says what
// to do. ok is false for other answers. path is the path of the request.
func Refusal(e *spotipie.APIError, method, path string) (problem, fix string, ok bool) {
	if e.StatusCode != http.StatusForbidden {
		return "", "", false
	}
	switch {
	case strings.HasPrefix(e.Message, ownerWithoutPremium):
		return "the owner of the app has no Premium, and in development mode an app works only while its owner has it",
			"renew the Premium of the account that owns the app at " + dashboard +
				", or use an app of an account that has it; it can take a few hours until requests are allowed again", true
	case strings.HasPrefix(e.Message, userNotRegistered):
		return "the user is not on the app's list, and in development mode only users on the list may use the app",
			"add them under User Management of the app at " + dashboard + " (five users at most), and sign in again", true
	case e.Message == forbidden:
		return "since March 2026 apps in development mode do not have this endpoint", "use " + replacement(method, path), true
	}
	return "", "", false
}

// removed are endpoints that apps in development mode no longer have, and what
// replaces them
// (https://developer.spotify.com/documentation/web-api/references/changes/february-2026).
func removed() []struct{ method, path, instead string } {
	return []struct{ method, path, instead string }{
		{"PUT", `^/v1/me/(tracks|albums|shows|episodes|audiobooks|following)$`, "PUT me/library with the Spotify URIs in uris"},
		{"DELETE", `^/v1/me/(tracks|albums|shows|episodes|audiobooks|following)$`, "DELETE me/library with the Spotify URIs in uris"},
		{"GET", `^/v1/me/(tracks|albums|shows|episodes|audiobooks|following)/contains$`, "me/library/contains with the Spotify URIs in uris"},
		{"", `^/v1/playlists/[^/]+/tracks$`, "playlists/ID/items"},
		{"POST", `^/v1/users/[^/]+/playlists$`, "POST me/playlists"},
		{"GET", `^/v1/(tracks|albums|artists|shows|episodes|audiobooks|chapters)$`, "a request for each id, such as tracks/ID"},
	}
}

func replacement(method, path string) string {
	path = strings.TrimSuffix(path, "/")
	for _, r := range removed() {
		if (r.method == "" || r.method == method) && regexp.MustCompile(r.path).MatchString(path) {
			return r.instead + " in its place"
		}
	}
	return "another endpoint, or apply for extended quota mode at " + dashboard
}
