package simulation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"time"

	"github.com/spotipie/spotipie"
)

// Collaborators are parts that tests replace with broken ones, to see whether the
// simulation notices. Each function returns the replacement for its argument. A nil
// function replaces nothing.
type Collaborators struct {
	Store     func(spotipie.Store) spotipie.Store
	Transport func(http.RoundTripper) http.RoundTripper
	Now       func(now func() time.Time) func() time.Time
	Session   func(Session) Session
}

// Session has the methods of a session that the simulation uses.
type Session interface {
	AuthorizationURL(*spotipie.AuthorizationURLOptions) (authorizationURL, state string, err error)
	FetchToken(ctx context.Context, callbackURL string) (*spotipie.Token, error)
	SetToken(context.Context, *spotipie.Token) error
	SetRecord(context.Context, spotipie.Record) error
	Load(context.Context) (*spotipie.Token, error)
	Watch(context.Context) error
	CurrentToken() *spotipie.Token
	Token(context.Context) (*spotipie.Token, error)
	RefreshToken(context.Context) (*spotipie.Token, error)
	Request(ctx context.Context, method, url string, opts *spotipie.RequestOptions) (*http.Response, error)
	OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error) (remove func())
	OnTokenExpired(func(context.Context, spotipie.TokenExpired) error) (remove func())
	OnLoggedOut(func(context.Context, spotipie.LoggedOut) error) (remove func())
	Logout(context.Context) error
	Close(context.Context) error
}

// process is one life of a process: a new session and a clock.
type process struct {
	world   *world
	index   int
	name    string
	setup   Setup
	key     spotipie.Key
	client  *client
	session Session
	died    chan struct{} // closed when the process ends
	watched chan struct{} // closed when Watch has returned and is not called again
	unwatch context.CancelFunc
	remove  func() // removes the observing listener

	// The world's mutex guards what follows.
	skew       time.Duration // of its clock
	dead       bool
	deadSince  moment
	closing    bool
	wasWrong   bool   // its clock was wrong at some time
	closed     bool   // Close has returned
	closedWell bool   // without an error
	removedAt  moment // when the observing listener was removed, or forever
	tokenSet   bool   // a listener has set a token, which happens once
	awake      chan struct{}
	asleep     []span // when it was suspended
	cut        []span // when it was suspended or could not reach the store
	hung       []span // when the store answered it late or not at all, or could not write
	inTheWay   bool   // its latest Swap met another version, which it has not loaded yet
	lastErr    error  // of the latest call
	unwell     error  // of the latest call of the Web API, after all faults have ended

	knowledge
}

// startProcess begins a life of a process. w.mu is held.
func (w *world) startProcess(index int) {
	life := 1
	if old := w.processes[index]; old != nil {
		_, _ = fmt.Sscanf(old.name[len(fmt.Sprint("process ", index)):], ".%d", &life)
		life++
	}
	p := &process{
		world: w, index: index, name: fmt.Sprintf("process %d.%d", index, life), setup: w.plan.Processes[index],
		died: make(chan struct{}), watched: make(chan struct{}), knowledge: newKnowledge(), removedAt: forever,
	}
	p.key = p.setup.key()
	p.client = newClient(p, w.store)
	p.open()
	w.processes[index] = p
	p.listen()
	ctx, cancel := context.WithCancel(context.Background())
	p.unwatch = cancel
	if p.setup.Watch {
		go p.watch(ctx)
	} else {
		close(p.watched)
	}
}

func (p *process) open() {
	var store spotipie.Store = p.client
	var transport http.RoundTripper = &endpoint{p, p.world.spotify}
	now := p.now
	with := p.world.with
	if with.Store != nil {
		store = with.Store(store)
	}
	if with.Transport != nil {
		transport = with.Transport(transport)
	}
	if with.Now != nil {
		now = with.Now(now)
	}
	s, err := p.setup.newSession(&spotipie.Options{
		Scope: spotipie.Scopes{scope}, Store: store, Profile: p.key.Profile, Transport: transport, Now: now,
		OnError: func(err error) { p.world.locked(func() { p.world.note(p.name, "OnError: %v", err) }) },
	})
	if err != nil {
		panic(err) // the options are the simulation's own
	}
	p.session = s
	if with.Session != nil {
		p.session = with.Session(s)
	}
}

// now returns the time by the process's clock.
func (p *process) now() time.Time {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return p.wall()
}

// wall returns the time by the process's clock. The world's mutex is held.
func (p *process) wall() time.Time { return p.world.wall().Add(p.skew) }

// gone reports whether the process has ended or is about to. The world's mutex
// is held.
func (p *process) gone() bool { return p.dead || p.closing }

// watchAgain is how long the program waits before it watches again.
const watchAgain = 5 * time.Second

func (p *process) watch(ctx context.Context) {
	defer close(p.watched)
	for {
		err := p.session.Watch(ctx)
		if ctx.Err() != nil || errors.Is(err, spotipie.ErrClosed) {
			return
		}
		if p.pause(ctx, watchAgain) != nil {
			return
		}
	}
}

// awaken waits while the process is suspended. It fails if the process is dead.
func (p *process) awaken() error {
	for {
		p.world.mu.Lock()
		dead, awake := p.dead, p.awake
		p.world.mu.Unlock()
		switch {
		case dead:
			return errDead
		case awake == nil:
			return nil
		}
		select {
		case <-awake:
		case <-p.died:
		}
	}
}

// pauseUntilHealed is pause, but ends early when all faults end.
func (p *process) pauseUntilHealed(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-p.world.healed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.died:
		return errDead
	}
}

// kill ends the process at once. Nothing that it does from now on has an effect. The
// world's mutex is held.
func (p *process) kill() {
	if p.dead {
		return
	}
	w := p.world
	p.dead, p.deadSince = true, w.now()
	p.cut = append(p.cut, span{w.now(), forever})
	close(p.died)
	p.client.stopWatching()
	w.store.reachChanged()
	w.oracle.ended(p)
	go func() { // ends its session in this program
		p.unwatch()
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		_ = p.session.Close(ctx)
	}()
}

// suspend suspends the process. The world's mutex is held.
func (p *process) suspend(d time.Duration, clock bool) {
	if p.gone() || p.awake != nil {
		return
	}
	w := p.world
	p.awake = make(chan struct{})
	p.asleep = append(p.asleep, span{w.now(), w.now() + d})
	p.cutOff(d)
	go func() {
		waited := w.wait(d)
		w.mu.Lock()
		defer w.mu.Unlock()
		if clock && waited {
			p.skew -= d
			p.wasWrong = true
		}
		close(p.awake)
		p.awake = nil
	}()
}

// cutOff makes the store unreachable for a time. The world's mutex is held.
func (p *process) cutOff(d time.Duration) {
	p.cut = append(p.cut, span{p.world.now(), p.world.now() + d})
	p.world.store.reachChanged()
}

func (p *process) setClock(skew time.Duration) {
	if !p.gone() {
		p.skew = skew
		p.wasWrong = p.wasWrong || skew != 0
	}
}

// heal ends all faults of the process. The world's mutex is held.
func (p *process) heal() {
	now := p.world.now()
	p.skew = 0
	p.client.heal()
	for _, list := range [][]span{p.asleep, p.cut, p.hung} {
		for i := range list {
			if !p.dead {
				list[i].to = min(list[i].to, now)
			}
		}
	}
}

// listen registers the listeners.
func (p *process) listen() {
	observe := func() {
		p.remove = p.session.OnTokenUpdated(func(_ context.Context, e spotipie.TokenUpdated) error {
			p.world.locked(func() { p.world.oracle.announced(p, e.NewToken) })
			return nil
		})
	}
	if !p.setup.UpdatedFirst {
		observe()
	}
	if l := p.setup.Updated; l != ListenerNone {
		p.session.OnTokenUpdated(func(ctx context.Context, _ spotipie.TokenUpdated) error {
			p.world.locked(func() { p.world.oracle.listenerCalled(p) })
			return p.misbehave(ctx, l)
		})
	}
	if p.setup.UpdatedFirst {
		observe()
	}
	p.session.OnLoggedOut(func(context.Context, spotipie.LoggedOut) error {
		p.world.locked(func() { p.world.oracle.heardLogout(p) })
		return nil
	})
	if l := p.setup.Expired; l != ListenerNone {
		p.session.OnTokenExpired(func(ctx context.Context, _ spotipie.TokenExpired) error { return p.misbehave(ctx, l) })
	}
}

// misbehave does what the listener's setting says.
func (p *process) misbehave(ctx context.Context, l Listener) error {
	switch l {
	case ListenerSlow:
		return p.pauseUntilHealed(context.WithoutCancel(ctx), p.setup.ListenerTakes)
	case ListenerPanics:
		panic("a listener of the simulation panics")
	case ListenerExits:
		runtime.Goexit()
	case ListenerSetsToken:
		var set bool
		p.world.locked(func() { set, p.tokenSet = p.tokenSet, true })
		if !set {
			return p.setToken(ctx, false)
		}
	case ListenerAsks:
		_, err := p.session.Token(ctx)
		return err
	}
	return nil
}
