package simulation

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/spotipie/spotipie"
)

// client is the store as one process sees it, with the faults of its calls. It is a
// [spotipie.Watcher] and a [spotipie.Checker].
type client struct {
	process *process
	store   *store

	// The world's mutex guards what follows.
	down, hangs, slow, readOnly moment // until when
	faults                      [calls][]Fault
	local                       map[spotipie.Key]chan struct{} // full while a caller in the process has the lock
	watchers                    []watcher
	holds                       map[spotipie.Key]*hold // the latest
}

type watcher struct {
	key     spotipie.Key
	changes chan struct{}
}

var (
	_ spotipie.Watcher = (*client)(nil)
	_ spotipie.Checker = (*client)(nil)
)

func newClient(p *process, s *store) *client {
	c := &client{process: p, store: s, local: make(map[spotipie.Key]chan struct{}), holds: make(map[spotipie.Key]*hold)}
	s.clients = append(s.clients, c)
	return c
}

// trouble makes all calls fail for a time. The world's mutex is held.
func (c *client) trouble(kind Kind, d time.Duration) {
	until := c.store.world.now() + d
	switch kind {
	case StoreDown:
		c.down = max(c.down, until)
	case StoreHangs:
		c.hangs = max(c.hangs, until)
	case StoreSlow:
		c.slow = max(c.slow, until)
	case StoreReadOnly:
		c.readOnly = max(c.readOnly, until)
	}
	if kind == StoreDown || kind == StoreHangs {
		c.process.cutOff(d)
	} else {
		c.process.hung = append(c.process.hung, span{c.store.world.now(), until})
	}
}

// strike makes the next n calls of a method fail. The world's mutex is held.
func (c *client) strike(call Call, fault Fault, n int) {
	for range n {
		c.faults[call] = append(c.faults[call], fault)
	}
}

// heal ends all faults. The world's mutex is held.
func (c *client) heal() {
	c.down, c.hangs, c.slow, c.readOnly = 0, 0, 0, 0
	c.faults = [calls][]Fault{}
}

// fault removes and returns the next fault of a method.
func (c *client) fault(call Call) (f Fault) {
	if list := c.faults[call]; len(list) > 0 {
		f, c.faults[call] = list[0], list[1:]
	}
	return f
}

const (
	minLatency = 200 * time.Microsecond
	maxLatency = 3 * time.Millisecond
	// lostAfter is how long a call waits for an answer before it fails by itself,
	// as connections do.
	lostAfter = 10 * time.Minute
)

// do makes a call of the store and tells the oracle the result. what adds to the
// method's name in the log.
func (c *client) do(ctx context.Context, call Call, what string, effect func() error) error {
	p, w := c.process, c.store.world
	from := w.now()
	inTheWay := false
	w.locked(func() {
		p.storeCalls = append(p.storeCalls, ctx)
		inTheWay = call == SwapCall || call == LoadCall && p.inTheWay
	})
	err := c.attempt(ctx, call, what, effect)
	w.mu.Lock()
	defer w.mu.Unlock()
	p.storeCalls = slices.DeleteFunc(p.storeCalls, func(other context.Context) bool { return other == ctx })
	p.noteCall(call, span{from, w.now()}, inTheWay, err)
	if err != nil && !errors.Is(err, errTaken) {
		w.oracle.failed(p, err)
	}
	return err
}

// attempt makes a call of the store. The call reaches the store, takes effect and is
// answered, unless there is a fault.
func (c *client) attempt(ctx context.Context, call Call, what string, effect func() error) error {
	p, w := c.process, c.store.world
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := p.awaken(); err != nil {
		return err
	}
	w.mu.Lock()
	fault := c.fault(call)
	now := w.now()
	latency := w.between(minLatency, maxLatency)
	down, hangs := c.down > now, c.hangs-now
	if c.slow > now || fault == SlowCall {
		latency = w.between(time.Second, 12*time.Second)
	}
	if call == UnlockCall && c.store.lease == 0 {
		fault, down, hangs, latency = NoFault, false, 0, minLatency // the kernel does not fail
	}
	w.mu.Unlock()
	switch {
	case hangs > 0:
		if err := c.hang(ctx, call, what, hangs); err != nil {
			return err
		}
	case fault == HangBefore:
		return c.hang(ctx, call, what, lostAfter)
	case fault == LateEffect:
		time.AfterFunc(min(30*time.Second, 10*latency), func() { w.locked(func() { c.late(call, what, effect) }) })
		return c.hang(ctx, call, what, lostAfter)
	}
	if err := p.pause(ctx, latency); err != nil {
		if errors.Is(err, errDead) {
			c.sentBeforeDeath(call, what, latency, effect)
		} else {
			w.locked(func() { w.note(p.name, "%s%s: given up by its caller", call, what) })
		}
		return err
	}
	return c.answer(ctx, call, what, fault, down, effect)
}

// answer lets a call that has reached the store take effect, and answers it.
func (c *client) answer(ctx context.Context, call Call, what string, fault Fault, down bool, effect func() error) error {
	p, w := c.process, c.store.world
	w.mu.Lock()
	if down || fault == FailBefore {
		w.note(p.name, "%s%s: fails", call, what)
		w.mu.Unlock()
		return errStore
	}
	err := effect()
	w.note(p.name, "%s%s: %s", call, what, outcome{err, fault})
	w.mu.Unlock()
	switch fault {
	case FailAfter:
		return errors.Join(errStore, c.undone(call))
	case HangAfter:
		return errors.Join(c.hang(ctx, call, what, lostAfter), c.undone(call))
	}
	if err := p.awaken(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), c.undone(call))
	}
	return err
}

// undone makes a lock end whose holder never learned that it got it.
func (c *client) undone(call Call) error {
	if call != LockCall {
		return nil
	}
	w := c.store.world
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range c.store.entries {
		if e.holder != nil && e.holder.client == c {
			e.holder.ends = w.now() + c.store.lease
			c.store.reconsider(e)
		}
	}
	return nil
}

// hang waits while there is no answer. It returns nil if there will be one.
func (c *client) hang(ctx context.Context, call Call, what string, d time.Duration) error {
	p, w := c.process, c.store.world
	from := w.now()
	w.locked(func() { w.note(p.name, "%s%s: no answer", call, what) })
	err := p.pauseUntilHealed(ctx, d)
	w.locked(func() {
		if err != nil {
			w.note(p.name, "%s%s: given up after %s", call, what, w.now()-from)
		}
	})
	if err == nil && d == lostAfter {
		return errStore
	}
	return err
}

// sentBeforeDeath decides what happens to a call whose process has died. Every
// second call was sent before and takes effect.
func (c *client) sentBeforeDeath(call Call, what string, latency time.Duration, effect func() error) {
	w := c.store.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if call == SwapCall && w.random.IntN(2) == 0 {
		time.AfterFunc(latency, func() { w.locked(func() { c.late(call, what, effect) }) })
	}
}

// late lets a call take effect after its caller has left.
func (c *client) late(call Call, what string, effect func() error) {
	if call != SwapCall {
		return // nobody would notice
	}
	err := effect()
	c.store.world.note(c.process.name, "%s%s takes effect late: %s", call, what, outcome{err, NoFault})
}

// Load implements [spotipie.Store].
func (c *client) Load(ctx context.Context, key spotipie.Key) (rec spotipie.Record, found bool, err error) {
	w := c.store.world
	var read moment
	err = c.do(ctx, LoadCall, "", func() error {
		read = w.now()
		e := c.store.entry(key)
		rec, found = e.rec, e.found
		rec.RequestedScope = slices.Clone(rec.RequestedScope)
		rec.Version = e.version
		return nil
	})
	if err != nil {
		return spotipie.Record{}, false, err
	}
	w.locked(func() { w.oracle.loaded(c.process, rec, found, read) })
	return rec, found, nil
}

// Swap implements [spotipie.Store].
func (c *client) Swap(ctx context.Context, key spotipie.Key, version uint64, rec spotipie.Record) (newVersion uint64, err error) {
	w := c.store.world
	var asCalled swapCall // a call cannot be taken back
	w.locked(func() {
		asCalled = swapCall{usedUp: w.oracle.knowsToBeUsedUp(c.process, rec), lastLoad: c.process.lastLoad}
	})
	var effective uint64
	err = c.do(ctx, SwapCall, " of "+nameOf(rec.Token), func() error {
		if c.readOnly > w.now() {
			return errReadOnly
		}
		var err error
		effective, err = c.store.swap(c.process, key, version, rec, asCalled)
		return err
	})
	if err != nil {
		return 0, err
	}
	rec.Version = effective
	w.locked(func() { w.oracle.told(c.process, rec) })
	return effective, nil
}

// Delete implements [spotipie.Store].
func (c *client) Delete(ctx context.Context, key spotipie.Key) error {
	return c.delete(ctx, key, func(*record) bool { return true })
}

// DeleteVersion implements [spotipie.VersionDeleter].
func (c *client) DeleteVersion(ctx context.Context, key spotipie.Key, version uint64) error {
	return c.delete(ctx, key, func(e *record) bool { return e.found && e.version == version || !e.found && version == 0 })
}

func (c *client) delete(ctx context.Context, key spotipie.Key, may func(*record) bool) error {
	return c.do(ctx, SwapCall, " (Delete)", func() error {
		switch {
		case c.readOnly > c.store.world.now():
			return errReadOnly
		case !may(c.store.entry(key)):
			return spotipie.ErrVersionConflict
		}
		c.store.logout(c.process, key)
		return nil
	})
}

// List implements [spotipie.Store].
func (c *client) List(ctx context.Context) (keys []spotipie.Key, err error) {
	err = c.do(ctx, LoadCall, " (List)", func() error {
		for key, e := range maps.All(c.store.entries) {
			if e.found {
				keys = append(keys, key)
			}
		}
		return nil
	})
	return keys, err
}

// Lock implements [spotipie.Store].
func (c *client) Lock(ctx context.Context, key spotipie.Key) (func(context.Context) error, error) {
	local := c.localLock(key)
	select {
	case local <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.process.died:
		return nil, errDead
	}
	h, err := c.acquire(ctx, key)
	if err != nil {
		<-local
		return nil, err
	}
	free := sync.OnceFunc(func() { <-local })
	return func(ctx context.Context) error {
		defer free()
		return c.unlock(ctx, key, h)
	}, nil
}

func (c *client) localLock(key spotipie.Key) chan struct{} {
	w := c.store.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.local[key] == nil {
		c.local[key] = make(chan struct{}, 1)
	}
	return c.local[key]
}

// acquire waits for the lock and takes it.
func (c *client) acquire(ctx context.Context, key spotipie.Key) (*hold, error) {
	w := c.store.world
	for {
		var h *hold
		if err := c.do(ctx, LockCall, "", func() error { h = c.store.lock(c, c.store.entry(key)); return lockTaken(h) }); err != nil && !errors.Is(err, errTaken) {
			return nil, err
		}
		if h != nil {
			w.locked(func() { c.holds[key] = h })
			return h, nil
		}
		if err := c.awaitChange(ctx, key); err != nil {
			return nil, err
		}
	}
}

var errTaken = errors.New("somebody else has it")

func lockTaken(h *hold) error {
	if h == nil {
		return errTaken
	}
	return nil
}

// awaitChange waits until the lock may have become free.
func (c *client) awaitChange(ctx context.Context, key spotipie.Key) error {
	w := c.store.world
	w.mu.Lock()
	e := c.store.entry(key)
	if c.store.free(e) {
		w.mu.Unlock()
		return nil
	}
	end, _ := c.store.lockEnd(e.holder)
	changed := e.changed
	timer := time.NewTimer(min(end-w.now()+time.Millisecond, time.Hour))
	w.mu.Unlock()
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.process.died:
		return errDead
	}
	return nil
}

// unlock unlocks the lock. From now on the lease is no longer extended, even if the
// call fails.
func (c *client) unlock(ctx context.Context, key spotipie.Key, h *hold) error {
	w := c.store.world
	var lost, released bool
	w.locked(func() {
		e := c.store.entry(key)
		lost, released = h.isLost, h.released
		if e.holder == h && c.store.lease > 0 {
			h.ends = min(h.ends, w.now()+c.store.lease)
			c.store.reconsider(e)
		}
	})
	switch {
	case released:
		return nil
	case lost:
		return errLockLost
	}
	if c.store.lease == 0 {
		ctx = context.WithoutCancel(ctx) // a kernel lock needs no context
	}
	return c.do(ctx, UnlockCall, "", func() error {
		c.store.release(c.store.entry(key), h)
		return nil
	})
}

// Check implements [spotipie.Checker].
func (c *client) Check(ctx context.Context, key spotipie.Key) error {
	w := c.store.world
	return c.do(ctx, CheckCall, "", func() error {
		e := c.store.entry(key)
		c.store.free(e) // removes a holder whose lease has ended
		h := c.holds[key]
		if h == nil || e.holder != h {
			return errLockLost
		}
		if c.readOnly > w.now() {
			return errReadOnly
		}
		h.proven = w.now()
		return nil
	})
}

// Watch implements [spotipie.Watcher].
func (c *client) Watch(ctx context.Context, key spotipie.Key) (<-chan struct{}, error) {
	w := c.store.world
	changes := make(chan struct{}, 1)
	if err := c.do(ctx, WatchCall, "", func() error {
		c.watchers = append(c.watchers, watcher{key, changes})
		return nil
	}); err != nil {
		w.locked(func() { c.forget(changes) })
		return nil, err
	}
	context.AfterFunc(ctx, func() { w.locked(func() { c.forget(changes) }) })
	return changes, nil
}

// forget ends a subscription.
func (c *client) forget(changes chan struct{}) {
	for i, watcher := range c.watchers {
		if watcher.changes == changes {
			c.watchers = slices.Delete(c.watchers, i, i+1)
			close(changes)
			return
		}
	}
}

// stopWatching ends all subscriptions.
func (c *client) stopWatching() {
	for len(c.watchers) > 0 {
		c.forget(c.watchers[0].changes)
	}
}

// notify sends a notice to the watchers of a key. The notice is lost while the store
// is out of reach.
func (c *client) notify(key spotipie.Key) {
	if c.process.isCut(c.store.world.now()) {
		return
	}
	for _, watcher := range c.watchers {
		if watcher.key == key {
			select {
			case watcher.changes <- struct{}{}:
			default:
			}
		}
	}
}
