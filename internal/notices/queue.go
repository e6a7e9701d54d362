package notices

import "github.com/spotipie/spotipie"

// queueLength is how many changes wait for a receiver.
const queueLength = 1024

// Queue passes changes on to a receiver that may be slow. It never waits: if
// the channel is full, further changes become one zero Change at its end. The
// root package has the same type, since it imports nothing of this module.
type Queue struct {
	changes chan spotipie.Change
	zero    bool // the last one put is the zero Change
}

// NewQueue returns an empty queue.
func NewQueue() *Queue { return &Queue{changes: make(chan spotipie.Change, queueLength)} }

// Changes returns the channel to receive from.
func (q *Queue) Changes() <-chan spotipie.Change { return q.changes }

// Put adds a change. Call it from one goroutine at a time, and not after Close.
func (q *Queue) Put(change spotipie.Change) {
	if cap(q.changes)-len(q.changes) <= 1 {
		change = spotipie.Change{}
	}
	isZero := change == spotipie.Change{}
	if isZero && q.zero && len(q.changes) > 0 {
		return // one is still to come
	}
	q.changes <- change
	q.zero = isZero
}

// Close closes the channel.
func (q *Queue) Close() { close(q.changes) }
