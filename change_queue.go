package spotipie

// changeQueueLength is how many changes wait for a receiver.
const changeQueueLength = 1024

// changeQueue passes changes on to a receiver that may be slow. It never waits:
// if the channel is full, further changes become one zero [Change] at its end.
type changeQueue struct {
	changes chan Change
	zero    bool // the last one put is the zero Change
}

func newChangeQueue() *changeQueue {
	return &changeQueue{changes: make(chan Change, changeQueueLength)}
}

// put is called by one goroutine at a time.
func (q *changeQueue) put(change Change) {
	if cap(q.changes)-len(q.changes) <= 1 {
		change = Change{}
	}
	isZero := change == Change{}
	if isZero && q.zero && len(q.changes) > 0 {
		return // the zero Change is still waiting
	}
	q.changes <- change
	q.zero = isZero
}
