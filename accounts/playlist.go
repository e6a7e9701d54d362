package accounts

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spotipie/spotipie"
)

// The most playlists of a user, according to Spotify's reference, and the most
// items of one request and of one playlist.
const (
	maxPlaylists     = 11_000
	maxItemsAtOnce   = 100
	maxPlaylistItems = 10_000
)

// playlist is a playlist that a user has made. Service.mu guards it.
type playlist struct {
	id, name, description string
	owner                 *User
	public, collaborative bool
	items                 []libraryEntry
	version               int
}

type playlistObject struct {
	Collaborative bool          `json:"collaborative"`
	Description   string        `json:"description"`
	ExternalURLs  externalURLs  `json:"external_urls"`
	Href          string        `json:"href"`
	ID            string        `json:"id"`
	Images        []imageObject `json:"images"`
	Items         *page         `json:"items,omitempty"` // only the owner sees them in development mode
	Name          string        `json:"name"`
	Owner         publicProfile `json:"owner"`
	Public        bool          `json:"public"`
	SnapshotID    string        `json:"snapshot_id"`
	Tracks        *page         `json:"tracks,omitempty"` // the name of items until February 2026
	Type          string        `json:"type"`
	URI           string        `json:"uri"`
}

type playlistItem struct {
	AddedAt string        `json:"added_at"`
	AddedBy publicProfile `json:"added_by"`
	IsLocal bool          `json:"is_local"`
	Item    *fullTrack    `json:"item"`
	Track   *fullTrack    `json:"track,omitempty"` // the name of item until February 2026
}

// createPlaylist is POST /v1/me/playlists.
func (s *Service) createPlaylist(c *apiCall) { s.createPlaylistOf(c, c.token.user.ID) }

// createUsersPlaylist is POST /v1/users/{id}/playlists.
func (s *Service) createUsersPlaylist(c *apiCall) { s.createPlaylistOf(c, c.path["id"]) }

func (s *Service) createPlaylistOf(c *apiCall, userID string) {
	if userID != c.token.user.ID {
		c.fail(http.StatusForbidden, "You cannot create a playlist for another user")
		return
	}
	body := struct {
		Name          string `json:"name"`
		Description   string `json:"description"`
		Public        *bool  `json:"public"`
		Collaborative bool   `json:"collaborative"`
	}{}
	if err := json.Unmarshal(c.body, &body); err != nil {
		c.fail(http.StatusBadRequest, "Malformed json")
		return
	}
	if strings.TrimSpace(body.Name) == "" {
		c.fail(http.StatusBadRequest, "Missing required field: name")
		return
	}
	p := &playlist{
		id: randomPlaylistID(), name: body.Name, description: body.Description, owner: c.token.user,
		public: body.Public == nil || *body.Public, collaborative: body.Collaborative,
	}
	if !c.mayModify(p) {
		return
	}
	s.mu.Lock()
	full := len(s.playlistsOf(c.token.user)) >= maxPlaylists
	if !full {
		s.playlists = append(s.playlists, p)
	}
	s.mu.Unlock()
	if full {
		c.fail(http.StatusForbidden, "Too many playlists")
		return
	}
	c.sendStatus(http.StatusCreated, s.playlistObject(c, p, true))
}

// randomPlaylistID makes a random id, so that no test can rely on it.
func randomPlaylistID() string { return catalogueID("playlist", randomHex(16)) }

// mayModify checks the scope for changing the playlist. If it returns false, it
// has sent the answer.
func (c *apiCall) mayModify(p *playlist) bool {
	needed := spotipie.ScopePlaylistModifyPrivate
	if p.public {
		needed = spotipie.ScopePlaylistModifyPublic
	}
	if c.token.scopes.Contains(spotipie.Scopes{needed}) {
		return true
	}
	refuseScope(c.w, needed)
	return false
}

// playlistsOf returns the user's playlists. s.mu is held.
func (s *Service) playlistsOf(user *User) []*playlist {
	var own []*playlist
	for _, p := range s.playlists {
		if p.owner == user {
			own = append(own, p)
		}
	}
	return own
}

// getPlaylists is GET /v1/me/playlists.
func (s *Service) getPlaylists(c *apiCall) {
	s.mu.Lock()
	own := s.playlistsOf(c.token.user)
	s.mu.Unlock()
	objects := []playlistObject{}
	for _, p := range slices.Backward(own) { // the newest first
		objects = append(objects, s.playlistObject(c, p, false))
	}
	sendPage(c, objects)
}

// playlist returns the playlist that the path names. If there is none, it has
// sent the answer.
func (s *Service) playlist(c *apiCall) *playlist {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.playlists {
		if p.id == c.path["id"] {
			return p
		}
	}
	c.failNoSuchID()
	return nil
}

// getPlaylist is GET /v1/playlists/{id}.
func (s *Service) getPlaylist(c *apiCall) {
	if p := s.playlist(c); p != nil {
		c.send(s.playlistObject(c, p, p.owner == c.token.user || !c.development))
	}
}

// getPlaylistItems is GET /v1/playlists/{id}/items and, in extended quota mode,
// /tracks. In development mode only the owner may read them
// (https://developer.spotify.com/documentation/web-api/references/changes/february-2026).
func (s *Service) getPlaylistItems(c *apiCall) {
	p := s.playlist(c)
	switch {
	case p == nil:
	case p.owner != c.token.user && (c.development || !p.public):
		c.fail(http.StatusForbidden, messageForbidden)
	default:
		sendPage(c, s.itemsOf(c, p))
	}
}

// addPlaylistItems is POST /v1/playlists/{id}/items and, in extended quota
// mode, /tracks. The query takes precedence over the body, as the reference
// says.
func (s *Service) addPlaylistItems(c *apiCall) {
	p := s.playlist(c)
	if p == nil {
		return
	}
	if p.owner != c.token.user {
		c.fail(http.StatusForbidden, messageForbidden)
		return
	}
	if !c.mayModify(p) {
		return
	}
	uris := splitList(c.query.Get("uris"))
	if len(uris) == 0 {
		var body struct {
			URIs []string `json:"uris"`
		}
		if err := json.Unmarshal(c.body, &body); err != nil {
			c.fail(http.StatusBadRequest, "Malformed json")
			return
		}
		uris = body.URIs
	}
	if len(uris) == 0 || len(uris) > maxItemsAtOnce {
		c.fail(http.StatusBadRequest, "Invalid number of uris")
		return
	}
	for _, uri := range uris {
		if kind, known := s.kindOf(uri); !known || kind != "track" {
			c.fail(http.StatusBadRequest, "Invalid track uri")
			return
		}
	}
	s.mu.Lock()
	full := len(p.items)+len(uris) > maxPlaylistItems
	if !full {
		for _, uri := range uris {
			p.items = append(p.items, libraryEntry{uri, s.Now().UTC()})
		}
		p.version++
	}
	snapshot := p.snapshotID()
	s.mu.Unlock()
	if full {
		c.fail(http.StatusForbidden, "Too many items")
		return
	}
	c.sendStatus(http.StatusCreated, map[string]string{"snapshot_id": snapshot})
}

func (p *playlist) snapshotID() string { return catalogueID("snapshot", p.id+strconv.Itoa(p.version)) }

func (s *Service) itemsOf(c *apiCall, p *playlist) []playlistItem {
	s.mu.Lock()
	entries := slices.Clone(p.items)
	s.mu.Unlock()
	items := []playlistItem{}
	for _, e := range entries {
		track, ok := s.songs.track(idOf(e.uri))
		if !ok {
			continue
		}
		item := playlistItem{AddedAt: e.added.Format(time.RFC3339), AddedBy: c.publicProfile(p.owner), Item: &track}
		if !c.development {
			item.Track = &track
		}
		items = append(items, item)
	}
	return items
}

func (s *Service) playlistObject(c *apiCall, p *playlist, withItems bool) playlistObject {
	s.mu.Lock()
	snapshot := p.snapshotID()
	s.mu.Unlock()
	object := playlistObject{
		Collaborative: p.collaborative, Description: p.description,
		ExternalURLs: openURL("playlist", p.id), Href: apiHref("playlists", p.id), ID: p.id, Images: []imageObject{},
		Name: p.name, Owner: c.publicProfile(p.owner), Public: p.public, SnapshotID: snapshot,
		Type: "playlist", URI: "spotify:playlist:" + p.id,
	}
	if withItems {
		items := s.itemsOf(c, p)
		win := window{limit: maxItemsAtOnce}
		from, to := win.cut(len(items))
		first := c.pageAt("/v1/playlists/"+p.id+"/items", win, items[from:to], len(items), nil)
		object.Items, object.Tracks = &first, &first
	}
	return object
}
