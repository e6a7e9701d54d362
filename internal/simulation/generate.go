package simulation

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// NewPlan makes the plan for a seed.
func NewPlan(seed uint64) Plan {
	g := generator{Rand: rand.New(rand.NewPCG(seed, 0x5370_6f74_6970_6965))}
	return g.plan(seed)
}

// generator makes plans.
type generator struct {
	*rand.Rand
	apps      bool // the actions are those of sessions of the app
	first     int  // the first process that they strike
	processes int  // how many they strike
	lifetime  time.Duration
}

func (g *generator) plan(seed uint64) Plan {
	g.processes = 1 + g.IntN(4)
	g.lifetime = pick(g, time.Minute, 5*time.Minute, time.Hour, time.Hour)
	p := Plan{
		Seed:     seed,
		Lifetime: g.lifetime,
		Rotation: pick(g, RotateAlways, RotateAlways, RotateAlways, RotateSometimes, RotateNever),
		Lease:    pick(g, 0, 3*time.Second, 10*time.Second, 30*time.Second),
		Coarse:   g.IntN(2) == 0,
	}
	for range g.processes {
		p.Processes = append(p.Processes, g.setup())
	}
	p.Actions = g.actions(4 + g.IntN(32))
	p.Rest = pick(g, 0, g.duration(0, time.Second), g.duration(0, 2*time.Minute))
	g.addApps(&p)
	return p
}

// addApps adds sessions of the app to every third plan: some that share a key of their
// own, and sometimes one that has the user's key by mistake. It draws from the seed last,
// and what it adds strikes only sessions of the app. So the rest of the plan is the same
// as without it.
func (g *generator) addApps(p *Plan) {
	if g.IntN(3) > 0 {
		return
	}
	g.apps, g.first, g.processes = true, g.processes, 1+g.IntN(3)
	for i := range g.processes {
		s := g.setup()
		s.App, s.AtUsersKey = true, i == 0 && g.IntN(3) == 0
		p.Processes = append(p.Processes, s)
	}
	p.Actions = append(p.Actions, g.actions(2+g.IntN(20))...)
	slices.SortStableFunc(p.Actions, byTime)
}

func byTime(a, b Action) int { return cmp.Compare(a.At, b.At) }

func (g *generator) setup() Setup {
	s := Setup{Watch: g.IntN(2) == 0}
	if g.IntN(3) == 0 {
		s.Updated = Listener(1 + g.IntN(int(listeners)-1))
		s.UpdatedFirst = g.IntN(2) == 0
	}
	if g.IntN(5) == 0 {
		s.Expired = Listener(1 + g.IntN(int(listeners)-1))
	}
	s.ListenerTakes = g.duration(time.Second, 25*time.Second)
	if g.apps {
		s.Updated, s.Expired = s.Updated.ofApp(), s.Expired.ofApp()
	}
	return s
}

// ofApp returns what a listener of a session of the app does: nobody gives such a session
// a token.
func (l Listener) ofApp() Listener {
	if l == ListenerSetsToken {
		return ListenerAsks
	}
	return l
}

// actions returns a login and n more actions, in bursts around the times at
// which tokens expire.
func (g *generator) actions(n int) []Action {
	at := time.Second
	list := []Action{{At: at, Kind: CallLogin, Process: g.first}}
	if g.apps {
		list[0].Kind = CallFetchToken
	}
	for len(list) <= n {
		switch g.IntN(6) {
		case 0:
			at += g.duration(0, 20*time.Millisecond)
		case 1, 2:
			at += g.duration(0, 3*time.Second)
		case 3:
			at += g.duration(3*time.Second, 40*time.Second)
		case 4:
			at += g.duration(g.lifetime*3/4, g.lifetime*5/4)
		case 5:
			at += pick(g, 0, g.duration(g.lifetime, g.lifetime*5/4))
			list = append(list, g.burst(at)...)
			for range g.IntN(4) { // faults while they get it
				a := g.trouble()
				a.At = max(at+g.duration(-2*time.Second, time.Second)/time.Duration(1+g.IntN(20)), 0)
				list = append(list, a)
			}
			continue
		}
		a := g.action()
		a.At = at
		list = append(list, a)
	}
	slices.SortStableFunc(list, byTime)
	return list
}

// burst makes all processes need a token at about the same time.
func (g *generator) burst(at time.Duration) []Action {
	var list []Action
	for i := range g.processes {
		list = append(list, Action{
			At: at + g.duration(0, 30*time.Millisecond), Process: g.first + i,
			Kind: pick(g, CallToken, CallToken, CallAPI, CallRefreshToken), For: g.patience(),
		})
	}
	return list
}

func (g *generator) action() Action {
	a := Action{Process: g.process()}
	switch n := g.IntN(100); {
	case n < 30:
		a.Kind, a.For = pick(g, CallToken, CallToken, CallToken, CallAPI, CallAPI, CallRefreshToken, CallLoad), g.patience()
	case n < 36:
		a.Kind, a.For = g.decision(), g.patience()
	default:
		return g.trouble()
	}
	return a
}

func (g *generator) process() int { return g.first + g.IntN(g.processes) }

// decision is a call by which a session signs in or out.
func (g *generator) decision() Kind {
	if g.apps {
		return pick(g, CallFetchToken, CallSetToken, CallLogout, CallLogout)
	}
	return pick(g, CallLogin, CallLogin, CallSetToken, CallSetRecord)
}

func (g *generator) trouble() Action {
	a := Action{Process: g.process()}
	switch n := g.IntN(64); {
	case n < 5:
		a.Kind, a.For = Kill, g.duration(0, 20*time.Second)
	case n < 9:
		a.Kind, a.For = Close, g.duration(0, 20*time.Second)
	case n < 13:
		a.Kind, a.For = pick(g, Suspend, Suspend, SuspendWithClock), g.duration(time.Second, 2*time.Minute)
	case n < 17:
		a.Kind, a.For = SetClock, g.skew()
	case n < 40:
		g.storeTrouble(&a)
	case n < 59:
		g.serviceTrouble(&a)
	case n < 62:
		a.Kind, a.For = MachineSleeps, g.duration(time.Second, 2*g.lifetime)
	default:
		a.Kind = Logout
	}
	if g.apps {
		g.confine(&a)
	}
	return a
}

// confine makes an action strike sessions of the app alone.
func (g *generator) confine(a *Action) {
	switch a.Kind {
	case StoreFallsBack, StoreIsWiped, Revoke, MachineSleeps, Logout:
		*a = Action{Kind: CallLogout, Process: g.process()}
	default:
		if a.Process == Everybody {
			a.Process = g.process()
		}
	}
}

func (g *generator) storeTrouble(a *Action) {
	if g.IntN(3) == 0 {
		a.Process = Everybody
	}
	switch n := g.IntN(100); {
	case n < 35:
		a.Kind = pick(g, StoreDown, StoreHangs, StoreSlow, StoreReadOnly)
		a.For = pick(g, g.duration(50*time.Millisecond, time.Second), g.duration(time.Second, 15*time.Second), g.duration(15*time.Second, 5*time.Minute))
	case n < 85:
		a.Kind, a.Count = StoreFault, 1+g.IntN(3)
		a.Call = pick(g, LoadCall, LoadCall, SwapCall, SwapCall, SwapCall, LockCall, CheckCall, UnlockCall, WatchCall)
		a.Fault = FailBefore + Fault(g.IntN(int(storeFaults-FailBefore)))
	case n < 91:
		a.Kind, a.For, a.Process = StoreFallsBack, g.duration(time.Second, 2*g.lifetime), Everybody
	case n < 94:
		a.Kind, a.Process = StoreIsWiped, Everybody
	default:
		a.Kind = WatchBreaks
	}
}

func (g *generator) serviceTrouble(a *Action) {
	a.Process = Everybody
	switch n := g.IntN(100); {
	case n < 75:
		a.Kind, a.Count = TokenFault, 1+g.IntN(3)
		a.Fault = TooManyRequests + Fault(g.IntN(int(tokenFaults-TooManyRequests)))
		switch a.Fault {
		case TooManyRequests:
			a.For = g.duration(time.Second, 2*time.Minute).Round(time.Second)
		case SlowBefore, SlowAfter:
			a.For = g.duration(time.Second, 20*time.Second)
		}
	case n < 92:
		a.Kind, a.Count = APIRefuses, 1+g.IntN(2)
	case n < 95:
		a.Kind = Revoke
	default:
		a.Kind, a.Count, a.For = ShortLives, 1+g.IntN(2), pick(g, 0, time.Second, 2*time.Second, 5*time.Second)
	}
}

// patience is how long a caller waits; 0 means without a limit.
func (g *generator) patience() time.Duration {
	return pick(g, 0, 0, g.duration(time.Millisecond, time.Second), g.duration(time.Second, 40*time.Second))
}

// skew is how wrong a clock is. Often it is right.
func (g *generator) skew() time.Duration {
	return pick(g, 0, g.duration(-5*time.Hour, 5*time.Hour), g.duration(-g.lifetime, g.lifetime), g.duration(-20*time.Second, 20*time.Second))
}

func (g *generator) duration(from, to time.Duration) time.Duration {
	d := from + time.Duration(g.Int64N(int64(to-from)))
	if to-from > time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Microsecond)
}

func pick[T any](g *generator, choices ...T) T { return choices[g.IntN(len(choices))] }
