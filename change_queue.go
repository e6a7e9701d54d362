package spotipie

// changeQueueLength is how many changes wait for a receiver.
const changeQueueLength = 1024

// changeQueue passes changes on to a receiver that may be slow. It never waits:
// what there is no room for becomes one zero [Change], which is the last in the
// channel then. Its owner calls put from one goroutine at a time.
type changeQueue struct {
	changes chan Change
	lost    bool // the last one put is a zero Change for those that were lost
}

func newChangeQueue() *changeQueue {
	return &changeQueue{changes: make(chan Change, changeQueueLength)}
}

func (q *changeQueue) put(change Change) {
	switch room := cap(q.changes) - len(q.changes); {
	case room > 1:
		q.changes <- change
		q.lost = false
	case !q.lost:
		q.changes <- Change{}
		q.lost = true
	}
}
