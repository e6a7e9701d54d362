package accounts

import (
	"net/http"
	"slices"
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

// failNoSuchID answers for an unknown id. Both texts are from memory.
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
