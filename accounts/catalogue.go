package accounts

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// catalogue is the fixed, made-up music of the service: twelve artists with one
// album of twelve tracks each, the same in every run.
type catalogue struct {
	artists []fullArtist
	albums  []simpleAlbum
	tracks  []fullTrack
}

// The first artist, album and track have the ids that Spotify's tutorials and
// reference use, so that their examples work unchanged. The artist, album and
// track themselves are made up.
const (
	tutorialArtist = "4Z8W4fKeB5YxbusRsdQVPb" // tutorials/getting-started
	referenceAlbum = "4aawyAB9vmqN3uQ7FjRGTy" // reference/get-an-album
	referenceTrack = "11dFghVXANMlKmJXsNCbNl" // reference/get-track
)

type externalURLs struct {
	Spotify string `json:"spotify"`
}

type imageObject struct {
	URL    string `json:"url"`
	Height int    `json:"height"`
	Width  int    `json:"width"`
}

type followers struct {
	Href  *string `json:"href"`
	Total int     `json:"total"`
}

type simpleArtist struct {
	ExternalURLs externalURLs `json:"external_urls"`
	Href         string       `json:"href"`
	ID           string       `json:"id"`
	Name         string       `json:"name"`
	Type         string       `json:"type"`
	URI          string       `json:"uri"`
}

type fullArtist struct {
	simpleArtist
	Followers  followers     `json:"followers"`
	Genres     []string      `json:"genres"`
	Images     []imageObject `json:"images"`
	Popularity int           `json:"popularity"`
}

type simpleAlbum struct {
	AlbumType            string         `json:"album_type"`
	Artists              []simpleArtist `json:"artists"`
	AvailableMarkets     []string       `json:"available_markets"`
	ExternalURLs         externalURLs   `json:"external_urls"`
	Href                 string         `json:"href"`
	ID                   string         `json:"id"`
	Images               []imageObject  `json:"images"`
	Name                 string         `json:"name"`
	ReleaseDate          string         `json:"release_date"`
	ReleaseDatePrecision string         `json:"release_date_precision"`
	TotalTracks          int            `json:"total_tracks"`
	Type                 string         `json:"type"`
	URI                  string         `json:"uri"`
}

type fullTrack struct {
	Album            simpleAlbum       `json:"album"`
	Artists          []simpleArtist    `json:"artists"`
	AvailableMarkets []string          `json:"available_markets"`
	DiscNumber       int               `json:"disc_number"`
	DurationMS       int               `json:"duration_ms"`
	Explicit         bool              `json:"explicit"`
	ExternalIDs      map[string]string `json:"external_ids"`
	ExternalURLs     externalURLs      `json:"external_urls"`
	Href             string            `json:"href"`
	ID               string            `json:"id"`
	IsLocal          bool              `json:"is_local"`
	Name             string            `json:"name"`
	Popularity       int               `json:"popularity"`
	PreviewURL       *string           `json:"preview_url"`
	TrackNumber      int               `json:"track_number"`
	Type             string            `json:"type"`
	URI              string            `json:"uri"`
}

// simpleTrack is a track in an album.
type simpleTrack struct {
	Artists          []simpleArtist `json:"artists"`
	AvailableMarkets []string       `json:"available_markets"`
	DiscNumber       int            `json:"disc_number"`
	DurationMS       int            `json:"duration_ms"`
	Explicit         bool           `json:"explicit"`
	ExternalURLs     externalURLs   `json:"external_urls"`
	Href             string         `json:"href"`
	ID               string         `json:"id"`
	IsLocal          bool           `json:"is_local"`
	Name             string         `json:"name"`
	PreviewURL       *string        `json:"preview_url"`
	TrackNumber      int            `json:"track_number"`
	Type             string         `json:"type"`
	URI              string         `json:"uri"`
}

type fullAlbum struct {
	simpleAlbum
	Copyrights  []copyright       `json:"copyrights"`
	ExternalIDs map[string]string `json:"external_ids"`
	Genres      []string          `json:"genres"`
	Label       string            `json:"label"`
	Popularity  int               `json:"popularity"`
	Tracks      page              `json:"tracks"`
}

type copyright struct {
	Text string `json:"text"`
	Type string `json:"type"`
}

// The size of the catalogue.
const (
	tracksPerAlbum  = 12
	catalogueTracks = 12 * tracksPerAlbum
)

func newCatalogue() *catalogue {
	artists := []string{
		"Paper Lanterns", "The Quiet Harbour", "Marigold Static", "Northbound Trains",
		"Ines Okafor", "Velvet Cartography", "Salt & Cedar", "Tomás Rivera Trío",
		"Glass Orchard", "Low Tide Choir", "Hanako Blue", "Seven Small Moons",
	}
	first := []string{"Silver", "Open", "Slow", "Hidden", "Winter", "Second", "Falling", "Painted", "Distant", "Amber", "Hollow", "Last"}
	second := []string{"Road", "Window", "River", "Signal", "Garden", "Summer", "Letter", "Engine", "Island", "Mirror", "Season", "Light"}
	c := &catalogue{}
	for a, name := range artists {
		artist := newArtist(catalogueID("artist", name), name, 40+a*3)
		title := first[a] + " " + second[(a+5)%len(second)]
		album := newAlbum(catalogueID("album", name+title), artist.simpleArtist, title, 2008+a)
		if a == 0 {
			artist = newArtist(tutorialArtist, name, 40)
			album = newAlbum(referenceAlbum, artist.simpleArtist, title, 2008)
		}
		c.artists = append(c.artists, artist)
		c.albums = append(c.albums, album)
		for t := range tracksPerAlbum {
			title := first[t] + " " + second[(t+a)%len(second)]
			id := catalogueID("track", album.ID+title)
			if a == 0 && t == 0 {
				id = referenceTrack
			}
			c.tracks = append(c.tracks, newTrack(id, album, t+1, title))
		}
	}
	return c
}

func newArtist(id, name string, popularity int) fullArtist {
	return fullArtist{
		simpleArtist: simpleArtist{
			ExternalURLs: openURL("artist", id), Href: apiHref("artists", id),
			ID: id, Name: name, Type: "artist", URI: "spotify:artist:" + id,
		},
		Followers: followers{Total: popularity * 1000}, Genres: []string{"indie"},
		Images: []imageObject{}, Popularity: popularity,
	}
}

func newAlbum(id string, artist simpleArtist, name string, year int) simpleAlbum {
	return simpleAlbum{
		AlbumType: "album", Artists: []simpleArtist{artist}, AvailableMarkets: []string{"SE", "US"},
		ExternalURLs: openURL("album", id), Href: apiHref("albums", id), ID: id, Images: []imageObject{},
		Name: name, ReleaseDate: fmt.Sprintf("%d-03-14", year), ReleaseDatePrecision: "day",
		TotalTracks: tracksPerAlbum, Type: "album", URI: "spotify:album:" + id,
	}
}

func newTrack(id string, album simpleAlbum, number int, name string) fullTrack {
	return fullTrack{
		Album: album, Artists: album.Artists, AvailableMarkets: album.AvailableMarkets,
		DiscNumber: 1, DurationMS: 150_000 + number*7_000,
		ExternalIDs:  map[string]string{"isrc": "XX" + strings.ToUpper(id[:10])},
		ExternalURLs: openURL("track", id), Href: apiHref("tracks", id), ID: id,
		Name: name, Popularity: 30 + number, TrackNumber: number, Type: "track", URI: "spotify:track:" + id,
	}
}

func (c *catalogue) artist(id string) (fullArtist, bool) {
	return find(c.artists, func(a fullArtist) bool { return a.ID == id })
}

func (c *catalogue) album(id string) (simpleAlbum, bool) {
	return find(c.albums, func(a simpleAlbum) bool { return a.ID == id })
}

func (c *catalogue) track(id string) (fullTrack, bool) {
	return find(c.tracks, func(t fullTrack) bool { return t.ID == id })
}

func find[T any](all []T, fits func(T) bool) (found T, ok bool) {
	if i := slices.IndexFunc(all, fits); i >= 0 {
		return all[i], true
	}
	return found, false
}

// full is an album with all its fields.
func (c *catalogue) full(call *apiCall, album simpleAlbum) fullAlbum {
	tracks := []simpleTrack{}
	for _, track := range c.tracks {
		if track.Album.ID == album.ID {
			tracks = append(tracks, track.simple())
		}
	}
	return fullAlbum{
		simpleAlbum: album,
		Copyrights:  []copyright{}, ExternalIDs: map[string]string{"upc": "0" + digits(album.ID)},
		Genres: []string{}, Label: "Made Up Records", Popularity: 50,
		Tracks: call.pageAt("/v1/albums/"+album.ID+"/tracks", window{limit: maxLimit}, tracks, len(tracks), nil),
	}
}

func (t fullTrack) simple() simpleTrack {
	return simpleTrack{
		Artists: t.Artists, AvailableMarkets: t.AvailableMarkets, DiscNumber: t.DiscNumber, DurationMS: t.DurationMS,
		Explicit: t.Explicit, ExternalURLs: t.ExternalURLs, Href: t.Href, ID: t.ID, IsLocal: t.IsLocal, Name: t.Name,
		PreviewURL: t.PreviewURL, TrackNumber: t.TrackNumber, Type: t.Type, URI: t.URI,
	}
}

// digits makes the eleven digits of a made-up bar code.
func digits(text string) string {
	sum := sha256.Sum256([]byte(text))
	number := new(big.Int).SetBytes(sum[:]).String()
	return number[:11]
}

func openURL(kind, id string) externalURLs {
	return externalURLs{Spotify: "https://open.spotify.com/" + kind + "/" + id}
}

func apiHref(kind, id string) string { return "https://api.spotify.com/v1/" + kind + "/" + id }

// idLength is the length of Spotify's ids, which are base-62 characters.
const idLength = 22

// catalogueID makes an id.
func catalogueID(kind, name string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + name))
	id := new(big.Int).SetBytes(sum[:]).Text(62)
	return id[:idLength]
}
