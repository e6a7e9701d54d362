package web

import (
	"net/http"
	"time"
)

// Sessions is how an app knows who is signed in with a browser: the app's own
// sessions, on its server or in a cookie. The user is [spotipie.User].Key. The
// methods are called from many goroutines.
type Sessions interface {
	// SignIn signs user in with this browser. It has to give the browser a new
	// session id that nobody could know before (session fixation). It is called
	// before the response is written.
	SignIn(w http.ResponseWriter, r *http.Request, user string) error
	// User returns the signed-in user, or "". If it returns an error, the
	// answer is 503.
	User(r *http.Request) (user string, err error)
	// SignOut signs the user out of this browser. It is also called right
	// before SignIn if another user was signed in, and must remove everything
	// of that user.
	SignOut(w http.ResponseWriter, r *http.Request) error
}

// cookieSessions keeps the signed-in user in an encrypted cookie.
type cookieSessions struct {
	sealer   *sealer
	lifetime time.Duration
}

const sessionPurpose = "session"

// signedIn is the content of the cookie.
type signedIn struct {
	User string `json:"u"`
}

// SignIn implements [Sessions].
func (s *cookieSessions) SignIn(w http.ResponseWriter, _ *http.Request, user string) error {
	return s.sealer.setCookie(w, sessionPurpose, signedIn{User: user}, s.lifetime)
}

// User implements [Sessions].
func (s *cookieSessions) User(r *http.Request) (string, error) {
	var value signedIn
	if _, ok := s.sealer.cookie(r, sessionPurpose, &value); !ok {
		return "", nil
	}
	return value.User, nil
}

// SignOut implements [Sessions].
func (s *cookieSessions) SignOut(w http.ResponseWriter, _ *http.Request) error {
	s.sealer.removeCookie(w, sessionPurpose)
	return nil
}
