package simulation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spotipie/spotipie"
)

// decision is a decision of the user: a consent or a logout. An older decision must
// never replace a newer one.
type decision struct {
	id    int
	grant *grant // nil: a logout
	// older are the decisions that this one certainly replaces: the process that
	// took this decision, or one that saved it over another, knew them. If neither of
	// two decisions was known when the other was taken, either may win.
	older decisions
	// perhaps are the decisions that this one replaces as long as the store does not
	// fall back: it came after they were saved, and clocks and counts agree, also those of
	// what they follow.
	perhaps decisions
	// overlaps are logins that were not finished when this decision was taken, by
	// processes with another clock, and decisions that waited for the store with this
	// one while the machine slept. Nobody can know which was the later.
	overlaps decisions
	// count numbers the decisions that build on each other.
	count    int
	by       *process // nil: outside of all
	version  uint64   // of its record that was saved last; 0: none was
	at       moment
	wallTime time.Time // by the clock of the process
	// gone says that the decision is lost: before it was saved, all processes that
	// knew it ended, or the store lost it.
	gone bool
	// consented is the time of the consent in the first saved record.
	consented      time.Time
	consentedSaved bool
}

func (w *decision) String() string {
	if w.grant == nil {
		return fmt.Sprintf("logout (decision %d)", w.id)
	}
	return fmt.Sprintf("grant %d", w.grant.id)
}

// decisions is a set of decisions.
type decisions uint64

func (s decisions) has(w *decision) bool { return w != nil && s&w.bit() != 0 }

func (w *decision) bit() decisions { return 1 << w.id }

// maxDecisions is how many decisions the oracle can tell apart. The plans of seeds
// have far fewer.
const maxDecisions = 64

// knowledge is what a process has been told and must act on.
type knowledge struct {
	decisions decisions // those that it has heard of
	saved     decisions // those that it knows to be saved
	known     map[*grant]known
	since     map[*accessToken]moment // when it got to know a token
	given     []*accessToken          // the tokens that it got from the accounts service or the program

	// unanswered are the logins whose call has not returned.
	unanswered map[*grant]bool

	version    uint64            // the highest version of a record that it has seen
	lastLoad   moment            // when the record of the last Load was read
	sawStore   int               // how often the store had fallen back at that time
	sawStoreAt moment            // when a Load first succeeded since the store fell back last
	lastFailed moment            // when a store call last failed
	storeCalls []context.Context // of the store calls under way; those that have ended have been given up
	forced     []moment
	requests   []moment // refresh requests
	banned     moment   // the accounts service must not be asked before
	wanted     moment   // when the program or the Web API last made it get another token

	lastLoaded  *accessToken // in the record of the last Load
	othersSince moment       // since when it has seen a record of the other flow; 0: it does not
	signedOut   span         // when the app was signed out last, and when the session knew it
	forgot      moment       // when it last took or learned of a logout, which makes it forget refresh tokens
	isDeciding  bool         // Logout or SetToken has not succeeded yet

	heard     map[*accessToken]heard // by the listener
	loggedOut int                    // how often a listener has heard of a logout
	lastHeard *accessToken
}

// heard counts the logouts before a listener heard of a token.
type heard struct {
	logouts   int // of the user or the app
	loggedOut int // that a listener has heard of
}

// known is the latest tokens of a grant that a process knows.
type known struct {
	access  *accessToken
	refresh int
}

func newKnowledge() knowledge {
	return knowledge{
		known: make(map[*grant]known), since: make(map[*accessToken]moment), unanswered: make(map[*grant]bool),
		heard: make(map[*accessToken]heard), lastLoad: -1, lastFailed: -1, wanted: -1, signedOut: span{-1, forever}, forgot: -1,
	}
}

// learn notes that a process knows a token. w.mu is held.
func (p *process) learn(a *accessToken) {
	if _, known := p.since[a]; !known {
		p.since[a] = p.world.now()
	}
	k := p.known[a.grant]
	if k.access == nil || k.access.number < a.number {
		k.access = a
	}
	if a.refresh != nil {
		k.refresh = max(k.refresh, a.refresh.number)
	}
	p.known[a.grant] = k
	if a.grant.decision != nil {
		p.decisions |= a.grant.decision.bit()
	}
}

// holds reports whether the process must keep a decision: it knows the decision and
// none that is newer.
func (o *oracle) holds(p *process, w *decision) bool {
	if p.dead || p.closed || !p.decisions.has(w) {
		return false
	}
	for _, other := range o.decisions {
		if p.decisions.has(other) && o.older(w, other) {
			return false
		}
	}
	return true
}

// older reports whether b certainly replaces a.
func (o *oracle) older(a, b *decision) bool {
	if a == nil || b == nil || a == b {
		return false
	}
	return b.older.has(a) || o.rollbacks == 0 && b.perhaps.has(a) || b.isLaterByClock(a) && !o.followOnFuture(a, b)
}

// followOnFuture reports whether the numbers of two decisions do not tell which is
// later. They do not if a third one, by a process whose clock was ahead, was known to
// both, or was known to the first and ahead of the clock of the second: a session
// numbers a decision after those that it knows.
func (o *oracle) followOnFuture(a, b *decision) bool {
	for _, w := range o.decisions {
		if a.older.has(w) && (b.older.has(w) && w.wallTime.After(a.wallTime) || w.wallTime.After(b.wallTime)) {
			return true
		}
	}
	return false
}

// isLaterByClock reports whether w was taken after a, also by the clocks of the two
// processes, and whoever took a did not know w. If a wrong clock shows the contrary,
// either may win.
func (w *decision) isLaterByClock(a *decision) bool {
	return !a.older.has(w) && !w.overlaps.has(a) && !a.wallTime.IsZero() && w.wallTime.Sub(a.wallTime) >= atOnce && w.at >= a.at
}

// atOnce is the interval below which two decisions count as taken at the same time.
const atOnce = 2 * time.Millisecond

// mayReplace reports whether w may be later than a, as far as anybody can know.
func (o *oracle) mayReplace(w, a *decision) bool {
	return w != nil && a != w && !a.older.has(w) &&
		(w.wallTime.IsZero() || w.wallTime.Sub(a.wallTime) > -atOnce || w.at >= a.at || w.overlaps.has(a) || o.followOnFuture(w, a))
}

// slept records that the machine has slept. For decisions that wait for the store the
// clocks no longer tell how long ago they were taken.
func (o *oracle) slept() {
	var waiting decisions
	for _, w := range o.decisions {
		if w.grant != nil && !w.grant.isSaved() {
			waiting |= w.bit()
		}
	}
	for _, w := range o.decisions {
		if waiting.has(w) {
			w.overlaps |= waiting &^ w.bit()
		}
	}
}

// decide records a new decision, taken in a process or, if p is nil, outside of all.
func (o *oracle) decide(p *process, g *grant) *decision {
	if len(o.decisions) == maxDecisions {
		panic("simulation: the plan has more logins and logouts than the oracle can tell apart")
	}
	w := &decision{id: len(o.decisions), grant: g, by: p, count: 1}
	if p != nil {
		w.wallTime, w.at = p.wall(), o.world.now()
		w.gone = p.dead
		for _, other := range o.decisions {
			if p.decisions.has(other) && !p.underWay(other) {
				w.older |= other.bit() | other.older
				w.count = max(w.count, other.count+1)
			}
		}
		if inStore := o.inStore(); inStore != nil && p.skew == 0 && w.count >= inStore.count && !inStore.wallTime.After(w.wallTime) && !o.followOnFuture(inStore, w) {
			w.perhaps |= inStore.bit() | inStore.older | inStore.perhaps
		}
		w.overlaps = o.unfinishedElsewhere(p)
		p.decisions |= w.bit()
	}
	o.decisions = append(o.decisions, w)
	if g != nil {
		g.decision = w
	}
	return w
}

// unfinishedElsewhere returns the unfinished logins of processes whose clocks differ
// from p's: those whose call has not returned, and those of the last moment that wait
// for the store.
func (o *oracle) unfinishedElsewhere(p *process) (unfinished decisions) {
	for _, w := range o.decisions {
		isRecent := o.world.now()-w.at <= time.Second
		if w.by != nil && w.by.skew != p.skew && w.grant != nil && (w.by.unanswered[w.grant] || isRecent && !w.grant.isSaved()) {
			unfinished |= w.bit()
		}
	}
	return unfinished
}

// isSaved reports whether a token of the grant was ever saved.
func (g *grant) isSaved() bool {
	return slices.ContainsFunc(g.issued, func(a *accessToken) bool { return a.saved })
}

// olderThan reports whether b replaces a, a token of the same grant. It does if a's
// refresh token is older. If both have the same refresh token, b replaces a if both
// ends are known and a's is clearly earlier.
func (a *accessToken) olderThan(b *accessToken) bool {
	if a.grant != b.grant || a.refresh != b.refresh {
		return a.grant == b.grant && a.refresh.number < b.refresh.number
	}
	return a.number < b.number && !a.brought && a.clockRight && b.clockRight && a.expires.Before(b.expires.Add(-time.Minute))
}

// underWay reports whether a decision is a login that the process has not finished.
// Of two logins at the same time, either may be later.
func (p *process) underWay(w *decision) bool {
	return w.grant != nil && p.unanswered[w.grant] && !p.saved.has(w) && (w.grant.byCode || w.at == p.world.now()) &&
		p.world.oracle.decisionOf(p.session.CurrentToken()) != w
}

// replace notes that b was saved over a.
func (o *oracle) replace(a, b *decision) {
	switch {
	case a == nil || a == b || a.older.has(b):
		return
	case !a.wallTime.IsZero() && b.wallTime.Sub(a.wallTime).Abs() < atOnce: // the next save decides again
		b.perhaps |= a.bit() | a.perhaps
		return
	}
	b.older |= a.bit() | o.replacedBy(a, b)
	for _, w := range o.decisions {
		if b.older.has(w) && w.older.has(b) { // the logout in between is undone
			b.older &^= w.bit()
			w.gone = true
		}
	}
	for _, w := range o.decisions {
		if w.older.has(b) {
			w.older |= b.older
		}
	}
}

// revive makes w later than a decision that came after it and can no longer be used.
func (w *decision) revive(after *decision) {
	after.older &^= w.bit()
	after.perhaps &^= w.bit()
	after.overlaps |= w.bit()
	after.gone = true
	w.older |= after.bit()
}

// replacedBy returns the decisions that b replaces because a replaced them. If a is a
// logout and b a login that waited for the store, b may be older than logins before
// the logout. Then nobody can know, and either may win.
func (o *oracle) replacedBy(a, b *decision) decisions {
	older := a.older
	for _, w := range o.decisions {
		if a.grant == nil && older.has(w) && w.isLaterByClock(b) {
			older &^= w.bit()
			w.overlaps |= b.bit()
			a.gone = true
		}
	}
	return older
}

// inStore returns the decision that the store has, or nil.
func (o *oracle) inStore() *decision {
	e := o.world.store.entry(usersKey)
	switch {
	case e.found:
		return o.decisionOf(e.rec.Token)
	case e.version != 0:
		return o.logouts[e.version]
	}
	return nil
}

func (o *oracle) decisionOf(t *spotipie.Token) *decision {
	if a := o.tokenOf(t); a != nil {
		return a.grant.decision
	}
	return nil
}

// tokenOf returns what the accounts service knows of a token.
func (o *oracle) tokenOf(t *spotipie.Token) *accessToken {
	if t == nil {
		return nil
	}
	return o.world.spotify.access[t.AccessToken()]
}

// nameOf names a token by its parts.
func nameOf(t *spotipie.Token) string {
	if t == nil {
		return "no token"
	}
	if t.RefreshToken() == "" {
		return t.AccessToken()
	}
	return t.AccessToken() + " and " + t.RefreshToken()
}

// pair names an access token and the refresh token that came with it, if any.
func (a *accessToken) pair() string {
	if a.refresh == nil {
		return a.String()
	}
	return a.String() + " and " + a.refresh.String()
}

// latest returns the decisions that are not gone and that no other certainly
// replaces.
func (o *oracle) latest() []*decision {
	var list []*decision
	for _, w := range o.decisions {
		newest := !w.gone
		for _, other := range o.decisions {
			if !other.gone && o.older(w, other) {
				newest = false
			}
		}
		if newest {
			list = append(list, w)
		}
	}
	return list
}
