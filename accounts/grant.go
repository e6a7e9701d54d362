package accounts

import (
	"time"

	"github.com/spotipie/spotipie"
)

// consent is what a user agreed to for an app. Revoking ends it and every grant
// made under it; the next consent is a new one.
type consent struct {
	scopes  spotipie.Scopes
	revoked bool
}

type consentKey struct{ clientID, userID string }

// grant is one authorization of one app by one user: what a code stands for
// and what refresh tokens renew.
type grant struct {
	app     *App
	user    *User
	scopes  spotipie.Scopes
	consent *consent
	expires time.Time // end of its refresh tokens
	public  bool      // obtained without the client secret, so renewed without it
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

// recordConsent remembers that user agreed to scopes for app. s.mu is held.
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

// consented reports whether user agreed to scopes for app before. s.mu is held.
func (s *Service) consented(app *App, user *User, scopes spotipie.Scopes) bool {
	c := s.consents[consentKey{app.ClientID, user.ID}]
	return c != nil && c.scopes.Contains(scopes)
}

// newGrant starts an authorization. Every one that passes the authorization
// endpoint starts six months of its own: assumed also for a user who is
// redirected without being asked again, since the new tokens would otherwise be
// old from the start. s.mu is held.
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
