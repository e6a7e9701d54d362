package simulation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spotipie/spotipie"
)

// word is what the user has said last, as far as somebody knows: a consent, or
// a logout. A newer word must never make way for an older one.
type word struct {
	id    int
	grant *grant // nil: a logout
	// older are the words that whoever said this one, or saved it over another,
	// has known: those that this one certainly replaces. Of two words that knew
	// nothing of each other either may win.
	older words
	// perhaps are words that this one replaces if nothing disturbs the order:
	// it came after they were saved, and clocks and consents agree.
	perhaps words
	// overlaps are words whose speaker had not finished when this one was said,
	// and has another clock, or which waited for the store with this one while the
	// machine slept. Nobody can know which was the later.
	overlaps words
	// count is how many consents its speaker has known, and this one.
	count int
	at    moment
	said  time.Time // by the speaker's clock
	// gone: everybody who knew it has ended, or the store has lost it, before
	// it could be saved.
	gone bool
	// consented is the time of the consent as it was saved first.
	consented      time.Time
	consentedSaved bool
}

func (w *word) String() string {
	if w.grant == nil {
		return fmt.Sprintf("logout (word %d)", w.id)
	}
	return fmt.Sprintf("grant %d", w.grant.id)
}

// words is a set of words.
type words uint64

func (s words) has(w *word) bool { return w != nil && s&w.bit() != 0 }

func (w *word) bit() words { return 1 << w.id }

// maxWords is how many words the oracle can tell apart. The plans of seeds have
// far fewer.
const maxWords = 64

// knowledge is what a process has been told, and so must act on.
type knowledge struct {
	words words // those it has heard of
	saved words // those it knows to have been saved
	known map[*grant]known
	since map[*accessToken]moment // when it got to know a token
	given []*accessToken          // that it got from the accounts service or the program

	// unanswered are the logins whose call has not returned.
	unanswered map[*grant]bool

	lastLoad   moment            // when a Load last succeeded
	sawStore   int               // how often the store had fallen back at that time
	sawStoreAt moment            // when a Load first succeeded since the store fell back last
	lastFailed moment            // when a store call last failed
	storeCalls []context.Context // of the store calls under way; those that have ended have been given up
	forced     []moment
	requests   []moment // refresh requests
	banned     moment   // until when the accounts service does not want to be asked

	heard     map[*accessToken]heard // by the listener
	loggedOut int                    // how often a listener has heard that the user is logged out
	lastHeard *accessToken
}

// heard is how many logouts there were before a listener heard of a token.
type heard struct {
	logouts   int // of the user
	loggedOut int // that a listener has heard of
}

// known is the latest that a process knows of a grant.
type known struct {
	access  *accessToken
	refresh int
}

func newKnowledge() knowledge {
	return knowledge{
		known: make(map[*grant]known), since: make(map[*accessToken]moment), unanswered: make(map[*grant]bool),
		heard: make(map[*accessToken]heard), lastLoad: -1, lastFailed: -1,
	}
}

// learn has a process know a token. w.mu is held.
func (p *process) learn(a *accessToken) {
	if _, known := p.since[a]; !known {
		p.since[a] = p.world.now()
	}
	k := p.known[a.grant]
	if k.access == nil || k.access.number < a.number {
		k.access = a
	}
	k.refresh = max(k.refresh, a.refresh.number)
	p.known[a.grant] = k
	if a.grant.word != nil {
		p.words |= a.grant.word.bit()
	}
}

// holds reports whether the process is to keep a word: it knows it, and none
// that is newer.
func (o *oracle) holds(p *process, w *word) bool {
	if p.dead || p.closed || !p.words.has(w) {
		return false
	}
	for _, other := range o.words {
		if p.words.has(other) && o.older(w, other) {
			return false
		}
	}
	return true
}

// older reports whether a certainly makes way for b.
func (o *oracle) older(a, b *word) bool {
	if a == nil || b == nil || a == b {
		return false
	}
	return b.older.has(a) || o.rollbacks == 0 && b.perhaps.has(a) || b.isLaterByClock(a) && !o.followOnFuture(a, b)
}

// followOnFuture reports whether two words were said by who knew of a third, whose
// speaker's clock was ahead. The numbers of both follow on its number then, and
// tell nothing.
func (o *oracle) followOnFuture(a, b *word) bool {
	for _, w := range o.words {
		if a.older.has(w) && b.older.has(w) && w.said.After(a.said) {
			return true
		}
	}
	return false
}

// isLaterByClock reports whether neither of two words was said by who knew of
// the other, and w was said after a, which the clocks of those who said them
// show. If a clock that is wrong shows the contrary, either may win.
func (w *word) isLaterByClock(a *word) bool {
	return !a.older.has(w) && !w.overlaps.has(a) && !a.said.IsZero() && w.said.Sub(a.said) >= atOnce && w.at >= a.at
}

// atOnce is how long after one another two words are said at the same time.
const atOnce = 2 * time.Millisecond

// mayReplace reports whether w may have been said after a, for all that anybody
// can know.
func (w *word) mayReplace(a *word) bool {
	return w != nil && a != w && !a.older.has(w) && (w.said.IsZero() || w.said.Sub(a.said) > -atOnce || w.at >= a.at || w.overlaps.has(a))
}

// slept: the machine has slept. The clocks no longer tell how long before now the
// words were said that wait for the store.
func (o *oracle) slept() {
	var waiting words
	for _, w := range o.words {
		if w.grant != nil && !slices.ContainsFunc(w.grant.issued, func(a *accessToken) bool { return a.saved }) {
			waiting |= w.bit()
		}
	}
	for _, w := range o.words {
		if waiting.has(w) {
			w.overlaps |= waiting &^ w.bit()
		}
	}
}

// speak makes a word of a process, or of nobody in particular.
func (o *oracle) speak(p *process, g *grant) *word {
	if len(o.words) == maxWords {
		panic("simulation: the plan has more logins and logouts than the oracle can tell apart")
	}
	w := &word{id: len(o.words), grant: g, count: 1}
	if p != nil {
		w.said, w.at = p.wall(), o.world.now()
		w.gone = p.dead
		for _, other := range o.words {
			if p.words.has(other) && !p.underWay(other) {
				w.older |= other.bit() | other.older
				w.count = max(w.count, other.count+1)
			}
		}
		if inStore := o.inStore(); inStore != nil && p.skew == 0 && w.count >= inStore.count && !inStore.said.After(w.said) {
			w.perhaps |= inStore.bit() | inStore.older | inStore.perhaps
		}
		w.overlaps = o.unfinishedElsewhere(p)
		p.words |= w.bit()
	}
	o.words = append(o.words, w)
	if g != nil {
		g.word = w
	}
	return w
}

// unfinishedElsewhere returns the words of logins whose calls go on at processes
// with another clock than that of p.
func (o *oracle) unfinishedElsewhere(p *process) (unfinished words) {
	for _, other := range o.world.processes {
		if other.skew == p.skew {
			continue
		}
		for g := range other.unanswered {
			if g.word != nil {
				unfinished |= g.word.bit()
			}
		}
	}
	return unfinished
}

// olderThan reports whether a token makes way for another of the same grant:
// its refresh token is older, or it is the same and both ends are known well
// enough to tell.
func (a *accessToken) olderThan(b *accessToken) bool {
	if a.grant != b.grant || a.refresh != b.refresh {
		return a.grant == b.grant && a.refresh.number < b.refresh.number
	}
	return a.number < b.number && a.clockRight && b.clockRight && a.expires.Before(b.expires.Add(-time.Minute))
}

// underWay reports whether a word is that of a login which the process has not
// finished: of two at the same time either may be the later.
func (p *process) underWay(w *word) bool {
	return w.grant != nil && p.unanswered[w.grant] && !p.saved.has(w) && (w.grant.byCode || w.at == p.world.now()) &&
		p.world.oracle.wordOf(p.session.CurrentToken()) != w
}

// replace notes that b was saved over a.
func (o *oracle) replace(a, b *word) {
	if a == nil || a == b || a.older.has(b) {
		return
	}
	b.older |= a.bit() | o.replacedBy(a, b)
	for _, w := range o.words {
		if b.older.has(w) && w.older.has(b) { // the logout in between is undone
			b.older &^= w.bit()
			w.gone = true
		}
	}
	for _, w := range o.words {
		if w.older.has(b) {
			w.older |= b.older
		}
	}
}

// replacedBy returns the words that a has replaced, and b with it. If a is a
// logout and b a login that waited for the store, b may be older than logins that
// came before the logout. Nobody can know then: either may win.
func (o *oracle) replacedBy(a, b *word) words {
	older := a.older
	for _, w := range o.words {
		if a.grant == nil && older.has(w) && w.isLaterByClock(b) {
			older &^= w.bit()
			w.overlaps |= b.bit()
			a.gone = true
		}
	}
	return older
}

// inStore returns the word that the store knows, or nil.
func (o *oracle) inStore() *word {
	e := o.world.store.entry(key)
	switch {
	case e.found:
		return o.wordOf(e.rec.Token)
	case e.version != 0:
		return o.logouts[e.version]
	}
	return nil
}

func (o *oracle) wordOf(t *spotipie.Token) *word {
	if a := o.tokenOf(t); a != nil {
		return a.grant.word
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
	return t.AccessToken() + " and " + t.RefreshToken()
}

// latest returns the words of which none certainly makes way for another and
// none is gone.
func (o *oracle) latest() []*word {
	var list []*word
	for _, w := range o.words {
		newest := !w.gone
		for _, other := range o.words {
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
