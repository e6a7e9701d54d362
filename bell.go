package spotipie

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// bell calls a session's listeners. Events about the token are numbered, and
// one goroutine delivers them in order. It runs only while there is something
// to deliver. A caller who announces an event waits until it is delivered. But
// if the caller is a listener, the event is delivered after the one that the
// listener is called for.
type bell struct {
	limit time.Duration // for each call of a listener

	mu        sync.Mutex
	updated   []*listener[TokenUpdated]
	expired   []*listener[TokenExpired]
	loggedOut []*listener[LoggedOut]
	latest    change
	ringing   bool           // the goroutine runs
	now       *announcement  // the one that is being delivered
	next      *announcement  // the newest one that waits; it replaces earlier ones
	last      uint64         // the number of the last event that is being or was delivered
	failed    *ListenerError // the error of a listener that failed on the latest token
	idle      chan struct{}  // closed when the goroutine ends; nil if nobody waits
	closed    bool
	ended     chan struct{} // closed with it

	// waitsFor is the bell whose listeners one of this bell's listeners waits for.
	waitsFor atomic.Pointer[bell]
}

// listener is a registered function. The bell's lock guards removed.
type listener[E any] struct {
	call    func(context.Context, E) error
	removed bool
}

// announcement is an event for listeners: a new token, or a logout.
type announcement struct {
	event   string // such as eventTokenUpdated
	number  uint64
	deliver func(context.Context) error
	ctx     context.Context // the context of the caller, for its marks but not its end
	chain   *chain
	begun   chan struct{}
}

// chain is an announcement and the announcements that its listeners cause.
type chain struct {
	outstanding int
	errs        []error
	done        chan struct{}
}

// change is a change from one state to the next, as callers see it.
type change struct {
	from, to *state
	number   uint64 // counts the changes since the bell was made; 0: none yet
}

func newBell(limit time.Duration) *bell { return &bell{limit: limit, ended: make(chan struct{})} }

// note records a change that will be announced.
func (b *bell) note(from, to *state) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.latest = change{from: from, to: to, number: b.latest.number + 1}
}

// latestChange returns the latest change that was or will be announced.
func (b *bell) latestChange() change {
	if b == nil {
		return change{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.latest
}

// register adds a listener and returns the function that removes it. Once
// removed, the listener is not called again.
func register[E any](b *bell, list *[]*listener[E], call func(context.Context, E) error) (remove func()) {
	l := &listener[E]{call: call}
	b.mu.Lock()
	defer b.mu.Unlock()
	*list = append(slices.Clip(*list), l)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		l.removed = true
		*list = slices.DeleteFunc(slices.Clone(*list), func(other *listener[E]) bool { return other == l })
	}
}

// announceUpdated announces a new token. See announce.
func (b *bell) announceUpdated(ctx context.Context, number uint64, e TokenUpdated) error {
	if b == nil {
		return nil
	}
	return b.announce(ctx, eventTokenUpdated, number, func(ctx context.Context) error {
		return dispatch(ctx, b, eventTokenUpdated, &b.updated, e)
	})
}

// announceLoggedOut announces that there is no token any more. See announce.
func (b *bell) announceLoggedOut(ctx context.Context, number uint64, e LoggedOut) error {
	if b == nil {
		return nil
	}
	return b.announce(ctx, eventLoggedOut, number, func(ctx context.Context) error {
		return dispatch(ctx, b, eventLoggedOut, &b.loggedOut, e)
	})
}

// announce delivers a change, unless one with a higher number is being or was
// delivered, and returns the errors of the listeners. Announcing the same
// number again waits for its delivery. When ctx ends, only the wait ends.
func (b *bell) announce(ctx context.Context, event string, number uint64, deliver func(context.Context) error) error {
	outer := b.ringFor(ctx)
	a := &announcement{event: event, number: number, deliver: deliver, ctx: context.WithoutCancel(ctx), begun: make(chan struct{})}
	b.mu.Lock()
	isNested := outer != nil && outer.chain != nil && outer.chain.outstanding > 0
	if isNested {
		a.chain = outer.chain
	}
	a, err := b.enqueue(a)
	b.mu.Unlock()
	if a == nil || isNested { // the caller would wait for its own listener
		return err
	}
	wait, leave := b.mayWait(ctx)
	defer leave()
	if !wait {
		return errWaitingInTurn
	}
	return b.wait(ctx, a)
}

// errWaitingInTurn means that the caller of announce is a listener of another session that
// the listeners of this one wait for.
var errWaitingInTurn = errors.New("spotipie: the listeners of two sessions would wait for each other")

// mayWait reports whether a caller may wait for the listeners of b. A listener of another
// session may not if they wait for that listener in turn. leave must be called after the
// wait.
func (b *bell) mayWait(ctx context.Context) (may bool, leave func()) {
	var callers []*bell
	for mark := ringOf(ctx); mark != nil; mark = mark.outer {
		if mark.bell != b {
			callers = append(callers, mark.bell)
			mark.bell.waitsFor.Store(b) // before looking: of two callers at once, one sees the other
		}
	}
	may = true
	for other, hops := b.waitsFor.Load(), 0; other != nil && hops < maxNesting; other, hops = other.waitsFor.Load(), hops+1 {
		may = may && !slices.Contains(callers, other)
	}
	return may, func() {
		for _, caller := range callers {
			caller.waitsFor.CompareAndSwap(b, nil)
		}
	}
}

// enqueue adds a to the queue and returns it, or the announcement there that covers its
// number, or nil if there is nothing to wait for. b.mu is held.
func (b *bell) enqueue(a *announcement) (*announcement, error) {
	switch {
	case b.closed || a.number < b.last || b.next != nil && a.number < b.next.number:
		return nil, nil
	case b.next != nil && a.number == b.next.number:
		return b.next, nil
	case a.number == b.last && b.now != nil:
		return b.now, nil
	case a.number == b.last:
		return nil, b.failure()
	case nesting(a.ctx) > maxNesting:
		return nil, a.failed(errors.New("listeners keep setting tokens: gave up calling them"))
	}
	if a.chain == nil {
		a.chain = &chain{done: make(chan struct{})}
	}
	a.chain.outstanding++
	if b.next != nil {
		b.next.finish(nil)
	}
	b.next = a
	if !b.ringing {
		b.ringing = true
		go b.ring()
	}
	return a, nil
}

func (a *announcement) failed(err error) error { return &ListenerError{Event: a.event, Err: err} }

func (b *bell) failure() error {
	if b.failed == nil {
		return nil
	}
	return b.failed
}

// wait waits until the listeners were called with a. It waits for the first call as
// long as one listener may take.
func (b *bell) wait(ctx context.Context, a *announcement) error {
	timer := time.NewTimer(b.limit)
	defer timer.Stop()
	begun, notYet, ended := a.begun, timer.C, b.ended
	for {
		select {
		case <-a.chain.done:
			return errors.Join(a.chain.errs...)
		case <-begun:
			begun, notYet, ended = nil, nil, nil
		case <-notYet:
			return a.failed(errors.New("the listeners are still busy with an earlier token; they will hear of this later"))
		case <-ctx.Done():
			return a.failed(fmt.Errorf("did not return in time: %w", context.Cause(ctx)))
		case <-ended:
			if isClosed(begun) { // a listener that was called with a has closed the session
				ended = nil
				continue
			}
			return a.failed(ErrClosed)
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// finish ends the wait for a: it was delivered or will never be. The bell's lock is
// held.
func (a *announcement) finish(err error) {
	if err != nil {
		a.chain.errs = append(a.chain.errs, err)
	}
	if a.chain.outstanding--; a.chain.outstanding == 0 {
		close(a.chain.done)
	}
}

// ring delivers announcements until there are none left.
func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.next != nil {
		a := b.next
		b.now, b.next, b.last = a, nil, a.number
		close(a.begun)
		b.mu.Unlock()
		err := a.deliver(context.WithValue(a.ctx, ringKey{}, &ringContext{
			bell: b, chain: a.chain, outer: ringOf(a.ctx), depth: nesting(a.ctx) + 1,
		}))
		b.mu.Lock()
		b.failed = nil
		if failed := (*ListenerError)(nil); errors.As(err, &failed) && failed.Event == eventTokenUpdated {
			b.failed = failed
		}
		b.now = nil
		a.finish(err)
	}
	b.ringing = false
	if b.idle != nil {
		close(b.idle)
		b.idle = nil
	}
}

// callExpired calls the token-expired listeners.
func (b *bell) callExpired(ctx context.Context, e TokenExpired) error {
	ctx = context.WithValue(ctx, ringKey{}, &ringContext{bell: b, outer: ringOf(ctx), depth: nesting(ctx) + 1})
	return dispatch(ctx, b, eventTokenExpired, &b.expired, e)
}

func (b *bell) listensForExpiry() bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.expired) > 0
}

// close waits until all announcements are delivered, unless ctx ends, and makes
// sure that no listener is called after that. It returns the listeners' error
// about the latest token.
func (b *bell) close(ctx context.Context) error {
	if b == nil {
		return nil
	}
	for b.ringFor(ctx) == nil {
		b.mu.Lock()
		if !b.ringing {
			b.mu.Unlock()
			break
		}
		if b.idle == nil {
			b.idle = make(chan struct{})
		}
		idle := b.idle
		b.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			_ = b.end()
			return context.Cause(ctx)
		}
	}
	return b.end()
}

// end makes sure that no listener is called again, and wakes callers who wait
// for one.
func (b *bell) end() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		close(b.ended)
	}
	return b.failure()
}

// dispatch calls the listeners of one of b's lists, one after the other, and returns
// their errors.
func dispatch[E any](ctx context.Context, b *bell, event string, list *[]*listener[E], e E) error {
	b.mu.Lock()
	listeners := *list
	b.mu.Unlock()
	var errs []error
	for _, l := range listeners {
		b.mu.Lock()
		skip := l.removed || b.closed
		b.mu.Unlock()
		if skip {
			continue
		}
		if err := callListener(ctx, b.limit, l.call, e); err != nil {
			errs = append(errs, &ListenerError{Event: event, Err: err})
		}
	}
	return errors.Join(errs...)
}

func callListener[E any](ctx context.Context, limit time.Duration, call func(context.Context, E) error, e E) error {
	ctx, cancel := context.WithTimeout(withoutStarter(context.WithoutCancel(ctx)), limit)
	defer cancel()
	_, err := await(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, call(ctx, e) }, nil)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("did not return in time: %w", ctx.Err())
	}
	return err
}

// maxNesting limits how deep events may nest if listeners set a token each time
// they are called with one.
const maxNesting = 8

type ringKey struct{}

// ringContext marks a context as passed to a bell's listener. If several bells
// are involved, their marks are linked.
type ringContext struct {
	bell  *bell
	chain *chain // nil: the listener was called with a token-expired event
	outer *ringContext
	depth int
}

func ringOf(ctx context.Context) *ringContext {
	mark, _ := ctx.Value(ringKey{}).(*ringContext)
	return mark
}

func nesting(ctx context.Context) int {
	if mark := ringOf(ctx); mark != nil {
		return mark.depth
	}
	return 0
}

// ringFor returns the mark of this bell in ctx if ctx was passed to one of its
// listeners, also through other bells.
func (b *bell) ringFor(ctx context.Context) *ringContext {
	if b == nil {
		return nil
	}
	var expired *ringContext
	for mark := ringOf(ctx); mark != nil; mark = mark.outer {
		switch {
		case mark.bell == b && mark.chain != nil:
			return mark
		case mark.bell == b:
			expired = mark
		}
	}
	return expired
}

// detached returns a context that never ends, with the same marks as ctx.
func detached(ctx context.Context) context.Context {
	if mark := ringOf(ctx); mark != nil {
		return context.WithValue(context.Background(), ringKey{}, mark)
	}
	return context.Background()
}
