package accounts

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spotipie/spotipie"
)

// endpoint is one operation of the Web API.
type endpoint struct {
	method string
	path   string         // each {name} stands for one segment
	scope  spotipie.Scope // needed; empty: none
	user   bool           // needs a user's token

	// removed means that development mode has not had it since 2026-03-09
	// (https://developer.spotify.com/documentation/web-api/references/changes/february-2026).
	removed bool

	// handle is nil if the service only knows that the endpoint was removed. In
	// extended quota mode such an endpoint is not found.
	handle func(s *Service, c *apiCall)
}

// endpoints are all operations.
type endpoints []endpoint

func webAPI() endpoints {
	return slices.Concat(userEndpoints(), catalogueEndpoints(), removedEndpoints())
}

func userEndpoints() endpoints {
	return endpoints{
		{method: "GET", path: "/v1/me", user: true, handle: (*Service).getMe},
		{method: "GET", path: "/v1/me/tracks", user: true, scope: spotipie.ScopeUserLibraryRead, handle: (*Service).getSavedTracks},
		{method: "GET", path: "/v1/me/albums", user: true, scope: spotipie.ScopeUserLibraryRead, handle: (*Service).getSavedAlbums},
		{method: "PUT", path: "/v1/me/library", user: true, handle: (*Service).saveToLibrary},
		{method: "DELETE", path: "/v1/me/library", user: true, handle: (*Service).removeFromLibrary},
		{method: "GET", path: "/v1/me/library/contains", user: true, handle: (*Service).checkLibrary},
		{method: "GET", path: "/v1/me/player", user: true, scope: spotipie.ScopeUserReadPlaybackState, handle: (*Service).getPlayer},
		{method: "PUT", path: "/v1/me/player/play", user: true, scope: spotipie.ScopeUserModifyPlaybackState, handle: (*Service).play},
		{method: "GET", path: "/v1/me/playlists", user: true, scope: spotipie.ScopePlaylistReadPrivate, handle: (*Service).getPlaylists},
		{method: "POST", path: "/v1/me/playlists", user: true, handle: (*Service).createPlaylist},
		{method: "GET", path: "/v1/playlists/{id}", user: true, handle: (*Service).getPlaylist},
		{method: "GET", path: "/v1/playlists/{id}/items", user: true, handle: (*Service).getPlaylistItems},
		{method: "POST", path: "/v1/playlists/{id}/items", user: true, handle: (*Service).addPlaylistItems},
	}
}

func catalogueEndpoints() endpoints {
	return endpoints{
		{method: "GET", path: "/v1/search", handle: (*Service).search},
		{method: "GET", path: "/v1/artists/{id}", handle: (*Service).getArtist},
		{method: "GET", path: "/v1/albums/{id}", handle: (*Service).getAlbum},
		{method: "GET", path: "/v1/tracks/{id}", handle: (*Service).getTrack},
	}
}

// removedEndpoints are those that development mode no longer has.
func removedEndpoints() endpoints {
	old := endpoints{
		{method: "GET", path: "/v1/artists", handle: several("artists", findArtist)},
		{method: "GET", path: "/v1/albums", handle: several("albums", findAlbum)},
		{method: "GET", path: "/v1/tracks", handle: several("tracks", findTrack)},
		{method: "GET", path: "/v1/artists/{id}/top-tracks", handle: (*Service).getTopTracks},
		{method: "GET", path: "/v1/browse/new-releases", handle: (*Service).getNewReleases},
		{method: "GET", path: "/v1/browse/categories"},
		{method: "GET", path: "/v1/markets", handle: (*Service).getMarkets},
		{method: "GET", path: "/v1/users/{id}", handle: (*Service).getUser},
		{method: "GET", path: "/v1/users/{id}/playlists"},
		{method: "POST", path: "/v1/users/{id}/playlists", user: true, handle: (*Service).createUsersPlaylist},
		{method: "GET", path: "/v1/playlists/{id}/tracks", user: true, handle: (*Service).getPlaylistItems},
		{method: "POST", path: "/v1/playlists/{id}/tracks", user: true, handle: (*Service).addPlaylistItems},
		{method: "PUT", path: "/v1/playlists/{id}/followers"},
		{method: "DELETE", path: "/v1/playlists/{id}/followers"},
		{method: "GET", path: "/v1/episodes"}, {method: "GET", path: "/v1/shows"},
		{method: "GET", path: "/v1/audiobooks"}, {method: "GET", path: "/v1/chapters"},
	}
	for _, kept := range []struct {
		path, kind   string
		read, modify spotipie.Scope
	}{
		{"/v1/me/tracks", "track", spotipie.ScopeUserLibraryRead, spotipie.ScopeUserLibraryModify},
		{"/v1/me/albums", "album", spotipie.ScopeUserLibraryRead, spotipie.ScopeUserLibraryModify},
		{"/v1/me/following", "artist", spotipie.ScopeUserFollowRead, spotipie.ScopeUserFollowModify},
	} {
		old = append(old,
			endpoint{method: "PUT", path: kept.path, user: true, scope: kept.modify, handle: saveByID(kept.kind)},
			endpoint{method: "DELETE", path: kept.path, user: true, scope: kept.modify, handle: removeByID(kept.kind)},
			endpoint{method: "GET", path: kept.path + "/contains", user: true, scope: kept.read, handle: containsByID(kept.kind)})
	}
	for i := range old {
		old[i].removed = true
	}
	return old
}

// find returns the operation for a request and the values of its path. If there
// is none, allowed are the methods of the path.
func (all endpoints) find(r *http.Request, development bool) (operation *endpoint, path map[string]string, allowed []string) {
	sent := escapedPath(r)
	for i := range all {
		if all[i].handle == nil && !development {
			continue
		}
		values, ok := matchPath(all[i].path, sent)
		if !ok {
			continue
		}
		if all[i].method == r.Method {
			return &all[i], values, nil
		}
		if !slices.Contains(allowed, all[i].method) {
			allowed = append(allowed, all[i].method)
		}
	}
	return nil, nil, allowed
}

func matchPath(pattern, sent string) (values map[string]string, ok bool) {
	names, segments := strings.Split(pattern, "/"), strings.Split(sent, "/")
	if len(names) != len(segments) {
		return nil, false
	}
	values = make(map[string]string)
	for i, name := range names {
		segment, err := url.PathUnescape(segments[i])
		if err != nil {
			return nil, false
		}
		switch {
		case strings.HasPrefix(name, "{") && segment != "":
			values[strings.Trim(name, "{}")] = segment
		case name != segment:
			return nil, false
		}
	}
	return values, true
}
