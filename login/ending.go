package login

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/spotipie/spotipie"
)

// pageGrace is how long browsers have to fetch the page that says how the login
// ended.
const pageGrace = 2 * time.Second

// ending is how the login ended, for everything that waits for it.
type ending struct {
	done    chan struct{} // closed when it has
	page    Page          // about it; set before done is closed
	delayed chan struct{} // closed when it takes longer
	trouble string        // why; set before delayed is closed

	mu      sync.Mutex
	visits  map[string]bool // of tabs that have not got the page yet
	changed chan struct{}   // has a value when visits has become smaller
}

func newEnding() *ending {
	return &ending{done: make(chan struct{}), delayed: make(chan struct{}), visits: make(map[string]bool), changed: make(chan struct{}, 1)}
}

func (e *ending) close(page Page) {
	e.page = page
	close(e.done)
}

// delay says that the user has agreed and that the token takes longer. The first
// reason counts.
func (e *ending) delay(trouble string) {
	select {
	case <-e.delayed:
	default:
		e.trouble = trouble
		close(e.delayed)
	}
}

// meanwhile returns the page for a tab that waits.
func (e *ending) meanwhile() Page {
	select {
	case <-e.delayed:
		return Page{name: pageDelayed, Message: e.trouble}
	default:
		return Page{name: pageStarted}
	}
}

// result returns the page about the ending, if the login has ended.
func (e *ending) result() (page Page, done bool) {
	select {
	case <-e.done:
		return e.page, true
	default:
		return Page{}, false
	}
}

// expect announces a tab that will get the page, and returns a value to
// recognize it by, which is not a secret and works once.
func (e *ending) expect() (visit string) {
	visit = rand.Text()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.visits[visit] = true
	return visit
}

func (e *ending) expects(visit string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.visits[visit]
}

// forget forgets a tab that has the page or will not request it.
func (e *ending) forget(visit string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.visits, visit)
	select {
	case e.changed <- struct{}{}:
	default:
	}
}

// awaited reports whether a tab has not got the page yet.
func (e *ending) awaited() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.visits) > 0
}

// waitShown returns when all tabs have the page, after pageGrace at the latest.
func (e *ending) waitShown(ctx context.Context) {
	timer := time.NewTimer(pageGrace)
	defer timer.Stop()
	for e.awaited() {
		select {
		case <-e.changed:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// resultPage tells the browser how the login ended.
func (l *login) resultPage(token *spotipie.Token, err error) Page {
	var less *spotipie.InsufficientScopeError
	switch {
	case token != nil && errors.As(err, &less):
		return Page{name: pageSignedIn, NotGranted: names(less.Missing)}
	case token != nil:
		return Page{name: pageSignedIn}
	case errors.Is(err, spotipie.ErrAccessDenied):
		return Page{name: pageDenied}
	}
	return Page{
		name:    pageError,
		Message: strings.TrimPrefix(strings.TrimPrefix(err.Error(), "spotipie: "), "login: "),
	}
}
