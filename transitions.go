package spotipie

import (
	"slices"
	"time"
)

// The functions in this file decide what may replace what. Each takes the state at the
// time of an event, not an earlier one, and returns the next state, or the same one if
// nothing changes. They read no clock and wait for nothing. Which of a state and a stored
// record is newer is in newer_record.go.
//
// The rules:
//
//   - A decision of the user (a consent, a token that is set, a logout) is not
//     replaced by a load, save or renewal that began before it.
//   - A consent with a higher number ([Record].Consent) is newer, whatever the
//     versions are. A session reads the store before it numbers a consent, so
//     that a wrong clock does not make the consent older than the one it replaces.
//     The version of a record, and so that of its deletion, is higher than the
//     number of its consent.
//   - For a second after a decision, a consent from the future does not count. If two
//     decisions follow a consent from the future, their numbers may not tell which is
//     later. Then the one that is saved after the other had read the store is later.
//   - Of two records of the same consent, the one with more renewals is newer. If
//     they have the same number of renewals, the one with the higher version is
//     newer. The version also decides if the record with fewer renewals has the same
//     refresh token: then a store has fallen back, and another process has renewed
//     from there.
//   - An unsaved answer outlives a refusal of the earlier refresh token. It also
//     outlives a record with the same refresh token whose access token ends earlier.
//   - A record with the number of the user's unsaved decision comes from it: the
//     decision was saved, but the answer was lost.
//   - A store has fallen back if it returns something older than the session had seen
//     before it asked. What it has lost is saved again.
//   - A refresh token that was used up is never current again, whichever record
//     has it. If the consent of that record is newer, the session's own consent gets
//     a higher number: other sessions do not know that the token was used up, and
//     would save the record again.
//   - A session keeps what the accounts service has given it until that is saved
//     or there is something newer.
//   - A refusal belongs to the refresh token that was refused.

// rules are the parts of a session that its transitions depend on.
type rules struct {
	clientID string
	flow     Flow
	scope    Scopes
	// early returns how long before its end a token is due for renewal.
	early  func() time.Duration
	random func() uint64
}

// stored is what a store has under a key.
type stored struct {
	rec     Record
	found   bool
	version uint64 // of the record or of the deletion; 0: there is neither
	// seen is the version that the session had seen when the store was asked.
	seen uint64
}

const (
	// expiredMargin is how long before its end a token is no longer used: a request
	// that starts now must still arrive in time.
	expiredMargin = 10 * time.Second
	// shortestLife is how long a new token is used, whatever its lifetime is:
	// another request would bring the same.
	shortestLife = time.Second
)

// isRenewable reports whether the session could get another token in place of
// s without the user.
func (r rules) isRenewable(s *state) bool {
	return r.mayAskAgain(s.refreshToken(), s.detail().refused)
}

func (r rules) mayAskAgain(refreshToken, refused string) bool {
	switch r.flow {
	case FlowClientCredentials:
		return true
	case FlowAuthorizationCode:
		return refreshToken != "" && refused == ""
	}
	return false
}

// hold makes s hold a token, and sets the moments that go with it. shortest is for how
// long the token is used whatever its lifetime is.
func (r rules) hold(s *state, more *details, token *Token, now instant, shortest time.Duration) {
	s.token = token
	quarter := token.expiresIn / 4
	s.expired = token.expiresAt - int64(min(expiredMargin, quarter))
	if shortest > 0 {
		s.expired = max(s.expired, now.wall+int64(shortest))
	}
	s.expiredMonotonic = now.monotonic + min(s.expired-now.wall, int64(max(token.expiresIn, shortestLife)))
	s.stale = s.expired
	if r.mayAskAgain(token.RefreshToken(), more.refused) {
		s.stale = min(s.expired, token.expiresAt-int64(min(r.early(), quarter)))
	}
	if shortest > 0 {
		s.stale = max(s.stale, min(s.expired, now.wall+int64(shortest)))
	}
}

// holdLoaded is hold for a token from the store. If the session already holds it, the
// session keeps its expiry: it knows that better than the wall clock alone would tell.
func (r rules) holdLoaded(s *state, more *details, token *Token, now instant) {
	held := *s
	if !held.token.isSame(token) {
		r.hold(s, more, token, now, 0)
		return
	}
	r.hold(s, more, held.token, now, 0)
	s.expired, s.expiredMonotonic = held.expired, held.expiredMonotonic
	s.stale = min(s.stale, held.expired)
}

// given is a decision of the user: a consent or a token that was set. It replaces
// every state, and must be saved over every record. A token whose refresh token was used
// up does not count: s has its successor.
func (r rules) given(s *state, rec Record, now instant) *state {
	token := rec.Token
	if s.signedIn() && s.isUsedUp(token.RefreshToken()) {
		return s
	}
	return s.with(func(next *state, more *details) {
		handedOut := s.current()
		*more = details{usedUp: more.usedUp, unsaved: unsavedDecision, saving: true, handedOut: handedOut, decidedAt: now.monotonic}
		r.setRequestedScope(more, rec)
		r.hold(next, more, token, now, 0)
		next.authorizedAt = nanosecondsOf(rec.AuthorizedAt)
		if next.authorizedAt == 0 && s.signedIn() && sameRefreshToken(s.token, token) {
			next.authorizedAt = s.authorizedAt
		}
		next.consent, next.renewals = r.nextConsent(s, now), 0
	})
}

// loggedOut is a decision of the user: to forget the authorization.
func (r rules) loggedOut(s *state, now instant) *state {
	return s.with(func(next *state, more *details) {
		*more = details{usedUp: more.usedUp, unsaved: unsavedDecision, saving: true, decidedAt: now.monotonic}
		next.token, next.authorizedAt = nil, 0
		next.consent, next.renewals = r.nextConsent(s, now), 0
	})
}

// received is a new token from the accounts service that replaces the token of asked,
// which may be nil. sent is when the request was sent. The token's lifetime may count
// from then on.
func (r rules) received(s, asked *state, token *Token, sent, now instant) *state {
	used := asked.refreshToken()
	rotated := used != "" && token.RefreshToken() != "" && token.RefreshToken() != used
	applies := s == asked || s.signedIn() && asked.signedIn() && s.token.isSame(asked.token) ||
		used != "" && s.refreshToken() == used
	isRenewed := used != "" && s.signedIn() && s.consent == asked.consent && s.renewals > asked.renewals && s.isUsable(now)
	if !rotated && (!applies || isRenewed) { // isRenewed: another process has renewed it meanwhile
		return s
	}
	return s.with(func(next *state, more *details) {
		if rotated {
			more.usedUp = append(slices.Clip(more.usedUp), fingerprintOf(used))
		}
		if !applies { // the user has signed in or out meanwhile
			return
		}
		handedOut := s.current()
		more.refused, more.refusedAt = "", 0
		next.renewals++
		more.unsaved = max(more.unsaved, unsavedAnswer)
		more.saving, more.handedOut = true, handedOut
		r.hold(next, more, r.inherit(token, s.tokenOrNil()), now, shortestLife)
		next.expiredMonotonic = min(next.expiredMonotonic, max(sent.monotonic+int64(token.expiresIn), now.monotonic+int64(shortestLife)))
	})
}

// refused is the accounts service's final refusal of the refresh token of asked.
func (r rules) refused(s, asked *state, words string, now instant) *state {
	if asked.refreshToken() == "" || s.refreshToken() != asked.refreshToken() {
		return s
	}
	return s.with(func(next *state, more *details) {
		more.refused, more.refusedAt = words, now.wall
		more.unsaved = max(more.unsaved, unsavedAnswer)
		next.stale = next.expired
	})
}

// doubted means that the refusal may be a fault of the accounts service. The store
// keeps the refusal until there is another answer.
func (r rules) doubted(s *state) *state {
	if s.detail().refused == "" {
		return s
	}
	return s.with(func(_ *state, more *details) { more.refused, more.refusedAt = "", 0 })
}

// loaded is what the store has. It must fit this session (see check).
func (r rules) loaded(s *state, store stored, now instant) *state {
	if store.isOvertakenBy(s) {
		return s
	}
	next := r.loadedAny(s, store, now)
	if d := next.detail(); d.unsaved == unsavedDecision && d.firstRead == 0 {
		next = next.with(func(_ *state, more *details) { more.firstRead = max(store.version, 1) })
	}
	if s.signedIn() && next.isUnsaved() && (store.version < s.version || !s.isUnsaved()) && !next.detail().fallenBack {
		next = next.with(func(_ *state, more *details) { more.fallenBack = true })
	}
	return next
}

// isOvertakenBy reports whether something newer was saved or loaded since the store was
// asked. Then its answer does not count.
func (store stored) isOvertakenBy(s *state) bool {
	return s != nil && store.version < s.version && store.seen < s.version
}

func (r rules) loadedAny(s *state, store stored, now instant) *state {
	switch {
	case store.found:
		return r.loadedRecord(s, store.rec, now)
	case store.version != 0:
		return r.loadedDeletion(s, store.version, now)
	case s.signedIn() && !s.isUnsaved(), s.isLoggedOut() && s.version != 0: // lost: save it again
		return s.with(func(_ *state, more *details) { more.unsaved = s.unsavedIfLost() })
	}
	return s
}

func (r rules) loadedDeletion(s *state, version uint64, now instant) *state {
	switch {
	case s.detail().unsaved == unsavedDecision && s.signedIn():
		return s.keptOverDeletion(version, now)
	case s.signedIn() && version <= s.version: // s has got its token since then
		return s.with(func(_ *state, more *details) { more.unsaved = max(more.unsaved, unsavedAgain) })
	case s.isLoggedOut() && version < s.version: // the logout is lost: whoever has a token from before it would save that
		return s.with(func(_ *state, more *details) { more.unsaved = unsavedDecision })
	case s.isLoggedOut() && version == s.version && !s.isUnsaved():
		return s
	}
	return s.with(func(next *state, more *details) {
		*more = details{usedUp: more.usedUp}
		next.token, next.authorizedAt = nil, 0
		next.version = max(next.version, version)
	})
}

// keptOverDeletion keeps the user's unsaved decision. If the store was not read since, the
// deletion is older. If the decision has waited for the store, its number counts from when
// it was taken, so that decisions that waited keep their order.
func (s *state) keptOverDeletion(version uint64, now instant) *state {
	return s.with(func(next *state, more *details) {
		if more.firstRead != 0 {
			return // the deletion is later than the decision
		}
		moment := momentOf(version)
		if moment <= now.consentMoment() { // else the deletion follows a record whose clock was ahead, or ours is slow
			taken := instant{wall: now.wall - int64(now.since(more.decidedAt))}
			moment = min(moment, taken.consentMoment())
		}
		next.consent = consentAbove(next.consent, moment)
	})
}

// loadedRecord decides between s and a stored record.
func (r rules) loadedRecord(s *state, rec Record, now instant) *state {
	isSameToken := s.tokenOrNil().isSame(rec.Token)
	switch {
	case isSameToken && !s.isUnsaved() && rec.Version == s.version:
		return s
	case isSameToken && s.isUnsaved() && rec.Version > s.version && rec.Consent == s.consent && rec.Rejected == s.detail().refused:
		return r.saved(s, s, rec.Version) // s was saved, but the answer was lost
	case isNewer(rec, s, now):
		return r.replacedBy(s, rec, now)
	case s.signedIn():
		return s.keptOver(rec)
	}
	return s.keptLoggedOut(rec)
}

// replacedBy returns the state of a record that is newer than s.
func (r rules) replacedBy(s *state, rec Record, now instant) *state {
	return s.with(func(next *state, more *details) {
		*more = details{usedUp: more.usedUp, refused: rec.Rejected, remindedAt: nanosecondsOf(rec.RemindedAt)}
		if rec.Rejected != "" {
			more.refusedAt = nanosecondsOf(rec.RejectedAt)
		}
		if isRenewalOf(rec, s) {
			more.usedUp = append(slices.Clip(more.usedUp), fingerprintOf(s.refreshToken()))
		}
		r.setRequestedScope(more, rec)
		r.holdLoaded(next, more, rec.Token, now)
		next.version = rec.Version
		next.consent, next.renewals = rec.Consent, rec.Renewals
		next.authorizedAt = nanosecondsOf(rec.AuthorizedAt)
	})
}

// isRenewalOf reports whether another process has used up the refresh token of s, and
// has saved the answer in a record.
func isRenewalOf(rec Record, s *state) bool {
	used := s.refreshToken()
	return used != "" && used != rec.Token.RefreshToken() && rec.Consent != 0 && rec.Consent == s.consent && rec.Renewals >= s.renewals
}

// keptOver keeps the token of s, which must be saved over an older record. It takes from
// the record what s does not know.
func (s *state) keptOver(rec Record) *state {
	return s.with(func(next *state, more *details) {
		if more.mayRenumber() {
			next.consent = consentAbove(next.consent, consentMoment(rec.Consent))
		}
		more.unsaved = max(more.unsaved, unsavedAgain)
		if s.isUsedUp(rec.Token.RefreshToken()) && compareConsents(rec.Consent, s.consent) > 0 {
			next.consent = consentAbove(next.consent, consentMoment(rec.Consent))
		}
		if at := nanosecondsOf(rec.RemindedAt); rec.Consent == next.consent && at != 0 {
			more.remindedAt = at
		}
		if next.authorizedAt == 0 && sameRefreshToken(rec.Token, next.token) {
			next.authorizedAt = nanosecondsOf(rec.AuthorizedAt)
		}
	})
}

// keptLoggedOut keeps a logout. A record from before the logout must be deleted.
func (s *state) keptLoggedOut(rec Record) *state {
	return s.with(func(next *state, more *details) {
		if more.mayRenumber() {
			next.consent = consentAbove(next.consent, consentMoment(rec.Consent))
		}
		if rec.Version < s.version || s.isUsedUp(rec.Token.RefreshToken()) {
			more.unsaved = unsavedDecision
		}
	})
}

// saved means that the store has saved the state what with the given version.
func (r rules) saved(s, what *state, version uint64) *state {
	return s.with(func(next *state, more *details) {
		next.version = max(next.version, version)
		if !s.isSame(what) {
			if s != nil && version > s.version && !s.isUnsaved() { // the store fell back, and was then changed by this late save
				more.unsaved = s.unsavedIfLost()
			}
			return
		}
		if !s.signedIn() {
			next.version = version // lower, if the store has fallen back and its clock is slow
		}
		more.unsaved, more.fallenBack = unsavedNothing, false
		more.saving, more.handedOut = false, nil
		if extra := len(more.usedUp) - keptUsedUp; extra > 0 {
			more.usedUp = slices.Clone(more.usedUp[extra:])
		}
	})
}

// saveFailed means that the first attempt to save s has failed. Callers get s now, and
// it is saved later.
func (r rules) saveFailed(s *state) *state {
	if !s.detail().saving {
		return s
	}
	return s.with(func(_ *state, more *details) { more.saving, more.handedOut = false, nil })
}

// clockSetBack means that the clock was ahead when the token was received, so its age is
// not known. The token is expired now, or if it cannot be renewed, one lifetime from
// now.
func (r rules) clockSetBack(s *state, now instant) *state {
	if !s.signedIn() || !s.outlivesLifetime(now) {
		return s
	}
	return s.with(func(next *state, _ *details) {
		var end instant // long ago, also for callers who read the clock a moment before
		if !r.isRenewable(s) {
			end = now.add(s.token.expiresIn)
		}
		next.expired, next.stale = end.wall, end.wall
		next.expiredMonotonic = min(next.expiredMonotonic, end.monotonic)
	})
}

// inherit fills in what an answer leaves out because it has not changed: the refresh
// token (RFC 6749 section 6) and the scope (section 5.1).
func (r rules) inherit(token, old *Token) *Token {
	t := *token
	if len(t.scope) == 0 {
		if t.scope = r.scope; old != nil {
			t.scope = old.scope
		}
	}
	if slices.Equal(t.scope, r.scope) {
		t.scope = r.scope // one copy for all the session's tokens
	}
	if t.RefreshToken() == "" && old != nil && old.RefreshToken() != "" {
		return t.withRefreshToken(old.RefreshToken())
	}
	return &t
}

func (r rules) setRequestedScope(more *details, rec Record) {
	if !rec.RequestedScope.Equal(r.scope) {
		more.requestedScope = rec.RequestedScope.Normalize()
		if more.requestedScope == nil {
			more.requestedScope = Scopes{}
		}
	}
}
