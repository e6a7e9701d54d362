package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"sync"
)

const (
	// maxCallbacks is how many logins are finished at the same time.
	maxCallbacks = 256
	// maxTries is how often a callback may be tried in this process while
	// Spotify is in trouble.
	maxTries = 5
	spent    = maxTries + 1
	// remembered is how many attempts a process remembers.
	remembered = 8192
)

var (
	errSpent    = errors.New("the callback has been used already: sign in again")
	errTooOften = errors.New("the callback has been tried too often: sign in again")
	errBusy     = errors.New("too many logins are being finished at the same time: this one is tried again in a moment")
)

// callbacks keeps those who replay callbacks, or flood the app with them, from
// making a token request each. Its memory is bounded. The zero value is ready.
type callbacks struct {
	mu    sync.Mutex
	tries map[[sha256.Size]byte]int // by the state
	order [][sha256.Size]byte       // a ring of those that are remembered
	next  int                       // in order
	now   int                       // being finished
}

// begin is called before a login is finished, and done after it, with whether
// nothing more can come of the attempt.
func (c *callbacks) begin(state string) (done func(over bool), failed *Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := sha256.Sum256([]byte(state))
	switch {
	case c.tries[id] == spent:
		return nil, &Error{Page: pageStray, Status: http.StatusBadRequest, Err: errSpent}
	case c.tries[id] == maxTries:
		return nil, &Error{Page: pageFailed, Status: http.StatusBadGateway, Err: errTooOften}
	case c.now == maxCallbacks:
		return nil, &Error{Page: pageDelayed, Status: http.StatusServiceUnavailable, RetryAfter: retryAfter, Err: errBusy}
	}
	c.count(id, c.tries[id]+1)
	c.now++
	return func(over bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now--
		if over {
			c.count(id, spent)
		}
	}, nil
}

// count notes how often an attempt was tried. It forgets the oldest for it.
func (c *callbacks) count(id [sha256.Size]byte, tries int) {
	if c.tries == nil {
		c.tries = make(map[[sha256.Size]byte]int)
	}
	if _, known := c.tries[id]; !known {
		if len(c.order) < remembered {
			c.order = append(c.order, id)
		} else {
			delete(c.tries, c.order[c.next])
			c.order[c.next] = id
			c.next = (c.next + 1) % remembered
		}
	}
	c.tries[id] = tries
}

func isEqualSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
