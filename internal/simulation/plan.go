package simulation

import (
	"fmt"
	"strings"
	"time"
)

// Plan is everything that happens in one simulation. It is plain data: it can be
// printed, and any part of its actions is a plan too.
type Plan struct {
	Seed uint64
	// Lifetime is the lifetime of access tokens.
	Lifetime time.Duration
	// Rotation says when the accounts service replaces a refresh token.
	Rotation Rotation
	// Lease is how long the store keeps a lock whose holder is out of reach. 0
	// means a kernel lock, which ends only with its process.
	Lease time.Duration
	// Coarse makes the store keep times in whole microseconds, as PostgreSQL
	// does.
	Coarse bool
	// Processes says how each process is set up.
	Processes []Setup
	Actions   []Action
	// Rest is how long faults go on after the last action.
	Rest time.Duration
}

// Rotation says when the accounts service replaces a refresh token at its use.
type Rotation int

// The values of Rotation.
const (
	RotateAlways Rotation = iota
	RotateSometimes
	RotateNever
)

func (r Rotation) String() string {
	return [...]string{"at each use", "at every other use", "never"}[r]
}

// Setup says how a process is set up, each time it starts.
type Setup struct {
	App           bool     // its session is the app's own, of the client credentials flow
	AtUsersKey    bool     // that session has the user's key by mistake
	Watch         bool     // it runs Session.Watch
	Updated       Listener // its token-updated listener, besides the one that observes
	UpdatedFirst  bool     // that listener is called before the one that observes
	Expired       Listener // its token-expired listener
	ListenerTakes time.Duration
}

func (s Setup) String() string {
	var parts []string
	switch {
	case s.AtUsersKey:
		parts = append(parts, "a session of the app, with the user's key")
	case s.App:
		parts = append(parts, "a session of the app")
	}
	if s.Watch {
		parts = append(parts, "watches")
	}
	if s.Updated != ListenerNone {
		order := "after"
		if s.UpdatedFirst {
			order = "before"
		}
		parts = append(parts, fmt.Sprintf("a token-updated listener %s, %s the observing one", s.Updated.describe(s.ListenerTakes), order))
	}
	if s.Expired != ListenerNone {
		parts = append(parts, fmt.Sprintf("a token-expired listener %s", s.Expired.describe(s.ListenerTakes)))
	}
	if parts == nil {
		return "nothing special"
	}
	return strings.Join(parts, "; ")
}

// Listener is what a listener does.
type Listener int

// The values of Listener.
const (
	ListenerNone Listener = iota
	ListenerSlow
	ListenerPanics
	ListenerExits
	ListenerSetsToken
	ListenerAsks
	listeners
)

func (l Listener) describe(takes time.Duration) string {
	switch l {
	case ListenerSlow:
		return fmt.Sprintf("takes %s", takes)
	case ListenerPanics:
		return "panics"
	case ListenerExits:
		return "ends its goroutine"
	case ListenerSetsToken:
		return "sets another token, once"
	case ListenerAsks:
		return "calls Token"
	}
	return "does nothing"
}

// Action is one thing that happens at a time after the start.
type Action struct {
	At   time.Duration
	Kind Kind
	// Process is the index of the process it happens to; Everybody stands for
	// all.
	Process int
	// For is how long the action lasts, how long a caller waits (0: without
	// limit), or how far a clock is moved.
	For time.Duration
	// Count is how often a fault strikes.
	Count int
	Fault Fault // of a store call or a token request
	Call  Call  // the store call that a fault strikes
}

// Everybody as the Process of an action means all processes.
const Everybody = -1

// Kind says what an action does.
type Kind int

// The values of Kind.
const (
	// A program uses its session.
	CallToken Kind = iota
	CallRefreshToken
	CallAPI
	CallLoad
	CallLogin
	CallSetToken
	CallSetRecord
	CallFetchToken // of a session of the app
	CallLogout     // likewise

	// A process ends and starts again, is suspended, or its clock is set.
	Kill
	Close
	Suspend
	SuspendWithClock
	SetClock

	// The store fails.
	StoreDown
	StoreHangs
	StoreSlow
	StoreReadOnly
	StoreFault
	StoreFallsBack
	StoreIsWiped
	Logout
	WatchBreaks

	// The accounts service and the Web API fail.
	TokenFault
	APIRefuses
	Revoke
	ShortLives

	// The machine with all processes sleeps.
	MachineSleeps
)

func (a Action) String() string {
	who := fmt.Sprintf("process %d", a.Process)
	if a.Process == Everybody {
		who = "everybody"
	}
	limit := "without a limit"
	if a.For > 0 {
		limit = fmt.Sprintf("and waits %s at most", a.For)
	}
	text := ""
	switch a.Kind {
	case CallToken:
		text = fmt.Sprintf("%s calls Token %s", who, limit)
	case CallRefreshToken:
		text = fmt.Sprintf("%s calls RefreshToken %s", who, limit)
	case CallAPI:
		text = fmt.Sprintf("%s calls the Web API %s", who, limit)
	case CallLoad:
		text = fmt.Sprintf("%s calls Load %s", who, limit)
	case CallLogin:
		text = fmt.Sprintf("the user signs in at %s, which calls FetchToken %s", who, limit)
	case CallSetToken:
		text = fmt.Sprintf("%s calls SetToken with a token from elsewhere %s", who, limit)
	case CallSetRecord:
		text = fmt.Sprintf("%s calls SetRecord with a login from elsewhere %s", who, limit)
	case CallFetchToken:
		text = fmt.Sprintf("%s calls FetchToken %s", who, limit)
	case CallLogout:
		text = fmt.Sprintf("%s calls Logout %s", who, limit)
	case Kill:
		text = fmt.Sprintf("%s is killed and starts again %s later", who, a.For)
	case Close:
		text = fmt.Sprintf("%s closes its session and starts again %s later", who, a.For)
	case Suspend:
		text = fmt.Sprintf("%s stands still for %s", who, a.For)
	case SuspendWithClock:
		text = fmt.Sprintf("%s stands still for %s, and so does its clock", who, a.For)
	case SetClock:
		text = fmt.Sprintf("the clock of %s is set to %s from the right time", who, a.For)
	case StoreDown:
		text = fmt.Sprintf("the store refuses %s for %s", who, a.For)
	case StoreHangs:
		text = fmt.Sprintf("the store answers %s nothing for %s", who, a.For)
	case StoreSlow:
		text = fmt.Sprintf("the store is slow for %s for %s", who, a.For)
	case StoreReadOnly:
		text = fmt.Sprintf("the store cannot write for %s for %s", who, a.For)
	case StoreFault:
		text = fmt.Sprintf("the next %d × %s of %s: %s", a.Count, a.Call, who, a.Fault)
	case StoreFallsBack:
		text = fmt.Sprintf("the store falls back to what it was %s ago", a.For)
	case StoreIsWiped:
		text = "the store comes back empty"
	case Logout:
		text = "the user signs out: the record is deleted"
	case WatchBreaks:
		text = fmt.Sprintf("the store stops telling %s of changes", who)
	case TokenFault:
		text = fmt.Sprintf("the next %d token requests%s: %s", a.Count, a.whose(), a.Fault)
		if a.For > 0 {
			text += fmt.Sprintf(" (%s)", a.For)
		}
	case APIRefuses:
		text = fmt.Sprintf("the Web API answers 401 to the next %d requests%s", a.Count, a.whose())
	case Revoke:
		text = "the user removes the app on their account page"
	case ShortLives:
		text = fmt.Sprintf("the next %d access tokens%s live for %s", a.Count, a.whose(), a.For)
	case MachineSleeps:
		text = fmt.Sprintf("the machine sleeps for %s", a.For)
	}
	return fmt.Sprintf("%-14s %s", a.At, text)
}

// whose tells which requests an action of the accounts service strikes.
func (a Action) whose() string {
	if a.Process == Everybody {
		return ""
	}
	return fmt.Sprintf(" of sessions like that of process %d", a.Process)
}

// Call is a method of a store.
type Call int

// The methods of a store.
const (
	LoadCall Call = iota
	SwapCall
	LockCall
	CheckCall
	UnlockCall
	WatchCall
	calls
)

func (c Call) String() string {
	return [...]string{"Load", "Swap", "Lock", "Check", "unlock", "Watch"}[c]
}

// Fault is what goes wrong with a store call or a token request. The faults named
// "After" come after the call has taken effect.
type Fault int

// The values of Fault.
const (
	NoFault Fault = iota

	FailBefore // an error, and no effect
	FailAfter  // an error, but the effect
	HangBefore // no answer and no effect
	HangAfter  // no answer, but the effect
	LateEffect // no answer, and the effect after the caller has left
	SlowCall   // an answer, late
	storeFaults

	TooManyRequests // 429 with Retry-After
	Unavailable     // 503, and no effect
	GatewayFailed   // 502, but the effect
	CutBefore
	CutAfter
	SlowBefore // a late effect
	SlowAfter  // a late answer
	GarbageBefore
	GarbageAfter
	tokenFaults
)

func (f Fault) String() string {
	return map[Fault]string{
		NoFault:         "work",
		FailBefore:      "fail",
		FailAfter:       "fail after they took effect",
		HangBefore:      "get no answer",
		HangAfter:       "take effect and get no answer",
		LateEffect:      "get no answer and take effect later",
		SlowCall:        "are slow",
		TooManyRequests: "429 with Retry-After",
		Unavailable:     "503",
		GatewayFailed:   "502 after they took effect",
		CutBefore:       "the connection is cut",
		CutAfter:        "the connection is cut after they took effect",
		SlowBefore:      "take effect late",
		SlowAfter:       "are answered late",
		GarbageBefore:   "200 and no token",
		GarbageAfter:    "200 and half of the token",
	}[f]
}

// String returns the plan as text, one line for each action.
func (p Plan) String() string {
	var b strings.Builder
	lock := fmt.Sprintf("leases of %s", p.Lease)
	if p.Lease == 0 {
		lock = "locks of the kernel"
	}
	fmt.Fprintf(&b, "access tokens live for %s, refresh tokens are replaced %s; the store has %s", p.Lifetime, p.Rotation, lock)
	if p.Coarse {
		b.WriteString(" and whole microseconds")
	}
	b.WriteString("\n")
	for i, setup := range p.Processes {
		fmt.Fprintf(&b, "process %d: %s\n", i, setup)
	}
	for _, a := range p.Actions {
		fmt.Fprintf(&b, "  %s\n", a)
	}
	fmt.Fprintf(&b, "  %s later all trouble ends\n", p.Rest)
	return b.String()
}
