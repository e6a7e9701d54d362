// Package tokenformat reads and writes the files in which Spotify libraries of
// several languages keep a token, so that a login can move from one to the
// other:
//
//   - spotipy (Python), the .cache file of its CacheFileHandler
//     (https://spotipy.readthedocs.io);
//   - spotipie (Python), the JSON of its OAuth2Token, which is also the JSON of
//     this module's tokens;
//   - rspotify (Rust), the file that Token::write_cache writes
//     (https://docs.rs/rspotify);
//   - golang.org/x/oauth2, the JSON of its Token.
//
// It reads, and does not write,
//
//   - tekore (Python), the config file that config_to_file writes, which has a
//     refresh token and the app's credentials (https://tekore.readthedocs.io);
//   - an answer of the token endpoint, saved unchanged;
//   - a file with only a refresh token.
//
// Most are JSON objects with an access_token; [Parse] distinguishes them by the
// other keys. Only tekore's names its app, and none says when the user
// consented.
package tokenformat

import (
	"fmt"
	"strings"
)

// Format is one of the formats, by its name in the tool's --format.
type Format string

// The formats.
const (
	Spotipy  Format = "spotipy"
	Python   Format = "python"
	Rspotify Format = "rspotify"
	OAuth2   Format = "oauth2"
)

// The formats that can only be read.
const (
	Tekore       Format = "tekore"
	Answer       Format = "answer"
	RefreshToken Format = "refresh_token"
)

// Formats returns all formats that can be written.
func Formats() []Format { return []Format{Spotipy, Python, Rspotify, OAuth2} }

// Names returns the formats' names for a message: "spotipy, python, …".
func Names() string {
	var names []string
	for _, f := range Formats() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// Lookup returns the format with a name, or an error that lists all names.
func Lookup(name string) (Format, error) {
	for _, f := range Formats() {
		if string(f) == name {
			return f, nil
		}
	}
	return "", fmt.Errorf("%q is not a format; use one of %s", name, Names())
}

// Description describes the format.
func (f Format) Description() string {
	switch f {
	case Spotipy:
		return "spotipy's .cache"
	case Python:
		return "token JSON of spotipie for Python"
	case Rspotify:
		return "rspotify's token cache"
	case OAuth2:
		return "token JSON of golang.org/x/oauth2"
	case Tekore:
		return "tekore's config file"
	case Answer:
		return "a saved answer of the token endpoint"
	case RefreshToken:
		return "a refresh token"
	}
	return "unknown"
}
