package tokenformat

import (
	"bytes"
	"strings"

	"github.com/spotipie/spotipie"
)

// Login is the login in a file.
type Login struct {
	Format Format
	// Token is nil if the file has only a refresh token.
	Token        *spotipie.Token
	RefreshToken string
	// Passed names the keys of the file that were ignored, sorted.
	Passed []string
	// App is what the file says about the app, which is mostly nothing.
	App spotipie.Credentials
}

// The variables of tekore's config files, and of the environment it reads
// (https://tekore.readthedocs.io/en/stable/reference/config.html).
const (
	tekoreClientID     = "SPOTIFY_CLIENT_ID"
	tekoreClientSecret = "SPOTIFY_CLIENT_SECRET"
	tekoreRedirectURI  = "SPOTIFY_REDIRECT_URI"
	tekoreRefreshToken = "SPOTIFY_USER_REFRESH"
)

// readTekore reads an INI file in the format of tekore.config_to_file. It
// returns nil if data is not such a file.
func readTekore(data []byte) *Login {
	login := &Login{Format: Tekore}
	for line := range strings.Lines(string(data)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.TrimSpace(value)
		if !ok {
			continue
		}
		switch strings.ToUpper(strings.TrimSpace(key)) {
		case tekoreClientID:
			login.App.ClientID = value
		case tekoreClientSecret:
			login.App.ClientSecret = value
		case tekoreRedirectURI:
			login.App.RedirectURI = value
		case tekoreRefreshToken:
			login.RefreshToken = value
		}
	}
	if !looksIssued(login.RefreshToken) {
		return nil
	}
	return login
}

// readBare reads a file that has only a refresh token. It returns nil if data
// is something else.
func readBare(data []byte) (*Login, error) {
	text := string(bytes.TrimSpace(data))
	switch {
	case !looksIssued(text):
		return nil, nil
	case strings.HasPrefix(text, "BQ"): // the beginning of Spotify's access tokens
		return nil, unknown("it has only an access token, which ends within the hour and cannot be renewed; use the refresh token")
	}
	return &Login{Format: RefreshToken, RefreshToken: text}, nil
}

// looksIssued reports whether text may be a refresh token: those of Spotify have
// more than a hundred of these characters.
func looksIssued(text string) bool {
	const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return len(text) >= 40 && len(text) <= 4096 && strings.Trim(text, characters) == ""
}
