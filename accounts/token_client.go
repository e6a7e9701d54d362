package accounts

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
)

// tokenClient is the client that makes a token request. A client without a
// secret sends its id in the body, as PKCE clients do.
type tokenClient struct {
	app           *App
	authenticated bool
}

// authenticateClient takes the credentials from Basic or from the body, which
// Spotify no longer documents but accepts. If there are both, it uses Basic. A
// client_id in the body that names another app is assumed to be an error.
func (s *Service) authenticateClient(r *http.Request, form url.Values) (tokenClient, *tokenError) {
	id, secret := form.Get("client_id"), form.Get("client_secret")
	authorization := r.Header.Get("Authorization")
	if authorization != "" {
		basicID, basicSecret, ok := basicCredentials(r)
		if !ok || basicID == "" || basicSecret == "" {
			return tokenClient{}, errNoCredentials
		}
		if id != "" && id != basicID {
			return tokenClient{}, errUnknownClient
		}
		id, secret = basicID, basicSecret
	}
	if id == "" {
		return tokenClient{}, errNoCredentials
	}
	app := s.apps[id]
	if app == nil {
		return tokenClient{}, errUnknownClient
	}
	if secret == "" {
		return tokenClient{app: app}, nil
	}
	if app.ClientSecret == "" || !equalSecrets(secret, app.ClientSecret) {
		return tokenClient{}, errWrongSecret
	}
	return tokenClient{app: app, authenticated: true}, nil
}

// basicCredentials undoes the form encoding of both halves that RFC 6749
// section 2.3.1 requires. Spotify's ids and secrets are hexadecimal, so the
// encoding does not change them. A half that is not form-encoded is used
// unchanged.
func basicCredentials(r *http.Request) (id, secret string, ok bool) {
	id, secret, ok = r.BasicAuth()
	return formDecoded(id), formDecoded(secret), ok
}

func formDecoded(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

func equalSecrets(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
