package accounts

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// search is GET /v1/search for tracks, artists and albums. It finds everything
// whose names contain all words of q, in any order (see searchTerms).
func (s *Service) search(c *apiCall) {
	q := c.query.Get("q")
	terms := searchTerms(q)
	if len(terms) == 0 {
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
			hits := matching(s.songs.tracks, terms, func(t fullTrack) names {
				return names{"track": t.Name, "artist": t.Artists[0].Name, "album": t.Album.Name}
			})
			from, to := win.cut(len(hits))
			found["tracks"] = c.page(win, hits[from:to], len(hits), query)
		case "artist":
			hits := matching(s.songs.artists, terms, func(a fullArtist) names { return names{"artist": a.Name} })
			from, to := win.cut(len(hits))
			found["artists"] = c.page(win, hits[from:to], len(hits), query)
		case "album":
			hits := matching(s.songs.albums, terms, func(a simpleAlbum) names {
				return names{"album": a.Name, "artist": a.Artists[0].Name}
			})
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

// names are the names of an item that a search looks at, by filter.
type names map[string]string

// term is a part of a search query: text that a name must contain.
type term struct {
	filter string // which name to look at: track, artist or album; empty: any
	text   string
}

// searchTerms returns the terms of a query, all of which have to match. A term
// is a word, or a phrase in double quotes, and may follow a filter, such as
// artist:"paper lanterns". Other filters than the three are treated as text,
// which matches no name here.
func searchTerms(q string) (terms []term) {
	quoted := false
	for word := range strings.FieldsFuncSeq(strings.ToLower(q), func(r rune) bool {
		quoted = quoted != (r == '"')
		return unicode.IsSpace(r) && !quoted
	}) {
		word = strings.ReplaceAll(word, `"`, "")
		t := term{text: word}
		if filter, text, ok := strings.Cut(word, ":"); ok && slices.Contains([]string{"track", "artist", "album"}, filter) {
			t = term{filter, text}
		}
		if t.text != "" {
			terms = append(terms, t)
		}
	}
	return terms
}

func (t term) matches(n names) bool {
	for filter, name := range n {
		if (t.filter == "" || t.filter == filter) && strings.Contains(strings.ToLower(name), t.text) {
			return true
		}
	}
	return false
}

func matching[T any](all []T, terms []term, namesOf func(T) names) []T {
	hits := []T{}
	for _, item := range all {
		n := namesOf(item)
		if !slices.ContainsFunc(terms, func(t term) bool { return !t.matches(n) }) {
			hits = append(hits, item)
		}
	}
	return hits
}
