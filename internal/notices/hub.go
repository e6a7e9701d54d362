// Package notices lets many watchers share one connection to a server that
// reports changes by name. The connection exists only while there are watchers.
// When it fails the hub connects again, and all watchers get a value, since
// notices may have been lost.
package notices

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/spotipie/spotipie"
)

const (
	minReconnect = 100 * time.Millisecond
	maxReconnect = 5 * time.Second
)

// ErrClosed, wrapped in the error of a [Listen]: there will be no connection
// again, because the client or pool was closed.
var ErrClosed = errors.New("the client or pool is closed")

// Listen listens on a connection: it calls ready when it has subscribed and
// notify for each notice that comes then. It returns when ctx ends or the
// connection fails, with [ErrClosed] if it is useless to try again.
type Listen func(ctx context.Context, ready func(), notify func(name string)) error

// Hub passes notices on to watchers. Its methods may be called from many
// goroutines.
type Hub struct {
	listen Listen

	mu       sync.Mutex
	watchers listeners
	others   listeners           // of Overhear
	queues   map[*Queue]struct{} // of WatchAll
	running  *listening
}

// listeners are channels by the name in the notices.
type listeners map[string]map[chan struct{}]struct{}

func (l listeners) add(name string, changes chan struct{}) {
	if l[name] == nil {
		l[name] = make(map[chan struct{}]struct{})
	}
	l[name][changes] = struct{}{}
}

// remove reports whether the channel was there.
func (l listeners) remove(name string, changes chan struct{}) bool {
	_, was := l[name][changes]
	delete(l[name], changes)
	if len(l[name]) == 0 {
		delete(l, name)
	}
	return was
}

func (l listeners) tell(name string) {
	for changes := range l[name] {
		tell(changes)
	}
}

func (l listeners) tellAll() {
	for name := range l {
		l.tell(name)
	}
}

type listening struct {
	stop    context.CancelFunc
	started chan struct{} // closed when it has subscribed, or failed to
	err     error         // why it failed to
}

// NewHub returns a hub that gets its notices from listen.
func NewHub(listen Listen) *Hub {
	return &Hub{listen: listen, watchers: make(listeners), others: make(listeners), queues: make(map[*Queue]struct{})}
}

// Watch returns a channel that gets a value for notices of a name, perhaps one
// for several, and is closed when ctx ends. It waits until the hub listens. If
// the first attempt fails it returns the error; later the hub keeps trying, and
// closes the channel if that is useless ([ErrClosed]).
func (h *Hub) Watch(ctx context.Context, name string) (<-chan struct{}, error) {
	changes := make(chan struct{}, 1)
	join := func() { h.watchers.add(name, changes) }
	leave := func() {
		if h.watchers.remove(name, changes) { // otherwise the hub has ended
			close(changes)
		}
	}
	if err := h.watch(ctx, join, leave); err != nil {
		return nil, err
	}
	return changes, nil
}

// WatchAll returns a channel that gets the changes passed to Changed, and is
// otherwise like that of Watch. When notices may have been lost, or the
// receiver is too slow, it gets the zero Change.
func (h *Hub) WatchAll(ctx context.Context) (<-chan spotipie.Change, error) {
	q := NewQueue()
	join := func() { h.queues[q] = struct{}{} }
	leave := func() {
		if _, was := h.queues[q]; was {
			delete(h.queues, q)
			q.Close()
		}
	}
	if err := h.watch(ctx, join, leave); err != nil {
		return nil, err
	}
	return q.Changes(), nil
}

// watch joins, waits until the hub listens, and leaves when ctx ends or the hub
// cannot listen. join and leave are called with mu locked.
func (h *Hub) watch(ctx context.Context, join, leave func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	running := h.join(join)
	select {
	case <-running.started:
		if running.err != nil {
			h.leave(leave)
			return running.err
		}
	case <-ctx.Done():
		h.leave(leave)
		return ctx.Err()
	}
	context.AfterFunc(ctx, func() { h.leave(leave) })
	return nil
}

// Changed passes a change on to the channels of WatchAll. The function that
// listens calls it.
func (h *Hub) Changed(change spotipie.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for q := range h.queues {
		q.Put(change)
	}
}

// WantsChanges reports whether Changed has any receivers.
func (h *Hub) WantsChanges() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.queues) > 0
}

// Overhear returns a channel that gets a value for notices of a name while the
// hub listens for other watchers; Overhear itself does not make the hub listen.
// It returns nil if the hub does not listen. The channel is never closed; stop
// it when it is no longer needed.
func (h *Hub) Overhear(name string) (changes <-chan struct{}, stop func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running == nil {
		return nil, func() {}
	}
	overheard := make(chan struct{}, 1)
	h.others.add(name, overheard)
	return overheard, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.others.remove(name, overheard)
	}
}

func (h *Hub) join(join func()) *listening {
	h.mu.Lock()
	defer h.mu.Unlock()
	join()
	if h.running == nil {
		ctx, stop := context.WithCancel(context.Background())
		h.running = &listening{stop: stop, started: make(chan struct{})}
		go h.run(ctx, h.running)
	}
	return h.running
}

func (h *Hub) leave(leave func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	leave()
	if len(h.watchers) == 0 && len(h.queues) == 0 && h.running != nil {
		h.running.stop()
		h.running = nil
	}
}

// run listens, and listens again when the connection has failed.
func (h *Hub) run(ctx context.Context, l *listening) {
	defer l.stop()
	started := false
	wait := minReconnect
	ready := func() {
		wait = minReconnect
		if started {
			h.notifyAll() // something may have changed meanwhile
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
		if errors.Is(err, ErrClosed) {
			h.end(l)
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

// fail returns the error to those who wait for the first subscription.
func (h *Hub) fail(l *listening, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running == l {
		h.running = nil
	}
	l.err = err
	close(l.started)
}

// end closes the channels of all watchers, unless another run serves them.
func (h *Hub) end(l *listening) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running != l {
		return
	}
	h.running = nil
	for _, watchers := range h.watchers {
		for changes := range watchers {
			close(changes)
		}
	}
	clear(h.watchers)
	for q := range h.queues {
		q.Close()
	}
	clear(h.queues)
}

func (h *Hub) notify(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers.tell(name)
	h.others.tell(name)
}

func (h *Hub) notifyAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers.tellAll()
	h.others.tellAll()
	for q := range h.queues {
		q.Put(spotipie.Change{})
	}
}

// tell sends a value, unless the last one has not been received yet.
func tell(changes chan<- struct{}) {
	select {
	case changes <- struct{}{}:
	default:
	}
}
