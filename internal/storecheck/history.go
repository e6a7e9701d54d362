package storecheck

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/spotipie/spotipie"
)

// operation is a client's call of a store, and answer is the result.
type operation struct {
	Kind  string // load, swap, delete
	Over  string // the record that a swap should replace, "" for none
	Saves string // the record that it saves
}

type answer struct {
	Record   string // what a load found, "" for nothing
	Version  uint64 // of the record that a load found or a swap saved
	Conflict bool
	Unknown  bool // it may have happened, or happen later
}

func (o operation) describe(a answer) string {
	outcome := "done"
	switch {
	case a.Unknown:
		outcome = "unknown"
	case a.Conflict:
		outcome = "conflict"
	case o.Kind == "load":
		outcome = fmt.Sprintf("%q", a.Record)
	}
	return fmt.Sprintf("%s(%q over %q): %s", o.Kind, o.Saves, o.Over, outcome)
}

// model is the contract of a store with one key. Its state is the stored record.
func model() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{""} },
		Step: func(state, input, output any) []any {
			now, o, a := state.(string), input.(operation), output.(answer)
			var next []any
			switch {
			case o.Kind == "load" && a.Record == now:
				next = append(next, now)
			case o.Kind == "swap" && a.Conflict && o.Over != now:
				next = append(next, now)
			case o.Kind == "swap" && !a.Conflict && o.Over == now:
				next = append(next, o.Saves)
			case o.Kind == "delete":
				next = append(next, "")
			}
			if a.Unknown && !slices.Contains(next, any(now)) {
				next = append(next, now)
			}
			return next
		},
		DescribeOperation: func(input, output any) string { return input.(operation).describe(output.(answer)) },
	}
	return m.ToModel()
}

// history collects what clients do.
type history struct {
	start time.Time

	mu       sync.Mutex
	done     []porcupine.Operation
	versions map[uint64]string // which record has a version
	saved    int
	problems []string

	// If tell is set, it gets each operation instead of done: before the operation
	// begins, without an answer, and after it with the answer.
	tell func(client int, o operation, a *answer)
}

func newHistory() *history {
	return &history{start: time.Now(), versions: make(map[uint64]string)}
}

// begin is called before an operation, and returns when it began.
func (h *history) begin(client int, o operation) time.Time {
	began := time.Now()
	if h.tell != nil {
		h.tell(client, o, nil)
	}
	return began
}

// end is called after an operation.
func (h *history) end(client int, o operation, began time.Time, a answer) {
	if h.tell != nil {
		h.tell(client, o, &a)
		return
	}
	h.add(client, o, began, time.Now(), a)
}

func (h *history) add(client int, o operation, began, ended time.Time, a answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.done = append(h.done, porcupine.Operation{
		ClientId: client, Input: o, Call: began.Sub(h.start).Nanoseconds(), Output: a, Return: ended.Sub(h.start).Nanoseconds(),
	})
	if a.Version == 0 {
		return
	}
	// No other record may ever have this version.
	record := a.Record + o.Saves
	if other, seen := h.versions[a.Version]; seen && other != record {
		h.problems = append(h.problems, fmt.Sprintf("version %d is of %q and of %q", a.Version, other, record))
	}
	h.versions[a.Version] = record
}

func (h *history) newRecord() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.saved++
	return fmt.Sprintf("record-%d-%d", os.Getpid(), h.saved)
}

// Linearizable runs eight clients that load, save and delete one record, each with
// its own store on the same records. It checks that their results could come from
// one store that does one thing after the other. Contexts end at random. The trouble
// function makes connections fail until its context ends, and then makes them work
// again. Each round uses stores that open has newly opened.
func Linearizable(t *testing.T, rounds int, open func(t *testing.T) (stores []spotipie.Store, trouble func(context.Context))) {
	t.Helper()
	unknown, all := 0, 0
	for round := range rounds {
		t.Run(fmt.Sprint("history ", round), func(t *testing.T) {
			stores, trouble := open(t)
			h := record(t, stores, trouble)
			h.check(t)
			all += len(h.done)
			for _, op := range h.done {
				if op.Output.(answer).Unknown {
					unknown++
				}
			}
		})
	}
	t.Logf("%d histories, %d operations, the outcome of %d is not known", rounds, all, unknown)
}

// record runs the clients while trouble runs, and returns what they did.
func record(t *testing.T, stores []spotipie.Store, trouble func(context.Context)) *history {
	h := newHistory()
	during, end := context.WithCancel(t.Context())
	var clients, troubles sync.WaitGroup
	troubles.Go(func() { trouble(during) })
	for i, s := range stores {
		clients.Go(func() { h.client(t, i, s) })
	}
	clients.Wait()
	end()
	troubles.Wait()
	for i, s := range stores { // what is there after all
		h.load(t.Context(), i, s)
	}
	return h
}

func (h *history) check(t *testing.T) {
	t.Helper()
	for _, problem := range h.problems {
		t.Error(problem)
	}
	// First assume that an operation with an unknown outcome took effect before the
	// client got its error, or never. Only if this explains nothing, allow that it took
	// effect later, because that check takes long.
	if porcupine.CheckOperationsTimeout(model(), h.done, time.Minute) == porcupine.Ok {
		return
	}
	for i, op := range h.done {
		if op.Output.(answer).Unknown {
			h.done[i].Return = math.MaxInt64
		}
	}
	result := porcupine.CheckOperationsTimeout(model(), h.done, time.Minute)
	if result == porcupine.Ok {
		return
	}
	slices.SortFunc(h.done, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	for _, op := range h.done {
		t.Logf("client %d, %s to %s: %s", op.ClientId, time.Duration(op.Call), time.Duration(op.Return), op.Input.(operation).describe(op.Output.(answer)))
	}
	t.Errorf("no order explains this history (%s)", result)
}

// client makes random calls.
func (h *history) client(t *testing.T, id int, s spotipie.Store) {
	for range 25 {
		h.turn(t, id, s)
	}
}

func (h *history) turn(t *testing.T, id int, s spotipie.Store) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	if rand.IntN(8) == 0 {
		cancel()
		ctx, cancel = context.WithTimeout(t.Context(), rand.N(2*time.Millisecond))
	}
	defer cancel()
	switch rec, known := h.load(ctx, id, s); {
	case !known:
	case rand.IntN(5) == 0:
		h.delete(ctx, id, s)
	default:
		h.swap(ctx, t, id, s, rec)
	}
}

func (h *history) load(ctx context.Context, id int, s spotipie.Store) (rec spotipie.Record, known bool) {
	o := operation{Kind: "load"}
	began := h.begin(id, o)
	rec, found, err := s.Load(ctx, Key())
	switch {
	case err != nil:
		return rec, false
	case !found:
		rec.Version = 0
		h.end(id, o, began, answer{})
	default:
		h.end(id, o, began, answer{Record: rec.Token.AccessToken(), Version: rec.Version})
	}
	return rec, true
}

func (h *history) swap(ctx context.Context, t *testing.T, id int, s spotipie.Store, over spotipie.Record) {
	o := operation{Kind: "swap", Saves: h.newRecord()}
	if over.Version != 0 {
		o.Over = over.Token.AccessToken()
	}
	began := h.begin(id, o)
	version, err := s.Swap(ctx, Key(), over.Version, Record(t, o.Saves))
	conflict := errors.Is(err, spotipie.ErrVersionConflict)
	h.end(id, o, began, answer{Version: version, Conflict: conflict, Unknown: err != nil && !conflict})
}

func (h *history) delete(ctx context.Context, id int, s spotipie.Store) {
	o := operation{Kind: "delete"}
	began := h.begin(id, o)
	err := s.Delete(ctx, Key())
	h.end(id, o, began, answer{Unknown: err != nil})
}
