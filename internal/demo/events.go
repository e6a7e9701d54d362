package demo

import (
	"context"
	"strings"
	"sync"

	"github.com/spotipie/spotipie"
)

// events are the events of a session, in order.
type events struct {
	updated chan struct{} // has a value after a token-updated event
	stop    func()

	mu    sync.Mutex
	names []string
}

// newEvents listens until stop is called.
func newEvents(session spotipie.Session) *events {
	e := &events{updated: make(chan struct{}, 1)}
	removeExpired := session.OnTokenExpired(func(context.Context, spotipie.TokenExpired) error {
		e.add("token_expired")
		return nil
	})
	removeUpdated := session.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error {
		e.add("token_updated")
		select {
		case e.updated <- struct{}{}:
		default:
		}
		return nil
	})
	e.stop = func() {
		removeExpired()
		removeUpdated()
	}
	return e
}

func (e *events) add(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.names = append(e.names, name)
}

// String lists the names of the events so far.
func (e *events) String() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.names, ", ")
}
