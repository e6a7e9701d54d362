package accounts

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// catalogue is the fixed, made-up music that search and the saved tracks show:
// twelve artists with one album of twelve tracks each, the same in every run.
type catalogue struct {
	artists []fullArtist
	albums  []simpleAlbum
	tracks  []fullTrack
	saved   []savedTrack
}

type externalURLs struct {
	Spotify string `json:"spotify"`
}

type image struct {
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
	Followers  followers `json:"followers"`
	Genres     []string  `json:"genres"`
	Images     []image   `json:"images"`
	Popularity int       `json:"popularity"`
}

type simpleAlbum struct {
	AlbumType            string         `json:"album_type"`
	Artists              []simpleArtist `json:"artists"`
	AvailableMarkets     []string       `json:"available_markets"`
	ExternalURLs         externalURLs   `json:"external_urls"`
	Href                 string         `json:"href"`
	ID                   string         `json:"id"`
	Images               []image        `json:"images"`
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

type savedTrack struct {
	AddedAt string    `json:"added_at"`
	Track   fullTrack `json:"track"`
}

const tracksPerAlbum = 12

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
		artist := newArtist(name, 40+a*3)
		album := newAlbum(artist.simpleArtist, first[a]+" "+second[(a+5)%len(second)], 2008+a)
		c.artists = append(c.artists, artist)
		c.albums = append(c.albums, album)
		for t := range tracksPerAlbum {
			c.tracks = append(c.tracks, newTrack(album, t+1, first[t]+" "+second[(t+a)%len(second)]))
		}
	}
	newest := time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	for i, track := range c.tracks {
		added := newest.AddDate(0, 0, -i).Format(time.RFC3339)
		c.saved = append(c.saved, savedTrack{AddedAt: added, Track: track})
	}
	return c
}

func newArtist(name string, popularity int) fullArtist {
	id := catalogueID("artist", name)
	return fullArtist{
		simpleArtist: simpleArtist{
			ExternalURLs: openURL("artist", id), Href: apiHref("artists", id),
			ID: id, Name: name, Type: "artist", URI: "spotify:artist:" + id,
		},
		Followers: followers{Total: popularity * 1000}, Genres: []string{"indie"},
		Images: []image{}, Popularity: popularity,
	}
}

func newAlbum(artist simpleArtist, name string, year int) simpleAlbum {
	id := catalogueID("album", artist.Name+name)
	return simpleAlbum{
		AlbumType: "album", Artists: []simpleArtist{artist}, AvailableMarkets: []string{"SE", "US"},
		ExternalURLs: openURL("album", id), Href: apiHref("albums", id), ID: id, Images: []image{},
		Name: name, ReleaseDate: fmt.Sprintf("%d-03-14", year), ReleaseDatePrecision: "day",
		TotalTracks: tracksPerAlbum, Type: "album", URI: "spotify:album:" + id,
	}
}

func newTrack(album simpleAlbum, number int, name string) fullTrack {
	id := catalogueID("track", album.ID+name)
	return fullTrack{
		Album: album, Artists: album.Artists, AvailableMarkets: album.AvailableMarkets,
		DiscNumber: 1, DurationMS: 150_000 + number*7_000,
		ExternalIDs:  map[string]string{"isrc": "XX" + strings.ToUpper(id[:10])},
		ExternalURLs: openURL("track", id), Href: apiHref("tracks", id), ID: id,
		Name: name, Popularity: 30 + number, TrackNumber: number, Type: "track", URI: "spotify:track:" + id,
	}
}

func openURL(kind, id string) externalURLs {
	return externalURLs{Spotify: "https://open.spotify.com/" + kind + "/" + id}
}

func apiHref(kind, id string) string { return "https://api.spotify.com/v1/" + kind + "/" + id }

// catalogueID makes 22 base-62 characters, as Spotify's ids are.
func catalogueID(kind, name string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + name))
	id := new(big.Int).SetBytes(sum[:]).Text(62)
	return id[:22]
}
