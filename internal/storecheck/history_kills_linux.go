package storecheck

import (
	"encoding/json"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices/child"
)

// event is what a child says of an operation, by the clock that all processes of
// the machine have in common: that it begins, or with an answer that it has ended.
type event struct {
	Operation operation
	Answer    *answer
	At        int64 // nanoseconds
}

// WorkUntilKilled is what a child process does for [LinearizableDespiteKills].
func WorkUntilKilled(t *testing.T, s spotipie.Store) {
	h := newHistory()
	h.tell = func(_ int, o operation, a *answer) {
		data, err := json.Marshal(event{o, a, time.Now().UnixNano()})
		if err != nil {
			t.Fatal(err)
		}
		child.Say(string(data))
	}
	for {
		h.turn(t, 0, s)
	}
}

// LinearizableDespiteKills is [Linearizable] with clients that are processes. They
// are killed while they work, 12 of them in each round. open opens a store in a new
// place, which children get (see [WorkUntilKilled]).
func LinearizableDespiteKills(t *testing.T, rounds int, open func() (s spotipie.Store, place string)) {
	t.Helper()
	const clients, kills = 4, 12
	operations, unknown := 0, 0
	for range rounds {
		s, place := open()
		h := newHistory()
		h.start = h.start.Round(0) // by the clock that children have, too
		var listening sync.WaitGroup
		working := make(map[int]*child.Child)
		start := func(id int) {
			c := child.Start(t, place)
			working[id] = c
			ready := make(chan struct{})
			listening.Go(func() { h.listen(t, id, c, ready) })
			<-ready
		}
		for id := range clients {
			start(id)
		}
		for id := clients; id < clients+kills; id++ {
			h.client(t, -1, s) // meanwhile
			time.Sleep(rand.N(5 * time.Millisecond))
			victim := rand.IntN(clients)
			working[victim].Signal(syscall.SIGKILL)
			start(victim)
		}
		for _, c := range working {
			c.Signal(syscall.SIGKILL)
		}
		listening.Wait()
		h.load(t.Context(), -1, s) // what is there after all
		h.check(t)
		operations += len(h.done)
		for _, op := range h.done {
			if op.Output.(answer).Unknown {
				unknown++
			}
		}
	}
	t.Logf("%d histories, %d operations, %d processes killed, the outcome of %d is not known", rounds, operations, rounds*(kills+clients), unknown)
}

// listen adds what a child does until it is killed. What has begun and has not ended
// then may have happened. ready is closed when the child works.
func (h *history) listen(t *testing.T, id int, c *child.Child, ready chan<- struct{}) {
	isReady := sync.OnceFunc(func() { close(ready) })
	defer isReady()
	var begun *event
	for line := range c.Lines {
		isReady()
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Errorf("the child says %q: %v", line, err)
			return
		}
		if e.Answer == nil {
			begun = &e
			continue
		}
		h.add(id, e.Operation, time.Unix(0, begun.At), time.Unix(0, e.At), *e.Answer)
		begun = nil
	}
	if begun != nil && begun.Operation.Kind != "load" {
		h.add(id, begun.Operation, time.Unix(0, begun.At), time.Now(), answer{Unknown: true})
	}
}
