package redisstore

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	minReconnect = 100 * time.Millisecond
	maxReconnect = 5 * time.Second
)

// hub passes notices on to those who watch. It listens on one connection,
// which it has only while somebody watches.
type hub struct {
	// listen calls ready when it has subscribed and notify for each notice. It
	// returns when ctx ends or the connection fails.
	listen func(ctx context.Context, ready func(), notify func(name string)) error

	mu       sync.Mutex
	watchers map[string]map[chan struct{}]struct{} // by the name in the notices
	running  *listening
}

type listening struct {
	stop    context.CancelFunc
	started chan struct{} // closed when it has subscribed, or failed to
	err     error         // why it failed to
}

func newHub(listen func(context.Context, func(), func(string)) error) *hub {
	return &hub{listen: listen, watchers: make(map[string]map[chan struct{}]struct{})}
}

// watch returns a channel that is told of the notices for name until ctx ends.
func (h *hub) watch(ctx context.Context, name string) (<-chan struct{}, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	changes := make(chan struct{}, 1)
	running := h.join(name, changes)
	select {
	case <-running.started:
		if running.err != nil {
			h.leave(name, changes)
			return nil, running.err
		}
	case <-ctx.Done():
		h.leave(name, changes)
		return nil, ctx.Err()
	}
	context.AfterFunc(ctx, func() { h.leave(name, changes) })
	return changes, nil
}

func (h *hub) join(name string, changes chan struct{}) *listening {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers[name] == nil {
		h.watchers[name] = make(map[chan struct{}]struct{})
	}
	h.watchers[name][changes] = struct{}{}
	if h.running == nil {
		ctx, stop := context.WithCancel(context.Background())
		h.running = &listening{stop: stop, started: make(chan struct{})}
		go h.run(ctx, h.running)
	}
	return h.running
}

func (h *hub) leave(name string, changes chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(changes)
	delete(h.watchers[name], changes)
	if len(h.watchers[name]) == 0 {
		delete(h.watchers, name)
	}
	if len(h.watchers) == 0 && h.running != nil {
		h.running.stop()
		h.running = nil
	}
}

// run listens, and listens again when the connection has failed.
func (h *hub) run(ctx context.Context, l *listening) {
	defer l.stop()
	started := false
	wait := minReconnect
	ready := func() {
		wait = minReconnect
		if started {
			h.notifyAll() // of what may have happened meanwhile
			return
		}
		started = true
		close(l.started)
	}
	for {
		err := h.listen(ctx, ready, h.notify)
		if !started {
			h.fail(l, err)
			return
		}
		select {
		case <-time.After(wait/2 + rand.N(wait)):
			wait = min(2*wait, maxReconnect)
		case <-ctx.Done():
			return
		}
	}
}

// fail tells those who wait for the first subscription that there is none.
func (h *hub) fail(l *listening, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running == l {
		h.running = nil
	}
	l.err = err
	close(l.started)
}

func (h *hub) notify(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for changes := range h.watchers[name] {
		tell(changes)
	}
}

func (h *hub) notifyAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, watchers := range h.watchers {
		for changes := range watchers {
			tell(changes)
		}
	}
}

// tell does nothing if the last notice has not been looked at yet.
func tell(changes chan<- struct{}) {
	select {
	case changes <- struct{}{}:
	default:
	}
}
