package login

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/spotipie/spotipie"
)

// pageGrace is how long the browser has to fetch the page that tells how the
// login ended.
const pageGrace = 2 * time.Second

// ending is how the login ended, for those who wait for it.
type ending struct {
	done   chan struct{} // closed when it has
	page   Page          // about it; set before done is closed
	shown  chan struct{} // closed when the browser has that page
	showed sync.Once
}

func newEnding() *ending {
	return &ending{done: make(chan struct{}), shown: make(chan struct{})}
}

func (e *ending) close(page Page) {
	e.page = page
	close(e.done)
}

// result is the page about the ending, if it has come.
func (e *ending) result() (page Page, done bool) {
	select {
	case <-e.done:
		return e.page, true
	default:
		return Page{}, false
	}
}

func (e *ending) markShown() { e.showed.Do(func() { close(e.shown) }) }

func (e *ending) waitShown(ctx context.Context) {
	timer := time.NewTimer(pageGrace)
	defer timer.Stop()
	select {
	case <-e.shown:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// resultPage tells the browser how the login ended.
func (l *login) resultPage(token *spotipie.Token, err error) Page {
	switch {
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
