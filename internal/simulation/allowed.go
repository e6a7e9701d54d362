package simulation

import (
	"cmp"
	"slices"
	"time"
)

// This file says what no session can prevent. Everything else is a fault.
//
// A refresh token may be sent again
//   - if the answer to the request before never reached the session that made
//     it: the connection was cut, it took too long, it was a 5xx or garbage, or
//     the process was dead by then;
//   - if another process got the answer and could not save it: it died, stood
//     still, or the store was out of its reach or could not write;
//   - if the store fell back to an older state after the answer was saved, and
//     no process that knows better has looked into the store since.
//
// A decision of the user (a consent, a logout), here called a word, may be lost
//   - if every process that knew it ended before it was saved, or after the
//     store had fallen back to a state without it: see [oracle.lose].
//
// An access token may be returned after its end
//   - if neither clock of the process can know: not the monotonic one, since
//     the process got to know the token only later, nor the wall clock, since
//     it is wrong, or that of the process which got the token was;
//   - by as much time as its answer took, since its lifetime counts from when
//     it was received.

// saveBudget is how long a session keeps trying to save while it holds the
// lock.
const saveBudget = 10 * time.Second

const (
	// fairChance is how long the store must have been well within saveBudget
	// for a session to be at fault that has not saved.
	fairChance = 5 * time.Second
	// fairChanceLater is how long it must have been well later, when saving is
	// tried again now and then.
	fairChanceLater = 100 * time.Second
)

// mayResend reports whether a process may send a refresh token that was sent
// before, and why not.
func (o *oracle) mayResend(p *process, r *refreshToken, before *tokenRequest) (may bool, why string) {
	q := before.process
	switch {
	case !before.hasEnded && q == p:
		return false, "it is still waiting for the answer to the same"
	case !before.hasEnded, !before.delivered, r.used != before:
		return true, ""
	case p.remembers(r):
		return false, "it knows that there is a newer one"
	}
	answer := before.issued
	now := o.world.now()
	switch {
	case !answer.saved && o.rollbacks > 0 && q.saidAfter(r.grant.word):
		return true, "" // it was superseded, and the store has lost by what
	case !answer.saved:
		if q.couldSave(before.ended, now) {
			return false, q.name + " had the time to save " + answer.String() + ", and has not"
		}
	case p.lastLoad < answer.savedAt:
		if h := p.client.holds[key]; h != nil && p.lastLoad < h.since {
			return false, "it has not looked into the store since it took the lock"
		}
		if q.couldSave(before.ended, p.lastLoad) {
			return false, q.name + " had the time to save " + answer.String() + ", and was late"
		}
	case o.rolledBack < answer.savedAt:
		return false, "it has seen its successor in the store"
	default:
		for _, other := range o.world.processes {
			if !other.dead && other.remembers(r) && other.sawStore == o.rollbacks && other.couldSave(max(other.sawStoreAt, other.remembersSince(r)), p.lastLoad) {
				return false, other.name + " has seen that the store fell back, and had the time to save its newer one again"
			}
		}
	}
	return true, ""
}

// remembers reports whether a process knows of a successor of a refresh token. It
// has forgotten those that it did not use itself once it was logged out.
func (p *process) remembers(r *refreshToken) bool {
	return p.known[r.grant].refresh > r.number && p.loggedOut == 0
}

// remembersSince returns when a process got to know a successor of a refresh
// token. It must remember one.
func (p *process) remembersSince(r *refreshToken) moment {
	first := p.world.now()
	for a, since := range p.since {
		if a.grant == r.grant && a.refresh.number > r.number {
			first = min(first, since)
		}
	}
	return first
}

// couldSave reports whether a process had a fair chance to save what it had
// from a moment on, before another.
func (p *process) couldSave(from, to moment) bool {
	if len(p.storeCalls) > 0 { // it is waiting for the store
		return false
	}
	well := p.longestWell(from, min(to, from+saveBudget))
	return well >= fairChance || p.longestWell(from, to) >= fairChanceLater
}

// longestWell returns the longest uninterrupted time, within a span, in which a
// process could save.
func (p *process) longestWell(from, to moment) time.Duration {
	longest := time.Duration(0)
	at := from
	for _, s := range slices.SortedFunc(slices.Values(slices.Concat(p.cut, p.hung)), byBegin) {
		if s.from >= to {
			break
		}
		longest = max(longest, s.from-at)
		at = max(at, s.to)
	}
	return max(longest, to-at)
}

func byBegin(a, b span) int { return cmp.Compare(a.from, b.from) }

// cutSpans returns when the store was out of the process's reach, without
// overlaps.
func (p *process) cutSpans() []span {
	var merged []span
	for _, s := range slices.SortedFunc(slices.Values(p.cut), byBegin) {
		if n := len(merged); n > 0 && s.from <= merged[n-1].to {
			merged[n-1].to = max(merged[n-1].to, s.to)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// isCut reports whether the store is out of the process's reach at a moment.
func (p *process) isCut(at moment) bool {
	return slices.ContainsFunc(p.cut, func(s span) bool { return s.from <= at && at < s.to })
}

// sleptIn reports whether the process stood still within a time.
func (p *process) sleptIn(within span) bool {
	return slices.ContainsFunc(p.asleep, func(s span) bool { return overlap(s, within) > 0 })
}

func overlap(a, b span) time.Duration { return max(0, min(a.to, b.to)-max(a.from, b.from)) }

// lose records which words are lost for good, since no process is left that
// could save them. It is called when a process has ended or the store has lost
// something.
func (o *oracle) lose() {
	inStore := o.inStore()
	for _, w := range o.words {
		if w.gone || w == inStore || o.older(w, inStore) {
			continue
		}
		held := w.grant != nil && slices.ContainsFunc(o.world.processes, func(p *process) bool { return p != nil && o.holds(p, w) })
		if !held {
			w.gone = true
			o.world.note("oracle", "%s is lost, and nobody could have kept it", w)
		}
	}
}

// couldNotKnow reports whether a process may return a token that the accounts
// service no longer accepts, and if not, why it should have known.
func (p *process) couldNotKnow(a *accessToken, saysExpiresAt time.Time) (may bool, why string) {
	w := p.world
	const slack = 2 * time.Second
	lifetime := max(a.lifetime, time.Second)
	since, known := p.since[a]
	switch {
	case !known, p.sleptIn(span{since, w.now()}): // it may have slept between taking the token and sending it
		return true, ""
	case p.skew != 0 && w.oracle.countLogouts > 0:
		return true, "" // it may have forgotten the token in between
	case !a.clockRight && p.known[a.grant].access != a:
		return true, "" // it has had another meanwhile, and does not remember when it got this one
	case w.now()-since > lifetime+slack:
		return false, "it has had the token for " + (w.now() - since).String()
	case p.wall().After(saysExpiresAt.Add(slack + time.Second)):
		return false, "its own clock says so"
	case p.skew == 0 && a.clockRight:
		return false, "all clocks concerned are right"
	}
	return true, ""
}

// saidAfter reports whether a process knows of a word that it said after
// another.
func (p *process) saidAfter(w *word) bool {
	return slices.ContainsFunc(p.world.oracle.words, func(other *word) bool {
		return p.words.has(other) && p.world.oracle.older(w, other)
	})
}
