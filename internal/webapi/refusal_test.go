package webapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/webapi"
)

func TestRefusal(t *testing.T) {
	const owner = "Active premium subscription required for the owner of the app. When the subscription status changes, " +
		"it can take a few hours before requests are allowed again."
	for name, test := range map[string]struct {
		status                int
		message, method, path string
		problem, fix          string
	}{
		"owner without Premium": {403, owner, "GET", "/v1/me", "owner of the app has no Premium", "a few hours"},
		"user not on the list": {403, "User not registered in the Developer Dashboard", "GET", "/v1/me",
			"not on the app's list", "User Management"},
		"endpoint removed":     {403, "Forbidden", "GET", "/v1/markets", "do not have this endpoint", "extended quota mode"},
		"saving tracks":        {403, "Forbidden", "PUT", "/v1/me/tracks", "do not have this endpoint", "use PUT me/library with"},
		"removing albums":      {403, "Forbidden", "DELETE", "/v1/me/albums/", "do not have this endpoint", "use DELETE me/library with"},
		"checking":             {403, "Forbidden", "GET", "/v1/me/following/contains", "do not have this endpoint", "use me/library/contains"},
		"playlist's tracks":    {403, "Forbidden", "POST", "/v1/playlists/1/tracks", "do not have this endpoint", "use playlists/ID/items"},
		"a playlist":           {403, "Forbidden", "POST", "/v1/users/ada/playlists", "do not have this endpoint", "use POST me/playlists"},
		"several at a time":    {403, "Forbidden", "GET", "/v1/tracks", "do not have this endpoint", "a request for each id"},
		"missing scope":        {403, "Insufficient client scope", "GET", "/v1/me/player", "", ""},
		"another status":       {401, "Forbidden", "GET", "/v1/markets", "", ""},
		"free user playing":    {403, "Player command failed: Premium required", "PUT", "/v1/me/player/play", "", ""},
		"a message with it in": {403, "Forbidden fruit", "GET", "/v1/markets", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			problem, fix, ok := webapi.Refusal(&spotipie.APIError{StatusCode: test.status, Message: test.message}, test.method, test.path)
			if ok != (test.problem != "") || !strings.Contains(problem, test.problem) || !strings.Contains(fix, test.fix) {
				t.Errorf("got %q, %q, %t", problem, fix, ok)
			}
			if ok && test.status != http.StatusForbidden {
				t.Error("only 403 is one")
			}
		})
	}
}
