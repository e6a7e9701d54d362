package spotipie

import "sync"

// reports passes errors to [Options].OnError, one after the other and in order.
// No work of a session waits for that, so OnError may use the session, and may
// close it.
type reports struct {
	onError func(error)

	mu      sync.Mutex
	waiting []error
	busy    bool // OnError is being called
}

// add passes err to OnError.
func (r *reports) add(err error) {
	if r.onError == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(r.waiting, err)
	if !r.busy {
		r.startNext()
	}
}

// startNext calls OnError with the first waiting error. r.mu is held.
func (r *reports) startNext() {
	r.busy = len(r.waiting) > 0
	if !r.busy {
		r.waiting = nil
		return
	}
	err := r.waiting[0]
	r.waiting = r.waiting[1:]
	go func() {
		defer func() { // even if OnError ends its goroutine
			r.mu.Lock()
			defer r.mu.Unlock()
			r.startNext()
		}()
		r.onError(err)
	}()
}
