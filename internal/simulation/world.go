package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// world is one running simulation, in a synctest bubble.
type world struct {
	plan Plan
	with Collaborators
	// start is when the bubble began. The bubble's clock is the monotonic clock.
	// leap is how long the machine has slept; wall clocks are ahead by that.
	start  time.Time
	healed chan struct{} // closed when all faults end

	mu        sync.Mutex // guards the fields below, and the store, the accounts service and the oracle
	random    *rand.Rand
	leap      time.Duration
	store     *store
	spotify   *spotify
	oracle    *oracle
	processes []*process // the current life of each process
	running   map[*call]bool
	log       []entry
}

// moment is a time on the monotonic clock, counted from the start.
type moment = time.Duration

// span is the time from one moment to another.
type span struct{ from, to moment }

const forever moment = 1 << 62

// entry is a line of the log that is formatted later.
type entry struct {
	at     moment
	who    string
	format string
	args   []any
}

func newWorld(plan Plan, with Collaborators) *world {
	w := &world{
		plan: plan, with: with,
		start:   time.Now(),
		healed:  make(chan struct{}),
		random:  rand.New(rand.NewPCG(plan.Seed, 1)),
		running: make(map[*call]bool),
	}
	w.store = newStore(w, plan.Lease)
	w.spotify = newSpotify(w)
	w.oracle = &oracle{world: w}
	w.processes = make([]*process, len(plan.Processes))
	for i := range plan.Processes {
		w.startProcess(i)
	}
	return w
}

// now returns the current moment.
func (w *world) now() moment { return time.Since(w.start) }

// wall returns the right time. w.mu is held.
func (w *world) wall() time.Time { return time.Now().Add(w.leap) }

// note adds a line to the log. w.mu is held.
func (w *world) note(who, format string, args ...any) {
	w.log = append(w.log, entry{w.now(), who, format, args})
}

// locked runs f with w.mu held.
func (w *world) locked(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// between returns a random duration. w.mu is held.
func (w *world) between(from, to time.Duration) time.Duration {
	return from + time.Duration(w.random.Int64N(int64(to-from)))
}

// wait waits until d has passed. It returns false if all faults end before.
func (w *world) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.healed:
		return false
	}
}

// run plays the plan, ends all faults, and lets the oracle check the result.
func (w *world) run() {
	for _, a := range w.plan.Actions {
		time.Sleep(a.At - w.now())
		w.act(a)
	}
	time.Sleep(w.plan.Rest)
	w.settle()
	w.end()
}

// act starts an action.
func (w *world) act(a Action) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch a.Kind {
	case CallToken, CallRefreshToken, CallAPI, CallLoad, CallLogin, CallSetToken, CallSetRecord, CallFetchToken, CallLogout:
		p := w.processes[a.Process]
		if p.gone() {
			return
		}
		go p.use(a)
		return
	}
	w.note("--", "%s", actionText{a})
	switch a.Kind {
	case Kill:
		if p := w.processes[a.Process]; !p.dead {
			p.kill()
			w.restart(p, a.For)
		}
	case Close:
		if p := w.processes[a.Process]; !p.gone() {
			p.closing = true
			go func() {
				p.close()
				w.restart(p, a.For)
			}()
		}
	case Suspend, SuspendWithClock:
		w.processes[a.Process].suspend(a.For, a.Kind == SuspendWithClock)
	case SetClock:
		w.processes[a.Process].setClock(a.For)
	case StoreDown, StoreHangs, StoreSlow, StoreReadOnly:
		w.each(a.Process, func(p *process) { p.client.trouble(a.Kind, a.For) })
	case StoreFault:
		w.each(a.Process, func(p *process) { p.client.strike(a.Call, a.Fault, a.Count) })
	case StoreFallsBack:
		w.store.fallBack(w.now() - a.For)
	case StoreIsWiped:
		w.store.wipe()
	case Logout:
		w.store.logout(nil, usersKey)
	case WatchBreaks:
		w.each(a.Process, func(p *process) { p.client.stopWatching() })
	case TokenFault, APIRefuses, ShortLives:
		w.spotify.strike(a)
	case Revoke:
		w.spotify.revokeAll()
	case MachineSleeps:
		w.sleep(a.For)
	}
}

// each calls f for the process with an index, or for all. w.mu is held.
func (w *world) each(index int, f func(*process)) {
	for i, p := range w.processes {
		if index == i || index == Everybody {
			f(p)
		}
	}
}

// sleep makes the machine sleep. The wall clocks, the accounts service and the store
// go on, but no process does. w.mu is held.
func (w *world) sleep(d time.Duration) {
	w.leap += d
	w.store.slept(d)
	w.oracle.slept()
}

// restart starts an ended process again, some time later.
func (w *world) restart(ended *process, after time.Duration) {
	go func() {
		w.wait(after)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.processes[ended.index] == ended {
			w.startProcess(ended.index)
		}
	}()
}

// settle ends all faults, and waits until the sessions have recovered.
func (w *world) settle() {
	w.locked(func() {
		w.note("--", troubleEnds)
		close(w.healed)
		w.spotify.heal()
		for _, p := range w.processes {
			p.heal()
		}
	})
	// Nobody calls a session here. Unsaved tokens must be saved anyway.
	time.Sleep(quiet)
	w.locked(w.oracle.checkSaved)
	// These processes know only what the store has.
	w.locked(func() {
		w.add(Setup{})
		if w.plan.hasApps() {
			w.add(Setup{App: true})
		}
	})
	for round := range 3 {
		if round == 1 {
			w.signAppOut()
		}
		for range 2 { // in the first round a session learns what the others know
			for _, p := range w.processes {
				p.use(Action{Kind: CallLoad, For: time.Minute})
			}
			for _, p := range w.processes {
				p.useUntilWell()
			}
		}
		time.Sleep(w.plan.Lifetime + 10*time.Second)
	}
	for range 2 {
		for _, p := range w.processes {
			p.useUntilWell()
		}
	}
	for _, p := range w.processes {
		p.use(Action{Kind: CallLoad, For: time.Minute})
	}
	w.locked(w.oracle.checkEnd)
}

// add starts a process that is not in the plan. w.mu is held.
func (w *world) add(s Setup) {
	w.processes = append(w.processes, nil)
	w.plan.Processes = append(w.plan.Processes, s)
	w.startProcess(len(w.processes) - 1)
}

// quiet is how long a session may take to save an unsaved token after the store
// works again, while nobody calls it.
const quiet = 5 * time.Minute

// end closes all sessions. Goroutines that still run a while later are a fault.
func (w *world) end() {
	var all sync.WaitGroup
	for _, p := range w.processes {
		all.Go(p.close)
	}
	all.Wait()
	time.Sleep(2 * time.Minute)
	w.locked(func() {
		for c := range w.running {
			w.oracle.find("late-return", c.process, "%s, called at %s, has not returned", c.name, clock(c.began))
		}
	})
}

// call is an unfinished call of a session.
type call struct {
	process *process
	name    string
	began   moment
}

// pause waits for d. It returns an error if ctx ends first or the process dies.
func (p *process) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.died:
		return errDead
	}
}

type actionText struct{ Action }

func (a actionText) String() string {
	a.At = 0
	text := a.Action.String()
	return text[min(len(text), len(fmt.Sprintf("%-14s ", a.At))):]
}
