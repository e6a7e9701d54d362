package simulation

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestWhatNoSessionCanPreventIsNoFault plays losses that the protocol or the store
// makes unavoidable. The oracle must see them and report no fault.
func TestWhatNoSessionCanPreventIsNoFault(t *testing.T) {
	const renewal = 70 * time.Minute
	two := Plan{Seed: 1, Lifetime: time.Hour, Rotation: RotateAlways, Processes: make([]Setup, 2), Rest: time.Minute}
	login := Action{At: time.Second, Kind: CallLogin}
	ask := func(at time.Duration, process int) Action { return Action{At: at, Kind: CallToken, Process: process} }
	for name, test := range map[string]struct {
		plan     Plan
		happened string // in the log
	}{
		"the answer of a renewal is lost": {with(two, login,
			Action{At: renewal - 1, Kind: TokenFault, Fault: CutAfter, Count: 1},
			ask(renewal, 0), ask(renewal+2*time.Second, 0)), "revokes grant 1"},
		"the answer of a renewal is half there": {with(two, login,
			Action{At: renewal - 1, Kind: TokenFault, Fault: GarbageAfter, Count: 1},
			ask(renewal, 0), ask(renewal+2*time.Second, 1)), "revokes grant 1"},
		"a process dies before it has saved": {with(two, login,
			Action{At: renewal - 1, Kind: StoreFault, Call: SwapCall, Fault: HangBefore, Count: 1},
			ask(renewal, 0), Action{At: renewal + 3*time.Second, Kind: Kill, For: time.Hour},
			ask(renewal+10*time.Second, 1)), "revokes grant 1"},
		"a process dies while it is answered": {with(two, login,
			Action{At: renewal - 1, Kind: TokenFault, Fault: SlowAfter, For: 5 * time.Second, Count: 1},
			ask(renewal, 0), Action{At: renewal + 3*time.Second, Kind: Kill, For: time.Hour},
			ask(renewal+10*time.Second, 1)), "revokes grant 1"},
		"a process stands still while it is answered": {with(leased(two, 3*time.Second), login,
			Action{At: renewal - 1, Kind: TokenFault, Fault: SlowAfter, For: 5 * time.Second, Count: 1},
			ask(renewal, 0), Action{At: renewal + 3*time.Second, Kind: Suspend, For: time.Minute},
			ask(renewal+10*time.Second, 1)), "revokes grant 1"},
		"the store falls back, and who knew better is dead": {with(two, login, ask(renewal, 0),
			Action{At: renewal + 5*time.Second, Kind: Kill, For: time.Second},
			Action{At: renewal + 6*time.Second, Kind: StoreFallsBack, Process: Everybody, For: time.Minute},
			ask(renewal+65*time.Minute, 1)), "revokes grant 1"},
		"a login dies with its process before it could be saved": {with(two, login,
			Action{At: renewal - 1, Kind: StoreFault, Call: SwapCall, Fault: HangBefore, Count: 1},
			Action{At: renewal, Kind: CallLogin}, Action{At: renewal + 3*time.Second, Kind: Kill, For: time.Second}),
			"grant 2 is lost"},
		"a logout is forgotten by the store": {with(two, login,
			Action{At: renewal, Kind: Logout},
			Action{At: renewal + time.Second, Kind: StoreFallsBack, Process: Everybody, For: time.Minute}),
			"the store falls back"},
		"an app takes the user's place after the store was wiped": {with(besideApp(two), login,
			Action{At: renewal, Kind: StoreIsWiped, Process: Everybody},
			Action{At: renewal + time.Second, Kind: CallToken, Process: 2}), "it was obtained by the flow"},
		"a login takes the place of an app": {with(besideApp(two),
			Action{At: time.Second, Kind: CallToken, Process: 2},
			Action{At: time.Minute, Kind: CallLogin}), "it was obtained by the flow"},
	} {
		t.Run(name, func(t *testing.T) {
			o := Play(t, test.plan, Collaborators{})
			if o.Failed() {
				t.Error(o.Report())
			}
			if !strings.Contains(o.Log(), test.happened) {
				t.Errorf("it has not happened: there is no %q in\n%s", test.happened, o.Log())
			}
		})
	}
}

// besideApp adds a session of the app with the user's key.
func besideApp(p Plan) Plan {
	p.Processes = append(p.Processes[:len(p.Processes):len(p.Processes)], Setup{App: true, AtUsersKey: true})
	return p
}

func leased(p Plan, lease time.Duration) Plan {
	p.Lease = lease
	return p
}

func TestSeedMakesTheSamePlanEachTime(t *testing.T) {
	for seed := range uint64(100) {
		if a, b := NewPlan(seed), NewPlan(seed); !reflect.DeepEqual(a, b) {
			t.Fatalf("seed %d makes two plans:\n%s\n%s", seed, a, b)
		}
	}
	if reflect.DeepEqual(NewPlan(1).Actions, NewPlan(2).Actions) {
		t.Error("two seeds make one plan")
	}
}

// TestReportTellsHowToPlayAgain checks the report of a plan that fails. The plan
// must be shortened to the actions that make it fail, and the report must list them.
func TestReportTellsHowToPlayAgain(t *testing.T) {
	twice := sending(sendTwice)
	plan := with(Plan{Seed: 7, Lifetime: time.Hour, Rotation: RotateAlways, Processes: make([]Setup, 3)},
		Action{At: time.Second, Kind: CallLogin},
		Action{At: 20 * time.Minute, Kind: CallAPI, Process: 1},
		Action{At: 70 * time.Minute, Kind: CallToken},
		Action{At: 75 * time.Minute, Kind: StoreSlow, For: time.Minute})
	o := Play(t, plan, twice)
	if !o.Has("sent-twice") {
		t.Fatalf("nothing found:\n%s", o.Log())
	}
	o = Shrink(t, o.of("sent-twice"), twice, 10*time.Second)
	if n := len(o.Plan.Actions); n != 1 {
		t.Errorf("%d actions are left, want only the login: the simulation itself asks for the token after it:\n%s", n, o.Plan)
	}
	report := o.Report()
	for _, want := range []string{"-seed=7", "sent-twice: ", "the user signs in at process 0", "asks for a token with R1.1", "FAULT sent-twice"} {
		if !strings.Contains(report, want) {
			t.Errorf("%q is not in the report:\n%s", want, report)
		}
	}
}
