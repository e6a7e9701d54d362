package simulation

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Play plays a plan and returns what was found.
func Play(t *testing.T, plan Plan, with Collaborators) Outcome {
	t.Helper()
	plan.Processes = slices.Clone(plan.Processes)
	var w *world
	var playing atomic.Pointer[world]
	watchdog := time.AfterFunc(stuckAfter, func() { panic(stuck(plan, playing.Load())) })
	defer watchdog.Stop()
	leftOver := bubbled(t, func() {
		w = newWorld(plan, with)
		playing.Store(w)
		w.run()
	})
	if leftOver != "" {
		w.oracle.findAt(w.log[len(w.log)-1].at, "goroutine", nil, "%s", leftOver)
	}
	return Outcome{Plan: plan, Findings: w.oracle.findings, entries: w.log}
}

// stuckAfter is how long a plan may take by a real clock. It takes
// milliseconds.
const stuckAfter = time.Minute

// stuck reports a plan that does not end.
func stuck(plan Plan, w *world) string {
	text := fmt.Sprintf("the plan of seed %d does not come to an end: a goroutine is busy, or waits for a mutex\n%s", plan.Seed, plan)
	if w == nil || !w.mu.TryLock() {
		return text
	}
	defer w.mu.Unlock()
	return text + "what happened last:\n" + Outcome{entries: w.log[max(0, len(w.log)-40):]}.Log()
}

// bubbled runs f in a bubble, and tells what is left over when it has returned
// and time stands still.
func bubbled(t *testing.T, f func()) (problem string) {
	defer func() {
		if p := recover(); p != nil {
			problem = fmt.Sprintf("%v: %s", p, leftOver())
		}
	}()
	synctest.Test(t, func(*testing.T) { f() })
	return ""
}

// shrinkTries is how often a shorter plan is played before it is taken to be
// well: a plan does not always play alike, since goroutines that wake at the
// same time run in any order, and sessions draw their own lots.
const shrinkTries = 3

// Shrink leaves out of a plan what it does not take to break a rule, for as
// long as limit, and returns the outcome of the shortest plan that does.
func Shrink(t *testing.T, found Outcome, with Collaborators, limit time.Duration) Outcome {
	t.Helper()
	rule := found.Findings[0].Rule
	end := time.Now().Add(limit)
	fails := func(plan Plan) (Outcome, bool) {
		for range shrinkTries {
			if o := Play(t, plan, with).of(rule); o.Failed() {
				return o, true
			}
		}
		return Outcome{}, false
	}
	for size := max(len(found.Plan.Actions)/2, 1); size >= 1; size /= 2 {
		for from := 0; from < len(found.Plan.Actions) && time.Now().Before(end); {
			shorter := found.Plan
			shorter.Actions = slices.Delete(slices.Clone(shorter.Actions), from, min(from+size, len(shorter.Actions)))
			if o, still := fails(shorter); still {
				found = o
			} else {
				from += size
			}
		}
	}
	for n := 1; n < len(found.Plan.Processes) && time.Now().Before(end); n++ {
		smaller := found.Plan
		smaller.Processes = smaller.Processes[:n]
		if slices.ContainsFunc(smaller.Actions, func(a Action) bool { return a.Process >= n }) {
			continue
		}
		if o, still := fails(smaller); still {
			found = o
			break
		}
	}
	for i := range found.Plan.Processes {
		simpler := found.Plan
		simpler.Processes = slices.Clone(simpler.Processes)
		simpler.Processes[i] = Setup{}
		if time.Now().Before(end) {
			if o, still := fails(simpler); still {
				found = o
			}
		}
	}
	return found
}
