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

// event is a child's report that an operation begins, or if it has an answer, that
// the operation has ended.
type event struct {
	Operation operation
	Answer    *answer
	At        int64 // nanoseconds of the clock that all processes share
}

// WorkUntilKilled runs in the child processes of [LinearizableDespiteKills].
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

// LinearizableDespiteKills is [Linearizable] with clients in processes of their own,
// 16 of which are killed while they work in each round. open opens a store in a new
// place, and the children open that place too (see [WorkUntilKilled]).
func LinearizableDespiteKills(t *testing.T, rounds int, open func() (s spotipie.Store, place string)) {
	t.Helper()
	const clients, kills = 4, 12
	operations, unknown := 0, 0
	for range rounds {
		s, place := open()
		h := newHistory()
		h.start = h.start.Round(0) // without the monotonic clock, which the children do not share
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
			h.client(t, -1, s) // works beside them
			time.Sleep(rand.N(5 * time.Millisecond))
			victim := rand.IntN(clients)
			working[victim].Signal(syscall.SIGKILL)
			start(victim)
		}
		for _, c := range working {
			c.Signal(syscall.SIGKILL)
		}
		listening.Wait()
		h.load(t.Context(), -1, s) // reads the last state
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

// listen adds a child's operations until the child is killed. The outcome of the
// operation that it was killed in is unknown. listen closes ready when the child has
// begun.
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
