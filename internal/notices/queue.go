package notices

import "github.com/spotipie/spotipie"

// queueLength is how many changes wait for a receiver.
const queueLength = 1024

// queue passes changes on to a receiver that may be slow. It never waits: what
// there is no room for becomes one zero Change, which is the last in the channel
// then. The root package has the same one: it imports nothing of this module.
type queue struct {
	changes chan spotipie.Change
	lost    bool // the last one put is a zero Change for those that were lost
}

func newQueue() *queue { return &queue{changes: make(chan spotipie.Change, queueLength)} }

// put is called by one goroutine at a time.
func (q *queue) put(change spotipie.Change) {
	switch room := cap(q.changes) - len(q.changes); {
	case room > 1:
		q.changes <- change
		q.lost = false
	case !q.lost:
		q.changes <- spotipie.Change{}
		q.lost = true
	}
}
