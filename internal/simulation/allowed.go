package simulation

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/spotipie/spotipie"
)

// This file lists what no session can prevent. Everything else is a fault.
//
// A refresh token may be sent again
//   - if the answer to the earlier request never reached the session that sent
//     it: the connection was cut, the answer took too long, it was a 5xx or garbage,
//     or the process was dead by then;
//   - if another process got the answer and could not save it: the process died or
//     was suspended, or the store was out of its reach or could not write;
//   - if the store fell back to an older state after the answer was saved, and
//     no process that knows the answer has loaded the record since;
//   - if the record with the answer was deleted before the process looked: it holds a
//     login of which it does not know that it was saved.
//
// A decision of the user (a consent or a logout) may be lost
//   - if every process that knew it ended before it was saved, or after the
//     store had fallen back to a state without it: see [oracle.lose];
//   - if it is a consent whose refresh token was used up, and the store has lost the
//     logout that ended it.
//
// An access token may be returned after its end
//   - if the process cannot know it by either clock: the monotonic clock does not
//     help because the process learned of the token only later, and the wall clock
//     is wrong, or that of the process that got the token was;
//   - for as long as the answer took, because a lifetime counts from the moment at
//     which the token is received.

// saveBudget is how long a session keeps trying to save while it holds the
// lock.
const saveBudget = 10 * time.Second

const (
	// A session that has not saved is at fault if the store worked for at least
	// fairChance within saveBudget.
	fairChance = 5 * time.Second
	// fairChanceLater is the same for the time after saveBudget, when a session
	// tries again only now and then.
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
	case !answer.saved && q.decidedAfter(r.grant.decision):
		return true, "" // the decision that replaced it waits to be saved, or the store has lost it
	case !answer.saved:
		if q.couldSave(before.ended, now) {
			return false, q.name + " had the time to save " + answer.String() + ", and has not"
		}
	case p.lastLoad < answer.savedAt:
		if h := p.client.holds[p.key]; h != nil && p.lastLoad < h.since {
			return false, "it has not looked into the store since it took the lock"
		}
		if q.couldSave(before.ended, p.lastLoad) {
			return false, q.name + " had the time to save " + answer.String() + ", and was late"
		}
	case o.rolledBack < answer.savedAt && !o.loggedOutSince(answer.savedAt):
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

// loggedOutSince reports whether somebody has logged out at a moment or since.
func (o *oracle) loggedOutSince(from moment) bool {
	return slices.ContainsFunc(o.decisions, func(w *decision) bool { return w.grant == nil && w.at >= from })
}

// remembers reports whether a process knows of a successor of a refresh token. A
// logout makes a process forget them.
func (p *process) remembers(r *refreshToken) bool {
	return p.known[r.grant].refresh > r.number && p.loggedOut == 0
}

// loggedOutOf reports whether a process has used up the refresh token of a token, and lost
// the successor by a logout. Then it may go back to an older login, which works.
func (p *process) loggedOutOf(a *accessToken) bool {
	return p.known[a.grant].refresh > a.refresh.number && p.loggedOut > 0
}

// remembersSince returns when a process learned of a successor of a refresh token. The
// process must remember one.
func (p *process) remembersSince(r *refreshToken) moment {
	first := p.world.now()
	for a, since := range p.since {
		if a.grant == r.grant && a.refresh.number > r.number {
			first = min(first, since)
		}
	}
	return first
}

// couldSave reports whether a process had a fair chance to save what it got at the
// moment from, before the moment to.
func (p *process) couldSave(from, to moment) bool {
	if len(p.storeCalls) > 0 { // it is waiting for the store
		return false
	}
	well := p.longestWell(from, min(to, from+saveBudget))
	return well >= fairChance || p.longestWell(from, to) >= fairChanceLater
}

// unhurried is the time after which a call counts as slow.
const unhurried = 100 * time.Millisecond

// noteCall notes a call of the store if it was slow and in the way of a save: a Swap, or
// the look at the record after a conflict.
func (p *process) noteCall(call Call, during span, inTheWay bool, err error) {
	if during.to-during.from > unhurried && inTheWay {
		p.hung = append(p.hung, during)
	}
	switch {
	case call == SwapCall:
		p.inTheWay = errors.Is(err, spotipie.ErrVersionConflict)
	case call == LoadCall && err == nil:
		p.inTheWay = false
	}
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

// cutSpans returns the times in which the store was out of the process's reach.
// They do not overlap.
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

// sleptIn reports whether the process was suspended within a span.
func (p *process) sleptIn(within span) bool {
	return slices.ContainsFunc(p.asleep, func(s span) bool { return overlap(s, within) > 0 })
}

func overlap(a, b span) time.Duration { return max(0, min(a.to, b.to)-max(a.from, b.from)) }

// lose records which decisions are lost for good because no process is left that
// could save them. It is called when a process has ended or the store has lost
// something.
func (o *oracle) lose() {
	inStore := o.inStore()
	for _, w := range o.decisions {
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

// learnedSince reports whether a process has learned since a moment of an access token
// that came with a refresh token. Then a refusal before that need not be final.
func (p *process) learnedSince(r *refreshToken, at moment) bool {
	for a, since := range p.since {
		if a.refresh == r && since > at {
			return true
		}
	}
	return false
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
	case (p.skew != 0 || !a.clockRight) && w.oracle.logoutsOf(p) > 0:
		return true, "" // it may have forgotten the token in between
	case (p.skew != 0 || !a.clockRight) && p.known[a.grant].access != a:
		return true, "" // it has had another token meanwhile, and does not remember when it got this one
	case w.now()-since > lifetime+slack:
		return false, "it has had the token for " + (w.now() - since).String()
	case p.wall().After(saysExpiresAt.Add(slack + time.Second)):
		return false, "its own clock says so"
	case p.skew == 0 && a.clockRight:
		return false, "all clocks concerned are right"
	}
	return true, ""
}

// decidedAfter reports whether a process knows of a decision that is newer than w.
func (p *process) decidedAfter(w *decision) bool {
	return slices.ContainsFunc(p.world.oracle.decisions, func(other *decision) bool {
		return p.decisions.has(other) && p.world.oracle.older(w, other)
	})
}
