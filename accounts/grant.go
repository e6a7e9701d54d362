package accounts

import (
	"time"

	"github.com/spotipie/spotipie"
)

// consent is what a user has agreed to for an app. Revoking it ends it and all
// its grants; the next consent is a new one.
type consent struct {
	scopes  spotipie.Scopes
	revoked bool
}

type consentKey struct{ clientID, userID string }

// grant is one authorization of an app by a user. Codes and refresh tokens
// belong to a grant.
type grant struct {
	app     *App
	user    *User
	scopes  spotipie.Scopes
	consent *consent
	expires time.Time // when its refresh tokens end
	public  bool      // obtained without the client secret, and so renewed without it
	revoked bool
}

func (g *grant) dead() bool { return g.revoked || g.consent.revoked }

type authorizationCode struct {
	grant       *grant
	redirectURI string
	challenge   string // S256, empty without PKCE
	expires     time.Time
	used        bool
}

type refreshToken struct {
	grant *grant
	used  bool
}

type accessToken struct {
	app     *App
	user    *User // nil: the app itself (client credentials)
	scopes  spotipie.Scopes
	expires time.Time
}

// recordConsent remembers that user has agreed to scopes for app. s.mu is held.
func (s *Service) recordConsent(app *App, user *User, scopes spotipie.Scopes) *consent {
	key := consentKey{app.ClientID, user.ID}
	c := s.consents[key]
	if c == nil {
		c = &consent{}
		s.consents[key] = c
	}
	c.scopes = append(c.scopes, scopes...).Normalize()
	return c
}

// consented reports whether user has agreed to scopes for app before. s.mu is
// held.
func (s *Service) consented(app *App, user *User, scopes spotipie.Scopes) bool {
	c := s.consents[consentKey{app.ClientID, user.ID}]
	return c != nil && c.scopes.Contains(scopes)
}

// newGrant starts an authorization. Each authorization has its own six months.
// This is assumed also for a user who is redirected without being asked again,
// since otherwise the new tokens would already be old. s.mu is held.
func (s *Service) newGrant(app *App, user *User, scopes spotipie.Scopes) *grant {
	now := s.Now()
	expires := now.AddDate(0, refreshTokenMonths, 0)
	if s.opts.RefreshTokenLifetime > 0 {
		expires = now.Add(s.opts.RefreshTokenLifetime)
	}
	return &grant{
		app: app, user: user, scopes: scopes,
		consent: s.recordConsent(app, user, scopes),
		expires: expires,
	}
}

// issueAccessToken returns the token and its lifetime in seconds. s.mu is held.
func (s *Service) issueAccessToken(app *App, user *User, scopes spotipie.Scopes) (string, int) {
	token := randomToken(accessTokenPrefix)
	s.accessTokens.put(token, &accessToken{
		app: app, user: user, scopes: scopes,
		expires: s.Now().Add(s.opts.TokenLifetime),
	})
	return token, int(s.opts.TokenLifetime / time.Second)
}

// issueRefreshToken returns a refresh token for g. s.mu is held.
func (s *Service) issueRefreshToken(g *grant) string {
	token := randomToken(refreshTokenPrefix)
	s.refreshTokens.put(token, &refreshToken{grant: g})
	return token
}
