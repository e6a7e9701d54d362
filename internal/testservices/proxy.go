package testservices

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy is a TCP proxy between a client and a server. It can make the network
// between them fail. It stops when the test ends.
type Proxy struct {
	// Address is where it listens, as host:port.
	Address string

	target   string
	listener net.Listener
	copies   sync.WaitGroup

	mu      sync.Mutex
	mode    mode
	delay   time.Duration
	changed chan struct{} // closed when the mode changes
	conns   map[net.Conn]struct{}
	asking  bool // the last piece of data came from the client
	asked   int
}

type mode int

const (
	passing mode = iota
	hanging
	cut
	losing
)

// NewProxy starts a proxy before the server at target.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return NewProxyOn(t, listener, target)
}

// NewProxyOn is NewProxy with the caller's listener. The proxy closes it.
func NewProxyOn(t testing.TB, listener net.Listener, target string) *Proxy {
	p := ServeProxy(listener, target)
	t.Cleanup(p.Close)
	return p
}

// ServeProxy is NewProxyOn without a test: the caller must close the proxy.
func ServeProxy(listener net.Listener, target string) *Proxy {
	p := &Proxy{
		Address: listener.Addr().String(), target: target, listener: listener,
		changed: make(chan struct{}), conns: make(map[net.Conn]struct{}),
	}
	p.copies.Go(p.accept)
	return p
}

// Close breaks all connections and stops listening.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.Cut()
	p.copies.Wait()
}

// Pass makes the network work.
func (p *Proxy) Pass() { p.set(passing, 0) }

// Slow makes the network work, with a delay before each piece of data.
func (p *Proxy) Slow(delay time.Duration) { p.set(passing, delay) }

// Hang makes the network hang: connections stay open and carry nothing.
func (p *Proxy) Hang() { p.set(hanging, 0) }

// LoseAnswers makes the network carry what clients send, and break a connection
// when the answer comes.
func (p *Proxy) LoseAnswers() { p.set(losing, 0) }

// Cut breaks all connections, and each new one at once.
func (p *Proxy) Cut() {
	p.set(cut, 0)
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close()
	}
}

func (p *Proxy) set(m mode, delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode, p.delay = m, delay
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Proxy) state() (m mode, delay time.Duration, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode, p.delay, p.changed
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.copies.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer p.keep(client)()
	if !p.passes(true) {
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer p.keep(server)()
	var both sync.WaitGroup
	both.Go(func() { p.copy(server, client, true) })
	both.Go(func() { p.copy(client, server, false) })
	both.Wait()
}

// keep makes Cut close conn. The returned function closes conn.
func (p *Proxy) keep(conn net.Conn) (done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[conn] = struct{}{}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, conn)
		_ = conn.Close()
	}
}

// RoundTrips returns how often a client has sent something and got an answer, or
// is waiting for one. It is right only if there is one connection.
func (p *Proxy) RoundTrips() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *Proxy) count(asking bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if asking && !p.asking {
		p.asked++
	}
	p.asking = asking
}

func (p *Proxy) copy(to, from net.Conn, asking bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil || !p.passes(asking) {
			return
		}
		p.count(asking)
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// passes waits while the network hangs or is slow. Then it reports whether the
// network carries a piece of data: one that a client sends if asking is set, or else
// an answer.
func (p *Proxy) passes(asking bool) bool {
	for {
		m, delay, changed := p.state()
		switch m {
		case cut:
			return false
		case losing:
			return asking
		case passing:
			time.Sleep(delay)
			return true
		}
		<-changed
	}
}
