package simulation

import (
	"errors"
	"time"

	"github.com/spotipie/spotipie"
)

// usersKey is the key of the user's authorization.
var usersKey = spotipie.Key{ClientID: clientID, Profile: "ada"}

// store holds the records, outside of all processes. Each process uses it through
// its own client. The world's mutex guards it.
type store struct {
	world   *world
	lease   time.Duration
	entries map[spotipie.Key]*record
	clients []*client
}

// record is what the store knows of a key: a record, or a deletion.
type record struct {
	rec     spotipie.Record
	found   bool
	version uint64 // of the record or of its deletion; 0: there is neither
	history []state

	holder  *hold
	changed chan struct{} // closed when the lock may have become free
}

// state is what the store knew at a moment.
type state struct {
	at      moment
	rec     spotipie.Record
	found   bool
	version uint64
}

func newStore(w *world, lease time.Duration) *store {
	return &store{world: w, lease: lease, entries: make(map[spotipie.Key]*record)}
}

func (s *store) entry(key spotipie.Key) *record {
	e := s.entries[key]
	if e == nil {
		e = &record{changed: make(chan struct{})}
		s.entries[key] = e
	}
	return e
}

// set changes what the store knows of a key, and keeps the change for fallBack.
func (s *store) set(key spotipie.Key, rec spotipie.Record, found bool, version uint64) {
	e := s.entry(key)
	e.rec, e.found, e.version = rec, found, version
	e.history = append(e.history, state{s.world.now(), rec, found, version})
}

// swapCall is what a process knew when it called Swap.
type swapCall struct {
	usedUp   bool   // it knew a successor of the refresh token
	lastLoad moment // when it had last read the store
}

// swap carries out a Swap that has reached the store.
func (s *store) swap(p *process, key spotipie.Key, version uint64, rec spotipie.Record, asCalled swapCall) (uint64, error) {
	e := s.entry(key)
	current := e.version
	if !e.found {
		current = 0
	}
	if current != version {
		return 0, spotipie.ErrVersionConflict
	}
	old, hadOld, before := e.rec, e.found, s.world.oracle.inStore()
	rec.Version = spotipie.NextVersion(max(e.version, rec.Version), s.world.wall())
	if s.world.plan.Coarse {
		rec.Token = coarse(rec.Token)
		rec.AuthorizedAt = rec.AuthorizedAt.Truncate(time.Microsecond)
	}
	s.set(key, rec, true, rec.Version)
	if asCalled.usedUp {
		s.world.oracle.find("older-saved", p, "it saves %s, which it knows to be used up", rec.Token.RefreshToken())
	}
	s.world.oracle.saved(p, asCalled, rec, old, hadOld, before)
	s.notify(key)
	return rec.Version, nil
}

// coarse returns the token with its end rounded to microseconds.
func coarse(token *spotipie.Token) *spotipie.Token {
	fields := token.Fields()
	fields.ExpiresIn = notZero(fields.ExpiresIn)
	fields.ExpiresAt = fields.ExpiresAt.Truncate(time.Microsecond)
	rounded, err := spotipie.NewToken(fields)
	if err != nil {
		return token
	}
	return rounded
}

// notZero returns a lifetime for NewToken that is not 0. With 0 NewToken would
// compute the lifetime by the system's clock, which is not the process's clock.
func notZero(lifetime time.Duration) time.Duration { return max(lifetime, time.Nanosecond) }

// logout deletes the record. Delete calls it, and so does the plan for a logout of the
// user outside of all processes; then p is nil.
func (s *store) logout(p *process, key spotipie.Key) {
	e := s.entry(key)
	old, before := e.rec, s.world.oracle.inStore()
	version := spotipie.NextVersion(e.version, s.world.wall())
	s.set(key, spotipie.Record{}, false, version)
	if p != nil && p.setup.App {
		s.world.oracle.deletedByApp(p, old)
	}
	if key == usersKey {
		s.world.oracle.loggedOut(before, version)
	}
	s.notify(key)
}

func (s *store) notify(key spotipie.Key) {
	for _, c := range s.clients {
		c.notify(key)
	}
}

// fallBack sets the store back to a moment, as after a fail-over to a replica that
// was behind. The locks are lost.
func (s *store) fallBack(at moment) {
	before := s.world.oracle.inStore()
	for key, e := range s.entries {
		var then state
		for _, old := range e.history {
			if old.at <= at {
				then = old
			}
		}
		s.set(key, then.rec, then.found, then.version)
		s.forgetLock(e)
	}
	s.world.oracle.fellBack(before)
}

// wipe makes the store empty, as after a restart without persistence.
func (s *store) wipe() {
	before := s.world.oracle.inStore()
	for key, e := range s.entries {
		s.set(key, spotipie.Record{}, false, 0)
		s.forgetLock(e)
	}
	s.world.oracle.fellBack(before)
}

// hold records that a client holds a lock.
type hold struct {
	client *client
	since  moment
	// proven is when a Check of the holder last found that it holds the lock.
	proven moment
	// ends is when the lock ends although its holder is within reach: the holder
	// has tried to unlock it, or never learned that it got it.
	ends moment
	// lost is when the lock was lost, if it was.
	lost     moment
	isLost   bool
	released bool
}

// lock makes a client the holder if nobody holds the lock.
func (s *store) lock(c *client, e *record) *hold {
	if !s.free(e) {
		return nil
	}
	now := s.world.now()
	e.holder = &hold{client: c, since: now, proven: now, ends: forever}
	return e.holder
}

// free reports whether nobody holds the lock. It first removes a holder that is
// gone.
func (s *store) free(e *record) bool {
	h := e.holder
	if h == nil {
		return true
	}
	if end, over := s.lockEnd(h); over {
		s.lose(e, end)
		return true
	}
	return false
}

// lockEnd returns when a lock ends if nothing changes, and whether that time has
// passed.
func (s *store) lockEnd(h *hold) (end moment, over bool) {
	p := h.client.process
	end = h.ends
	if s.lease == 0 && p.dead {
		end = min(end, p.deadSince)
	}
	if s.lease > 0 {
		for _, cut := range p.cutSpans() {
			if ended := max(cut.from, h.since) + s.lease; ended <= cut.to {
				end = min(end, ended)
			}
		}
	}
	return end, end <= s.world.now()
}

func (s *store) lose(e *record, at moment) {
	h := e.holder
	if h == nil {
		return
	}
	h.isLost, h.lost = true, at
	s.world.note(h.client.process.name, "has lost the lock that it took at %s", clock(h.since))
	s.vacate(e)
}

func (s *store) forgetLock(e *record) { s.lose(e, s.world.now()) }

// release unlocks the lock if h still holds it.
func (s *store) release(e *record, h *hold) {
	if e.holder == h {
		h.released = true
		s.vacate(e)
	}
}

// vacate makes the lock free.
func (s *store) vacate(e *record) {
	e.holder = nil
	s.reconsider(e)
}

// reconsider makes the waiters for the lock check again.
func (s *store) reconsider(e *record) {
	close(e.changed)
	e.changed = make(chan struct{})
}

// reachChanged is called when a process may have come within reach of the store
// or out of it: leases end when their holder is out of reach for too long.
func (s *store) reachChanged() {
	for _, e := range s.entries {
		s.free(e)
		s.reconsider(e)
	}
}

// slept is called when the machine has slept. The store is elsewhere and has not.
func (s *store) slept(d time.Duration) {
	for _, e := range s.entries {
		if e.holder != nil && s.lease > 0 && d >= s.lease {
			s.lose(e, s.world.now())
		}
	}
}

var (
	errStore    = errors.New("the store is out of order")
	errReadOnly = errors.New("the store cannot write")
	errLockLost = errors.New("the lock is lost")
	errDead     = errors.New("the process is dead")
)
