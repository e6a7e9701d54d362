package spotipie

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/url"
	"slices"
	"time"
)

const (
	// pendingLifetime is how long the user has to answer.
	pendingLifetime = time.Hour
	// maxPending bounds the logins under way on one session; the oldest is
	// forgotten first.
	maxPending = 100
)

// pendingLogin is an authorization request that the user has yet to answer.
type pendingLogin struct {
	state       secret
	verifier    secret // PKCE (RFC 7636); not used in the implicit grant
	redirectURI string
	expires     time.Time
}

// newLogin returns a login with its state and verifier.
func (s *session) newLogin(redirectURI string) pendingLogin {
	return pendingLogin{
		state:       newSecret(randomText()),
		verifier:    newSecret(randomText()),
		redirectURI: redirectURI,
		expires:     s.now().Round(0).Add(pendingLifetime), // the wall clock goes on while a laptop sleeps
	}
}

// addLogin registers a login.
func (s *session) addLogin(login pendingLogin) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = slices.DeleteFunc(s.pending, func(other pendingLogin) bool { return !now.Before(other.expires) })
	if len(s.pending) >= maxPending {
		s.pending = slices.Delete(s.pending, 0, 1)
	}
	s.pending = append(s.pending, login)
}

// takeLogin finds the login with the given state and forgets it: a state works
// once. It looks at all of them, in constant time for each.
func (s *session) takeLogin(state string) (pendingLogin, error) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	found := -1
	for i, login := range s.pending {
		if subtle.ConstantTimeCompare([]byte(login.state()), []byte(state)) == 1 && now.Before(login.expires) {
			found = i
		}
	}
	if found < 0 {
		return pendingLogin{}, ErrStateMismatch
	}
	login := s.pending[found]
	s.pending = slices.Delete(s.pending, found, found+1)
	if len(s.pending) == 0 {
		s.pending = nil
	}
	return login, nil
}

// randomText returns 256 random bits as 43 characters that are unreserved in a
// URL, as RFC 7636 section 4.1 recommends for a verifier.
func randomText() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// challenge returns the S256 code challenge of a verifier (RFC 7636 section
// 4.2).
func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// single returns the one value of a callback parameter, empty if there is
// none. Repeated parameters are refused (RFC 6749 section 3.1).
func single(values url.Values, key string) (string, error) {
	switch v := values[key]; len(v) {
	case 0:
		return "", nil
	case 1:
		return v[0], nil
	}
	return "", &CallbackError{Reason: key + " is there more than once"}
}
