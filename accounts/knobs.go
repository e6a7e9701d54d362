package accounts

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Apps returns the registered apps with their secrets, including the generated
// one.
func (s *Service) Apps() []App {
	apps := slices.Clone(s.opts.Apps)
	for i := range apps {
		apps[i].RedirectURIs = slices.Clone(apps[i].RedirectURIs)
	}
	return apps
}

// Users returns the accounts that can log in.
func (s *Service) Users() []User { return slices.Clone(s.opts.Users) }

// Now returns the service's time: [Options.Now] plus what [Service.Advance] has
// added.
func (s *Service) Now() time.Time { return s.opts.Now().Round(0).Add(s.clockOffset()) }

// Advance moves the service's time forward by d, so that tokens and codes age
// without waiting.
func (s *Service) Advance(d time.Duration) { s.offset.Add(int64(d)) }

func (s *Service) clockOffset() time.Duration { return time.Duration(s.offset.Load()) }

// past reports whether the time t has passed.
func (s *Service) past(t time.Time) bool { return !s.Now().Before(t) }

// AutoApproveAs agrees to every consent from now on as the given user, without
// a page. An empty id shows the page again. It fails if there is no such user.
func (s *Service) AutoApproveAs(userID string) error {
	user := s.users[userID]
	if user == nil && userID != "" {
		return s.noUser(userID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.approveAs = user
	return nil
}

// ConsentAs agrees to an authorization request as the given user, without a
// browser, and returns the URL that a browser would be sent to. It applies to
// this request only, so many users can agree at the same time. It uses only the
// query of authorizationURL. It fails if there is no such user, or if the
// service would show an error page instead of redirecting. [Service.DenyNext]
// and faults do not affect it.
func (s *Service) ConsentAs(authorizationURL, userID string) (callbackURL string, err error) {
	user := s.users[userID]
	if user == nil {
		return "", s.noUser(userID)
	}
	u, err := url.Parse(authorizationURL)
	if err != nil || !isAuthorizePath(u.Path) {
		return "", errors.New("accounts: this is not a URL of the authorization endpoint") // without the URL, which contains the state
	}
	req, err := s.checkAuthorization(u.RawQuery)
	var told *redirectError
	switch {
	case errors.As(err, &told):
		return req.failure(told), nil
	case err != nil:
		return "", fmt.Errorf("accounts: the authorization request: %w", err)
	}
	return s.approve(req, user), nil
}

func (s *Service) noUser(userID string) error {
	ids := make([]string, len(s.opts.Users))
	for i, user := range s.opts.Users {
		ids[i] = user.ID
	}
	return fmt.Errorf("accounts: there is no user %q, only %s", userID, strings.Join(ids, ", "))
}

// DenyNext makes the next n authorization requests end as if the user had
// pressed Cancel, without a page, even with [Options.AutoApprove].
func (s *Service) DenyNext(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denials += max(n, 0)
}

// RevokeUser does what happens when a user removes the app on the account page:
// every refresh token of that user for that app is refused with "Refresh token
// revoked", and so are codes not yet exchanged. The next login asks the user
// again. Access tokens stay valid until they expire; this is assumed, as
// Spotify does not document it. RevokeUser reports whether there was anything
// to revoke.
func (s *Service) RevokeUser(clientID, userID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := consentKey{clientID, userID}
	c := s.consents[key]
	if c == nil {
		return false
	}
	c.revoked = true
	delete(s.consents, key)
	return true
}

// ExpireAccessTokens ends every valid access token: from now on each is refused
// with 401 as expired. Refresh tokens are not affected.
func (s *Service) ExpireAccessTokens() { s.expireAccessTokens(func(*User) bool { return true }) }

// ExpireAccessTokensOf ends the valid access tokens of one user and returns how
// many there were. Tokens of an app without a user are not affected.
func (s *Service) ExpireAccessTokensOf(userID string) int {
	return s.expireAccessTokens(func(u *User) bool { return u != nil && u.ID == userID })
}

func (s *Service) expireAccessTokens(of func(*User) bool) (expired int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	s.accessTokens.each(func(t *accessToken) {
		if of(t.user) && t.expires.After(now) {
			t.expires = now
			expired++
		}
	})
	return expired
}

// ExpireRefreshTokensOf ends one user's authorizations as after six months:
// each of their refresh tokens is refused with "Refresh token expired". It
// returns how many authorizations there were.
func (s *Service) ExpireRefreshTokensOf(userID string) (expired int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	s.refreshTokens.each(func(t *refreshToken) {
		if t.grant.user.ID == userID && !t.grant.dead() && t.grant.expires.After(now) {
			t.grant.expires = now
			expired++
		}
	})
	return expired
}

// Reset restores the state that [New] made: no tokens, consents, faults or
// counts, the original libraries, and the time of [Options.Now]. Endpoints
// added by [Service.Handle] stay.
func (s *Service) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset.Store(0)
	s.state = s.newState()
}
