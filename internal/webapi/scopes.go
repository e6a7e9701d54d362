package webapi

import (
	"regexp"
	"strings"

	"github.com/spotipie/spotipie"
)

// endpointScopes are the scopes that Spotify's reference names for endpoints
// (https://developer.spotify.com/documentation/web-api/reference). The first rule
// that fits counts.
func endpointScopes() []struct {
	methods, path string
	scopes        spotipie.Scopes
} {
	one := func(scopes ...spotipie.Scope) spotipie.Scopes { return scopes }
	const (
		read  = "GET HEAD"
		write = "PUT POST DELETE PATCH"
	)
	return []struct {
		methods, path string
		scopes        spotipie.Scopes
	}{
		{read, `me/player/recently-played`, one(spotipie.ScopeUserReadRecentlyPlayed)},
		{read, `me/player/currently-playing`, one(spotipie.ScopeUserReadCurrentlyPlaying)},
		{read, `me/player/queue`, one(spotipie.ScopeUserReadCurrentlyPlaying, spotipie.ScopeUserReadPlaybackState)},
		{read, `me/player(/.*)?`, one(spotipie.ScopeUserReadPlaybackState)},
		{write, `me/player(/.*)?`, one(spotipie.ScopeUserModifyPlaybackState)},
		{read, `me/top/.+`, one(spotipie.ScopeUserTopRead)},
		{read, `me/following(/.*)?`, one(spotipie.ScopeUserFollowRead)},
		{write, `me/following`, one(spotipie.ScopeUserFollowModify)},
		{read, `me/episodes`, one(spotipie.ScopeUserLibraryRead, spotipie.ScopeUserReadPlaybackPosition)},
		{read, `me/(tracks|albums|shows|episodes|audiobooks|library)(/contains)?`, one(spotipie.ScopeUserLibraryRead)},
		{write, `me/(tracks|albums|shows|episodes|audiobooks|library)`, one(spotipie.ScopeUserLibraryModify)},
		{read, `me/playlists`, one(spotipie.ScopePlaylistReadPrivate)},
		{write, `me/playlists|users/[^/]+/playlists`, one(spotipie.ScopePlaylistModifyPublic, spotipie.ScopePlaylistModifyPrivate)},
		{read, `users/[^/]+/playlists`, one(spotipie.ScopePlaylistReadPrivate, spotipie.ScopePlaylistReadCollaborative)},
		{write, `playlists/[^/]+/images`, one(spotipie.ScopeUGCImageUpload, spotipie.ScopePlaylistModifyPublic, spotipie.ScopePlaylistModifyPrivate)},
		{read, `playlists/[^/]+(/.*)?`, one(spotipie.ScopePlaylistReadPrivate)},
		{write, `playlists/[^/]+(/.*)?`, one(spotipie.ScopePlaylistModifyPublic, spotipie.ScopePlaylistModifyPrivate)},
		{read, `(shows|episodes)/.+`, one(spotipie.ScopeUserReadPlaybackPosition)},
		{read, `me`, one(spotipie.ScopeUserReadPrivate, spotipie.ScopeUserReadEmail)},
	}
}

// ScopesFor returns the scopes that an endpoint needs, sorted; none if they are
// not known. path is the path of the request, such as /v1/me/tracks.
func ScopesFor(method, path string) spotipie.Scopes {
	path = strings.Trim(strings.TrimPrefix(path, "/v1"), "/")
	for _, rule := range endpointScopes() {
		if strings.Contains(" "+rule.methods+" ", " "+method+" ") && regexp.MustCompile(`^(`+rule.path+`)$`).MatchString(path) {
			return rule.scopes.Normalize()
		}
	}
	return nil
}
