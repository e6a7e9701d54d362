package accounts

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
)

// library is what a user has saved or follows, newest first. Service.mu guards
// it.
type library []libraryEntry

type libraryEntry struct {
	uri   string
	added time.Time
}

func (l library) index(uri string) int {
	return slices.IndexFunc(l, func(e libraryEntry) bool { return e.uri == uri })
}

// newestSave is when the newest of a user's first tracks was saved. Each older
// track was saved a day earlier.
func newestSave() time.Time { return time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC) }

// libraryStep is the distance in the catalogue between the first tracks of two
// users' libraries, so that no two libraries are the same.
const libraryStep = 40

// ownLibrary returns the user's library. s.mu is held.
func (s *Service) ownLibrary(user *User) library {
	saved, ok := s.libraries[user.ID]
	if !ok {
		first := s.numberOf(user) * libraryStep
		for i := range user.SavedTracks {
			track := s.songs.tracks[(first+i)%len(s.songs.tracks)]
			saved = append(saved, libraryEntry{track.URI, newestSave().AddDate(0, 0, -i)})
		}
		s.libraries[user.ID] = saved
	}
	return saved
}

// numberOf is the user's index among the users.
func (s *Service) numberOf(user *User) int {
	return slices.IndexFunc(s.opts.Users, func(u User) bool { return u.ID == user.ID })
}

// libraryChange is what a request does with its items.
type libraryChange int

const (
	saveItems libraryChange = iota
	removeItems
)

// change saves or removes items. Saving an item again changes nothing.
func (s *Service) change(user *User, uris []string, change libraryChange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	saved := slices.Clone(s.ownLibrary(user))
	for _, uri := range uris {
		i := saved.index(uri)
		switch {
		case change == saveItems && i < 0:
			saved = slices.Insert(saved, 0, libraryEntry{uri, s.Now().UTC()})
		case change == removeItems && i >= 0:
			saved = slices.Delete(saved, i, i+1)
		}
	}
	s.libraries[user.ID] = saved
}

// maxLibraryURIs is how many URIs /me/library accepts, according to one
// client's documentation.
const maxLibraryURIs = 40

// saveToLibrary is PUT /v1/me/library, removeFromLibrary DELETE, and
// checkLibrary GET /v1/me/library/contains
// (https://developer.spotify.com/documentation/web-api/tutorials/february-2026-migration-guide).
func (s *Service) saveToLibrary(c *apiCall)     { s.changeLibrary(c, saveItems) }
func (s *Service) removeFromLibrary(c *apiCall) { s.changeLibrary(c, removeItems) }

func (s *Service) changeLibrary(c *apiCall, change libraryChange) {
	if uris, ok := s.requestedURIs(c, spotipie.ScopeUserLibraryModify, spotipie.ScopeUserFollowModify); ok {
		s.change(c.token.user, uris, change)
		c.done(http.StatusOK)
	}
}

func (s *Service) checkLibrary(c *apiCall) {
	if uris, ok := s.requestedURIs(c, spotipie.ScopeUserLibraryRead, spotipie.ScopeUserFollowRead); ok {
		c.send(s.contains(c.token.user, uris))
	}
}

func (s *Service) contains(user *User, uris []string) []bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := make([]bool, len(uris))
	for i, uri := range uris {
		found[i] = s.ownLibrary(user).index(uri) >= 0
	}
	return found
}

// requestedURIs reads the parameter uris. If it returns false, it has sent the
// answer. The scopes are assumed from the endpoints that these replace: the
// library scopes for saved items, and the follow scopes for followed artists
// and users.
func (s *Service) requestedURIs(c *apiCall, saving, following spotipie.Scope) ([]string, bool) {
	uris := splitList(c.query.Get("uris"))
	if len(uris) == 0 || len(uris) > maxLibraryURIs {
		c.fail(http.StatusBadRequest, "Invalid number of uris")
		return nil, false
	}
	for _, uri := range uris {
		kind, known := s.kindOf(uri)
		if !known {
			c.fail(http.StatusBadRequest, "Invalid uri")
			return nil, false
		}
		needed := saving
		if kind == "artist" || kind == "user" {
			needed = following
		}
		if !c.token.scopes.Contains(spotipie.Scopes{needed}) {
			refuseScope(c.w, needed)
			return nil, false
		}
	}
	return uris, true
}

// kindOf returns the kind of item that a Spotify URI names, and whether the
// item exists.
func (s *Service) kindOf(uri string) (kind string, known bool) {
	kind, id, _ := strings.Cut(strings.TrimPrefix(uri, "spotify:"), ":")
	if uri != "spotify:"+kind+":"+id {
		return "", false
	}
	switch kind {
	case "track":
		_, known = s.songs.track(id)
	case "album":
		_, known = s.songs.album(id)
	case "artist":
		_, known = s.songs.artist(id)
	case "user":
		known = s.users[id] != nil
	}
	return kind, known
}

// splitList reads a parameter with commas in it.
func splitList(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

type savedTrack struct {
	AddedAt string    `json:"added_at"`
	Track   fullTrack `json:"track"`
}

type savedAlbum struct {
	AddedAt string    `json:"added_at"`
	Album   fullAlbum `json:"album"`
}

// getSavedTracks is GET /v1/me/tracks.
func (s *Service) getSavedTracks(c *apiCall) {
	items := []savedTrack{}
	for _, e := range s.saved(c.token.user, "track") {
		if track, ok := s.songs.track(idOf(e.uri)); ok {
			items = append(items, savedTrack{e.added.Format(time.RFC3339), track})
		}
	}
	sendPage(c, items)
}

// getSavedAlbums is GET /v1/me/albums.
func (s *Service) getSavedAlbums(c *apiCall) {
	items := []savedAlbum{}
	for _, e := range s.saved(c.token.user, "album") {
		if album, ok := s.songs.album(idOf(e.uri)); ok {
			items = append(items, savedAlbum{e.added.Format(time.RFC3339), s.songs.full(c, album)})
		}
	}
	sendPage(c, items)
}

// saved returns the user's entries of one kind.
func (s *Service) saved(user *User, kind string) []libraryEntry {
	s.mu.Lock()
	defer s.mu.Unlock()
	var entries []libraryEntry
	for _, e := range s.ownLibrary(user) {
		if strings.HasPrefix(e.uri, "spotify:"+kind+":") {
			entries = append(entries, e)
		}
	}
	return entries
}

func idOf(uri string) string { return uri[strings.LastIndex(uri, ":")+1:] }
