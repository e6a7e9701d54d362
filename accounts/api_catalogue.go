package accounts

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// getArtist is GET /v1/artists/{id}, the first request that Spotify's tutorial
// teaches (https://developer.spotify.com/documentation/web-api/tutorials/getting-started).
func (s *Service) getArtist(c *apiCall) {
	if artist, ok := s.songs.artist(c.path["id"]); ok {
		c.send(artist)
		return
	}
	c.failNoSuchID()
}

// getTrack is GET /v1/tracks/{id}.
func (s *Service) getTrack(c *apiCall) {
	if track, ok := s.songs.track(c.path["id"]); ok {
		c.send(track)
		return
	}
	c.failNoSuchID()
}

// getAlbum is GET /v1/albums/{id}.
func (s *Service) getAlbum(c *apiCall) {
	if album, ok := s.songs.album(c.path["id"]); ok {
		c.send(s.songs.full(c, album))
		return
	}
	c.failNoSuchID()
}

// failNoSuchID: both texts are from memory.
func (c *apiCall) failNoSuchID() {
	if len(c.path["id"]) != idLength {
		c.fail(http.StatusBadRequest, messageInvalidID)
		return
	}
	c.fail(http.StatusNotFound, "Resource not found")
}

// several answers GET /v1/artists?ids=… and the like: the items in the order of
// the ids, and null for an unknown id.
func several[T any](name string, find func(*Service, *apiCall, string) (T, bool)) func(*Service, *apiCall) {
	return func(s *Service, c *apiCall) {
		ids := splitList(c.query.Get("ids"))
		if len(ids) == 0 || len(ids) > maxIDs {
			c.fail(http.StatusBadRequest, "Invalid number of ids")
			return
		}
		found := make([]*T, len(ids))
		for i, id := range ids {
			if item, ok := find(s, c, id); ok {
				found[i] = &item
			}
		}
		c.send(map[string]any{name: found})
	}
}

func findArtist(s *Service, _ *apiCall, id string) (fullArtist, bool) { return s.songs.artist(id) }
func findTrack(s *Service, _ *apiCall, id string) (fullTrack, bool)   { return s.songs.track(id) }

func findAlbum(s *Service, c *apiCall, id string) (fullAlbum, bool) {
	album, ok := s.songs.album(id)
	if !ok {
		return fullAlbum{}, false
	}
	return s.songs.full(c, album), true
}

// getTopTracks is GET /v1/artists/{id}/top-tracks.
func (s *Service) getTopTracks(c *apiCall) {
	artist, ok := s.songs.artist(c.path["id"])
	if !ok {
		c.failNoSuchID()
		return
	}
	tracks := []fullTrack{}
	for _, track := range s.songs.tracks {
		if track.Artists[0].ID == artist.ID && len(tracks) < 10 {
			tracks = append(tracks, track)
		}
	}
	c.send(map[string]any{"tracks": tracks})
}

// getNewReleases is GET /v1/browse/new-releases.
func (s *Service) getNewReleases(c *apiCall) {
	win, ok := c.window()
	if !ok {
		return
	}
	albums := slices.Clone(s.songs.albums)
	slices.Reverse(albums) // the newest first
	from, to := win.cut(len(albums))
	c.send(map[string]page{"albums": c.page(win, albums[from:to], len(albums), nil)})
}

// getMarkets is GET /v1/markets.
func (s *Service) getMarkets(c *apiCall) { c.send(map[string][]string{"markets": {"SE", "US"}}) }

// search is GET /v1/search for tracks, artists and albums: everything whose
// name, or whose artist's name, contains q.
func (s *Service) search(c *apiCall) {
	q := c.query.Get("q")
	if strings.TrimSpace(q) == "" {
		c.fail(http.StatusBadRequest, "No search query")
		return
	}
	if c.query.Get("type") == "" {
		c.fail(http.StatusBadRequest, "Missing parameter type")
		return
	}
	win, ok := c.windowOf(searchLimits(c.development))
	if !ok {
		return
	}
	found := make(map[string]page)
	for _, kind := range splitList(c.query.Get("type")) {
		query := url.Values{"q": {q}, "type": {kind}}
		switch kind {
		case "track":
			hits := matching(s.songs.tracks, q, func(t fullTrack) string { return t.Name + "\n" + t.Artists[0].Name })
			from, to := win.cut(len(hits))
			found["tracks"] = c.page(win, hits[from:to], len(hits), query)
		case "artist":
			hits := matching(s.songs.artists, q, func(a fullArtist) string { return a.Name })
			from, to := win.cut(len(hits))
			found["artists"] = c.page(win, hits[from:to], len(hits), query)
		case "album":
			hits := matching(s.songs.albums, q, func(a simpleAlbum) string { return a.Name + "\n" + a.Artists[0].Name })
			from, to := win.cut(len(hits))
			found["albums"] = c.page(win, hits[from:to], len(hits), query)
		default:
			c.fail(http.StatusBadRequest, "Bad search type field "+kind)
			return
		}
	}
	c.send(found)
}

func searchLimits(development bool) limits {
	if development {
		return limits{standard: 5, most: 10}
	}
	return limits{standard: defaultLimit, most: maxLimit}
}

func matching[T any](all []T, q string, text func(T) string) []T {
	hits := []T{}
	for _, item := range all {
		if strings.Contains(strings.ToLower(text(item)), strings.ToLower(strings.TrimSpace(q))) {
			hits = append(hits, item)
		}
	}
	return hits
}
