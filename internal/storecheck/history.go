package storecheck

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/spotipie/spotipie"
)

// operation is a client's call of a store, and answer is the result.
type operation struct {
	kind  string // load, swap, delete
	over  string // the record that a swap should replace, "" for none
	saves string // the record that it saves
}

type answer struct {
	record   string // what a load found, "" for nothing
	conflict bool
	unknown  bool // it may have happened, or happen later
}

func (o operation) describe(a answer) string {
	outcome := "done"
	switch {
	case a.unknown:
		outcome = "unknown"
	case a.conflict:
		outcome = "conflict"
	case o.kind == "load":
		outcome = fmt.Sprintf("%q", a.record)
	}
	return fmt.Sprintf("%s(%q over %q): %s", o.kind, o.saves, o.over, outcome)
}

// model is the contract of a store with one key. Its state is the stored record.
func model() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{""} },
		Step: func(state, input, output any) []any {
			now, o, a := state.(string), input.(operation), output.(answer)
			var next []any
			switch {
			case o.kind == "load" && a.record == now:
				next = append(next, now)
			case o.kind == "swap" && a.conflict && o.over != now:
				next = append(next, now)
			case o.kind == "swap" && !a.conflict && o.over == now:
				next = append(next, o.saves)
			case o.kind == "delete":
				next = append(next, "")
			}
			if a.unknown && !slices.Contains(next, any(now)) {
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
}

func (h *history) add(client int, o operation, began time.Time, a answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ended := time.Since(h.start).Nanoseconds()
	if a.unknown {
		ended = math.MaxInt64
	}
	h.done = append(h.done, porcupine.Operation{
		ClientId: client, Input: o, Call: began.Sub(h.start).Nanoseconds(), Output: a, Return: ended,
	})
}

// isOf notes that a record has a version. No other record may ever have it.
func (h *history) isOf(version uint64, record string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if other, seen := h.versions[version]; seen && other != record {
		h.problems = append(h.problems, fmt.Sprintf("version %d is of %q and of %q", version, other, record))
	}
	h.versions[version] = record
}

func (h *history) newRecord() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.saved++
	return fmt.Sprintf("record-%d", h.saved)
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
				if op.Output.(answer).unknown {
					unknown++
				}
			}
		})
	}
	t.Logf("%d histories, %d operations, the outcome of %d is not known", rounds, all, unknown)
}

// record runs the clients while trouble runs, and returns what they did.
func record(t *testing.T, stores []spotipie.Store, trouble func(context.Context)) *history {
	h := &history{start: time.Now(), versions: make(map[uint64]string)}
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
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if rand.IntN(8) == 0 {
			cancel()
			ctx, cancel = context.WithTimeout(t.Context(), rand.N(2*time.Millisecond))
		}
		switch rec, known := h.load(ctx, id, s); {
		case !known:
		case rand.IntN(5) == 0:
			h.delete(ctx, id, s)
		default:
			h.swap(ctx, t, id, s, rec)
		}
		cancel()
	}
}

func (h *history) load(ctx context.Context, id int, s spotipie.Store) (rec spotipie.Record, known bool) {
	began := time.Now()
	rec, found, err := s.Load(ctx, Key())
	if err != nil {
		return rec, false
	}
	if !found {
		rec.Version = 0
		h.add(id, operation{kind: "load"}, began, answer{})
		return rec, true
	}
	record := rec.Token.AccessToken()
	h.isOf(rec.Version, record)
	h.add(id, operation{kind: "load"}, began, answer{record: record})
	return rec, true
}

func (h *history) swap(ctx context.Context, t *testing.T, id int, s spotipie.Store, over spotipie.Record) {
	o := operation{kind: "swap", saves: h.newRecord()}
	if over.Version != 0 {
		o.over = over.Token.AccessToken()
	}
	began := time.Now()
	version, err := s.Swap(ctx, Key(), over.Version, Record(t, o.saves))
	if err == nil {
		h.isOf(version, o.saves)
	}
	conflict := errors.Is(err, spotipie.ErrVersionConflict)
	h.add(id, o, began, answer{conflict: conflict, unknown: err != nil && !conflict})
}

func (h *history) delete(ctx context.Context, id int, s spotipie.Store) {
	began := time.Now()
	err := s.Delete(ctx, Key())
	h.add(id, operation{kind: "delete"}, began, answer{unknown: err != nil})
}
