package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"sync"
)

const (
	// maxTries is how often this process tries a callback while Spotify has
	// trouble.
	maxTries = 5
	spent    = maxTries + 1
	// remembered is the number of attempts that a process remembers.
	remembered = 8192
)

var (
	errSpent    = errors.New("the callback was already used: sign in again")
	errTooOften = errors.New("the callback was tried too often: sign in again")
)

// callbacks prevents that replayed callbacks, or a flood of them, make a token
// request each. Its memory is bounded. The zero value is ready to use.
type callbacks struct {
	mu    sync.Mutex
	tries map[[sha256.Size]byte]int // by the state
	order [][sha256.Size]byte       // a ring of the remembered states
	next  int                       // in order
}

// try is called before a login is finished.
func (c *callbacks) try(state string) *Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := sha256.Sum256([]byte(state))
	switch c.tries[id] {
	case spent:
		return &Error{Page: pageStray, Status: http.StatusBadRequest, Err: errSpent}
	case maxTries:
		return &Error{Page: pageFailed, Status: http.StatusBadGateway, Err: errTooOften}
	}
	c.count(id, c.tries[id]+1)
	return nil
}

// untry means that a try has asked for nothing.
func (c *callbacks) untry(state string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := sha256.Sum256([]byte(state))
	if tries := c.tries[id]; tries > 0 && tries < spent {
		c.tries[id]--
	}
}

// end means that an attempt is over.
func (c *callbacks) end(state string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count(sha256.Sum256([]byte(state)), spent)
}

// count counts the tries of an attempt. It forgets the oldest attempt to make
// room.
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
