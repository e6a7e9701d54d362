package tokenformat

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spotipie/spotipie"
)

// spotipyToken is token_info of spotipy's CacheFileHandler, whose keys are
// those of the token endpoint's answer and expires_at.
type spotipyToken struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
	ExpiresAt    int64  `json:"expires_at"`
}

// rspotifyToken is rspotify's Token as serde writes it: scopes is renamed to
// scope, and absent values are null.
type rspotifyToken struct {
	AccessToken  string  `json:"access_token"`
	ExpiresIn    int64   `json:"expires_in"`
	ExpiresAt    string  `json:"expires_at"`
	RefreshToken *string `json:"refresh_token"`
	Scope        string  `json:"scope"`
}

// Encode returns the token as a file of a format, with a newline at the end.
// OAuth2 files have no place for the scope.
func Encode(token *spotipie.Token, format Format) ([]byte, error) {
	var file any
	switch format {
	case Spotipy:
		file = spotipyToken{
			AccessToken: token.AccessToken(), TokenType: token.Type(), ExpiresIn: seconds(token.ExpiresIn()),
			RefreshToken: token.RefreshToken(), Scope: token.Scope().String(), ExpiresAt: token.ExpiresAt().Unix(),
		}
	case Python:
		file = token
	case Rspotify:
		file = rspotifyToken{
			AccessToken: token.AccessToken(), ExpiresIn: seconds(token.ExpiresIn()),
			ExpiresAt: token.ExpiresAt().Format(time.RFC3339Nano), RefreshToken: orNil(token.RefreshToken()),
			Scope: token.Scope().String(),
		}
	case OAuth2:
		file = token.OAuth2()
	default:
		return nil, fmt.Errorf("%q is not a format; use one of %s", format, Names())
	}
	data, err := json.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("encoding the token: %w", err)
	}
	return append(data, '\n'), nil
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
