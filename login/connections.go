package login

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// maxConnections is how many connections to the page may be open. A new one
// closes the oldest that is not kept, so that clients which only hold
// connections open cannot keep the browser out.
const maxConnections = 128

// connections are the open connections of the page's server.
type connections struct {
	mu      sync.Mutex
	counter int
	open    map[net.Conn]*connection
}

type connection struct {
	number int
	kept   bool // its request belongs to the login
}

type connectionKey struct{}

// attach makes c record the server's connections.
func (c *connections) attach(server *http.Server) {
	c.open = make(map[net.Conn]*connection)
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, conn)
	}
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			c.add(conn)
		case http.StateClosed, http.StateHijacked:
			c.mu.Lock()
			delete(c.open, conn)
			c.mu.Unlock()
		}
	}
}

func (c *connections) add(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counter++
	c.open[conn] = &connection{number: c.counter}
	if len(c.open) <= maxConnections {
		return
	}
	var oldest net.Conn
	for other, state := range c.open {
		if !state.kept && (oldest == nil || state.number < c.open[oldest].number) {
			oldest = other
		}
	}
	if oldest != nil {
		delete(c.open, oldest)
		_ = oldest.Close()
	}
}

// keep marks the connection of a request that belongs to the login.
func (c *connections) keep(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	conn, _ := ctx.Value(connectionKey{}).(net.Conn)
	if state := c.open[conn]; state != nil {
		state.kept = true
	}
}

// closeOthers closes the connections that are not kept, whether or not a
// request has come on them: it may never be complete.
func (c *connections) closeOthers() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn, state := range c.open {
		if !state.kept {
			_ = conn.Close()
		}
	}
}
