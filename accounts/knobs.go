package accounts

import (
	"fmt"
	"slices"
	"time"
)

// Apps returns the registered apps with their secrets, the generated one
// included.
func (s *Service) Apps() []App {
	apps := slices.Clone(s.opts.Apps)
	for i := range apps {
		apps[i].RedirectURIs = slices.Clone(apps[i].RedirectURIs)
	}
	return apps
}

// Users returns the accounts one can log in as.
func (s *Service) Users() []User { return slices.Clone(s.opts.Users) }

// Now returns the service's time: that of [Options.Now] plus what
// [Service.Advance] added.
func (s *Service) Now() time.Time { return s.opts.Now().Round(0).Add(s.clockOffset()) }

// Advance moves the service's time forward by d, so that tokens and codes age
// without waiting.
func (s *Service) Advance(d time.Duration) { s.offset.Add(int64(d)) }

func (s *Service) clockOffset() time.Duration { return time.Duration(s.offset.Load()) }

// past reports whether the instant t has come.
func (s *Service) past(t time.Time) bool { return !s.Now().Before(t) }

// AutoApproveAs makes every consent from now on agreed to by itself as the
// given user, without a page. An empty id shows the page again. It fails when
// there is no such user.
func (s *Service) AutoApproveAs(userID string) error {
	user := s.users[userID]
	if user == nil && userID != "" {
		return fmt.Errorf("accounts: no user %q", userID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.approveAs = user
	return nil
}

// DenyNext makes the next n authorization requests end as if the user had
// pressed Cancel, without a page and whether or not consents are approved by
// themselves.
func (s *Service) DenyNext(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denials += max(n, 0)
}

// RevokeUser does what a user does by removing the app on the account page:
// every refresh token of that user for that app dies with "Refresh token
// revoked", codes not yet exchanged die too, and the user is asked again next
// time. Live access tokens stay valid until they expire, which is assumed;
// Spotify does not document it. It reports whether there was anything to
// revoke.
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

// ExpireAccessTokens ends every live access token: from now on each is answered
// with 401 "The access token expired". Refresh tokens are untouched.
func (s *Service) ExpireAccessTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	s.accessTokens.each(func(t *accessToken) {
		if t.expires.After(now) {
			t.expires = now
		}
	})
}
