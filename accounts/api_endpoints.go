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
	path   string         // with {names} that stand for one segment each
	scope  spotipie.Scope // needed; empty: none
	user   bool           // needs a user's token
	handle func(s *Service, c *apiCall)
}

// endpoints are the operations there are. Where two paths fit, the first counts.
type endpoints []endpoint

func webAPI() endpoints {
	return endpoints{
		{method: "GET", path: "/v1/me", user: true, handle: (*Service).getMe},
		{method: "GET", path: "/v1/search", handle: (*Service).search},
		{method: "GET", path: "/v1/me/tracks", user: true, scope: spotipie.ScopeUserLibraryRead, handle: (*Service).getSavedTracks},
		{method: "GET", path: "/v1/me/player", user: true, scope: spotipie.ScopeUserReadPlaybackState, handle: (*Service).getPlayer},
		{method: "PUT", path: "/v1/me/player/play", user: true, scope: spotipie.ScopeUserModifyPlaybackState, handle: (*Service).play},
	}
}

// find returns the operation a request is for and the values of its path. When
// there is none, allowed are the methods the path has.
func (all endpoints) find(r *http.Request) (operation *endpoint, path map[string]string, allowed []string) {
	sent := escapedPath(r)
	for i := range all {
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
