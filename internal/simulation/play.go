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

// stuckAfter is how long a plan may take in real time. Plans usually take
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

// bubbled runs f in a bubble. It describes the goroutines that are left when f has
// returned and nothing can wake them.
func bubbled(t *testing.T, f func()) (problem string) {
	defer func() {
		if p := recover(); p != nil {
			problem = fmt.Sprintf("%v: %s", p, leftOver())
		}
	}()
	synctest.Test(t, func(*testing.T) { f() })
	return ""
}

// shrinkTries is how often a shorter plan must pass before it counts as passing. A
// plan does not run the same way each time: goroutines that wake at the same time run
// in any order, and sessions use random numbers.
const shrinkTries = 3

// Shrink removes actions from a plan while it still breaks the rule of its first
// finding. It tries for as long as limit, and returns the outcome of the shortest
// plan that breaks the rule.
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
		simpler.Processes[i] = Setup{App: found.Plan.Processes[i].App, AtUsersKey: found.Plan.Processes[i].AtUsersKey}
		if time.Now().Before(end) {
			if o, still := fails(simpler); still {
				found = o
			}
		}
	}
	return found
}
