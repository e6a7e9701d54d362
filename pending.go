package spotipie

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/url"
	"sync"
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

// pendingLogins are the logins under way on a session.
type pendingLogins struct {
	mu   sync.Mutex
	list []pendingLogin
}

// begin registers a login and returns it with its state and verifier.
func (p *pendingLogins) begin(redirectURI string, now time.Time) pendingLogin {
	login := pendingLogin{
		state:       newSecret(randomText()),
		verifier:    newSecret(randomText()),
		redirectURI: redirectURI,
		expires:     now.Add(pendingLifetime),
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := p.list[:0:0]
	for _, other := range p.list {
		if now.Before(other.expires) {
			kept = append(kept, other)
		}
	}
	if len(kept) >= maxPending {
		kept = kept[1:]
	}
	p.list = append(kept, login)
	return login
}

// take finds the login with the given state and forgets it: a state works
// once. It looks at all of them, in constant time for each.
func (p *pendingLogins) take(state string, now time.Time) (pendingLogin, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := -1
	for i, login := range p.list {
		if subtle.ConstantTimeCompare([]byte(login.state()), []byte(state)) == 1 && now.Before(login.expires) {
			found = i
		}
	}
	if found < 0 {
		return pendingLogin{}, ErrStateMismatch
	}
	login := p.list[found]
	p.list = append(p.list[:found:found], p.list[found+1:]...)
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
