package loads

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spotipie/spotipie"
)

// maxGathered limits how many records one query asks for.
const maxGathered = 100

// ErrNoResult is the error of loads whose query has ended without results.
var ErrNoResult = errors.New("the query ended without a result")

// Result is what a load returned.
type Result struct {
	Record spotipie.Record
	Found  bool
	Err    error
}

// LoadAll loads the records of several keys with one query, and returns a result
// for each key, in their order. Like a [Load] it returns soon after its context
// ends. That context has no values: the query is of several callers.
type LoadAll func(ctx context.Context, keys []spotipie.Key) []Result

// Gatherer loads records of different keys together when many are asked for at
// the same time. Make one with NewGatherer. Its Load method may be called from
// many goroutines.
type Gatherer struct {
	load    Load
	loadAll LoadAll
	limit   int

	mu      sync.Mutex
	running int       // queries, without those that take longer than patience
	queue   []*queued // in the order in which they came, if running is limit
}

// queued is a load that waits for a query, or for its result.
type queued struct {
	ctx    context.Context
	key    spotipie.Key
	query  *query // nil while it is in the queue; Gatherer.mu protects it
	result Result
	done   chan struct{}
}

// query is a query for several loads.
type query struct {
	loads   []*queued
	waiting int // Gatherer.mu protects it
	cancel  context.CancelFunc
}

// NewGatherer returns a gatherer that has at most limit queries under way at the
// same time. One that takes longer than a quarter of a second no longer counts:
// its connection may hang.
func NewGatherer(load Load, loadAll LoadAll, limit int) *Gatherer {
	return &Gatherer{load: load, loadAll: loadAll, limit: limit}
}

// Load returns the result of a query that begins after Load is called. If fewer
// queries than allowed are under way, this is a Load of its own. Otherwise it
// waits until one ends, and is then loaded with all that wait. When ctx ends,
// Load returns its error.
func (g *Gatherer) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	l := g.enter(ctx, key)
	if l == nil {
		defer g.begin()()
		return g.load(ctx, key)
	}
	select {
	case <-l.done:
		return l.result.Record, l.result.Found, l.result.Err
	case <-ctx.Done():
		g.leave(l)
		return spotipie.Record{}, false, ctx.Err()
	}
}

// enter returns nil if a load can begin at once, or its place in the queue.
func (g *Gatherer) enter(ctx context.Context, key spotipie.Key) *queued {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running < g.limit {
		g.running++
		return nil
	}
	l := &queued{ctx: ctx, key: key, done: make(chan struct{})}
	g.queue = append(g.queue, l)
	return l
}

// leave ends the query of a load if it was the last one to wait for it.
func (g *Gatherer) leave(l *queued) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.query == nil {
		return // next leaves it out
	}
	if l.query.waiting--; l.query.waiting == 0 {
		l.query.cancel()
	}
}

// begin returns a function to call when a query that now begins has ended.
func (g *Gatherer) begin() (end func()) {
	next := sync.OnceFunc(g.next)
	timer := time.AfterFunc(patience, next)
	return func() {
		timer.Stop()
		next()
	}
}

// next begins a query for those who wait longest, in place of one that was
// counted.
func (g *Gatherer) next() {
	g.mu.Lock()
	defer g.mu.Unlock()
	q := &query{}
	for len(g.queue) > 0 && len(q.loads) < maxGathered {
		l := g.queue[0]
		g.queue[0], g.queue = nil, g.queue[1:]
		if l.ctx.Err() == nil {
			l.query = q
			q.loads = append(q.loads, l)
		}
	}
	if len(q.loads) == 0 {
		g.running--
		return
	}
	var ctx context.Context
	ctx, q.cancel = context.WithCancel(context.Background())
	q.waiting = len(q.loads)
	go g.run(ctx, q)
}

// run runs a query.
func (g *Gatherer) run(ctx context.Context, q *query) {
	keys := make([]spotipie.Key, len(q.loads))
	for i, l := range q.loads {
		keys[i] = l.key
	}
	var results []Result
	defer g.begin()()
	defer func() { // even if the query ends this goroutine
		q.cancel()
		for i, l := range q.loads {
			l.result.Err = ErrNoResult
			if i < len(results) {
				l.result = results[i]
			}
			close(l.done)
		}
	}()
	results = g.loadAll(ctx, keys)
}
