package spotipie

import (
	"time"

	"golang.org/x/oauth2"
)

// TokenFromOAuth2 makes a token from a golang.org/x/oauth2 token. The scope
// comes from the token's extra data, if it is there. A token that never expires
// there gets an hour from now, which is Spotify's lifetime. One with a refresh token
// alone is as [NewToken] makes it.
func TokenFromOAuth2(t *oauth2.Token) (*Token, error) {
	if t == nil {
		return nil, &TokenFormatError{Reason: "it is nil"}
	}
	scope, err := asScopes(t.Extra(keyScope))
	if err != nil {
		return nil, err
	}
	if t.ExpiresIn < 0 || t.ExpiresIn > int64(maxLifetime/time.Second) {
		return nil, &TokenFormatError{Key: keyExpiresIn, Reason: "is negative or more than ten years"}
	}
	f := TokenFields{
		AccessToken:  t.AccessToken,
		RefreshToken: t.RefreshToken,
		TokenType:    t.TokenType,
		Scope:        scope,
		ExpiresAt:    t.Expiry,
		ExpiresIn:    time.Duration(t.ExpiresIn) * time.Second,
	}
	if f.ExpiresIn == 0 && f.ExpiresAt.IsZero() && f.AccessToken != "" {
		f.ExpiresIn = defaultLifetime
	}
	return NewToken(f)
}

// OAuth2 returns the token as a golang.org/x/oauth2 token, for libraries that
// use that package. It contains the secrets.
func (t *Token) OAuth2() *oauth2.Token {
	return (&oauth2.Token{
		AccessToken:  t.secret().access(),
		RefreshToken: t.secret().refresh,
		TokenType:    tokenType,
		Expiry:       t.ExpiresAt(),
		ExpiresIn:    int64(t.ExpiresIn() / time.Second),
	}).WithExtra(map[string]any{keyScope: t.Scope().String()})
}

// defaultLifetime is how long Spotify's access tokens live
// (https://developer.spotify.com/documentation/web-api/concepts/access-token).
const defaultLifetime = time.Hour
