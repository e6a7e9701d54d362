package accounts

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/spotipie/spotipie"
)

type profile struct {
	Country      string       `json:"country,omitempty"`
	DisplayName  string       `json:"display_name"`
	Email        string       `json:"email,omitempty"`
	ExternalURLs externalURLs `json:"external_urls"`
	Followers    followers    `json:"followers"`
	Href         string       `json:"href"`
	ID           string       `json:"id"`
	Images       []image      `json:"images"`
	Product      string       `json:"product,omitempty"`
	Type         string       `json:"type"`
	URI          string       `json:"uri"`
}

// getMe is GET /v1/me.
func (s *Service) getMe(c *apiCall) {
	user := c.token.user
	id := url.PathEscape(user.ID)
	p := profile{
		DisplayName: user.DisplayName, ExternalURLs: openURL("user", id),
		Href: c.base() + "/v1/users/" + id, ID: user.ID, Images: []image{},
		Type: "user", URI: "spotify:user:" + id,
	}
	if user.ImageURL != "" {
		p.Images = []image{{URL: user.ImageURL, Height: 300, Width: 300}}
	}
	if c.token.scopes.Contains(spotipie.Scopes{spotipie.ScopeUserReadEmail}) {
		p.Email = user.Email
	}
	if c.token.scopes.Contains(spotipie.Scopes{spotipie.ScopeUserReadPrivate}) {
		p.Country, p.Product = user.Country, user.Product
	}
	c.send(p)
}

// getSavedTracks is GET /v1/me/tracks: the whole catalogue, for every user.
func (s *Service) getSavedTracks(c *apiCall) {
	win, ok := c.window()
	if !ok {
		return
	}
	from, to := win.cut(len(s.songs.saved))
	c.send(c.page(win, s.songs.saved[from:to], len(s.songs.saved), nil))
}

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
	win, ok := c.window()
	if !ok {
		return
	}
	found := make(map[string]page)
	for kind := range strings.SplitSeq(c.query.Get("type"), ",") {
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

func matching[T any](all []T, q string, text func(T) string) []T {
	hits := []T{}
	for _, item := range all {
		if strings.Contains(strings.ToLower(text(item)), strings.ToLower(strings.TrimSpace(q))) {
			hits = append(hits, item)
		}
	}
	return hits
}
