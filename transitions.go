package spotipie

import (
	"slices"
	"time"
)

// The functions in this file decide what may replace what. Each takes the state at the
// time of an event, not an earlier one, and returns the next state, or the same one if
// nothing changes. They read no clock and wait for nothing.
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
//   - Of two records of the same consent, the one with more renewals is newer. If
//     they have the same number of renewals, the one with the higher version is
//     newer. The version also decides if the record with fewer renewals has the same
//     refresh token: then a store has fallen back, and another process has renewed
//     from there. But of two unsaved answers with the same refresh token, the one
//     whose access token ends later is kept, and so of two answers to an app. A store
//     has fallen back if it returns something older than the session had seen before
//     it asked.
//   - A record with the number of the user's unsaved decision comes from it: the
//     decision was saved, but the answer was lost.
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
	switch r.flow {
	case FlowClientCredentials:
		return true
	case FlowAuthorizationCode:
		return s.refreshToken() != "" && s.detail().refused == ""
	}
	return false
}

// hold makes s hold a token, and sets the moments that go with it.
func (r rules) hold(s *state, more *details, token *Token, now instant, shortest time.Duration) {
	s.token = token
	quarter := token.expiresIn / 4
	s.expired = token.expiresAt - int64(min(expiredMargin, quarter))
	if shortest > 0 {
		s.expired = max(s.expired, now.wall+int64(shortest))
	}
	s.expiredMonotonic = now.monotonic + min(s.expired-now.wall, int64(max(token.expiresIn, shortestLife)))
	s.stale = s.expired
	s.more = more // for isRenewable
	if r.isRenewable(s) {
		s.stale = min(s.expired, token.expiresAt-int64(min(r.early(), quarter)))
	}
	if shortest > 0 {
		s.stale = max(s.stale, min(s.expired, now.wall+int64(shortest)))
	}
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
		if next.authorizedAt == 0 && s.signedIn() && sameAuthorization(s.token, token) {
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
	if d := next.detail(); d.unsaved == unsavedDecision && d.looked == 0 {
		next = next.with(func(_ *state, more *details) { more.looked = max(store.version, 1) })
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
	case s.signedIn() && !s.isUnsaved() || s != nil && !s.signedIn() && s.version != 0: // lost: save it again
		return s.with(func(_ *state, more *details) { more.unsaved = s.unsavedIfLost() })
	}
	return s
}

func (r rules) loadedDeletion(s *state, version uint64, now instant) *state {
	switch {
	case s.detail().unsaved == unsavedDecision && s.signedIn():
		return s.with(func(next *state, more *details) {
			if more.looked != 0 {
				return // the deletion is later than the decision
			}
			// If the decision has waited for the store, count from when it was taken, so
			// that decisions that waited keep their order.
			moment := version / 1000
			if moment <= now.consentMoment() { // else the deletion follows a record whose clock was ahead, or ours is slow
				taken := instant{wall: now.wall - (now.monotonic - more.decidedAt)}
				moment = min(moment, taken.consentMoment())
			}
			next.outlive(more, moment)
		})
	case s.signedIn() && version <= s.version: // s has got its token since then
		return s.with(func(_ *state, more *details) { more.unsaved = max(more.unsaved, unsavedAgain) })
	case s != nil && !s.signedIn() && version < s.version: // the logout is lost: whoever has a token from before it would save that
		return s.with(func(_ *state, more *details) { more.unsaved = unsavedDecision })
	case s != nil && !s.signedIn() && version == s.version && !s.isUnsaved():
		return s
	}
	return s.with(func(next *state, more *details) {
		*more = details{usedUp: more.usedUp}
		next.token, next.authorizedAt = nil, 0
		next.version = max(next.version, version)
	})
}

func (r rules) loadedRecord(s *state, rec Record, now instant) *state {
	same := s.signedIn() && s.token.isSame(rec.Token)
	switch {
	case same && rec.Version == s.version && !s.isUnsaved():
		return s
	case same && s.isUnsaved() && rec.Rejected == s.detail().refused && rec.Consent == s.consent && rec.Version > s.version:
		return r.saved(s, s, rec.Version) // s was saved, but the answer was lost
	case !r.isNewer(rec, s, now):
		return s.with(func(next *state, more *details) { // s must be saved over the record
			if more.unsaved == unsavedDecision {
				next.outlive(more, consentMoment(rec.Consent))
			}
			if !next.signedIn() {
				if rec.Version < s.version || s.isUsedUp(rec.Token.RefreshToken()) { // the record is from before the logout
					more.unsaved = unsavedDecision
				}
				return
			}
			more.unsaved = max(more.unsaved, unsavedAgain)
			if s.isUsedUp(rec.Token.RefreshToken()) && compareConsents(rec.Consent, s.consent) > 0 {
				next.consent = consentAt(consentMoment(rec.Consent)+1, s.consent)
			}
			if at := nanosecondsOf(rec.RemindedAt); rec.Consent == next.consent && at != 0 {
				more.remindedAt = at
			}
			if next.authorizedAt == 0 && sameAuthorization(rec.Token, next.token) {
				next.authorizedAt = nanosecondsOf(rec.AuthorizedAt)
			}
		})
	}
	return s.with(func(next *state, more *details) {
		*more = details{usedUp: more.usedUp, refused: rec.Rejected, remindedAt: nanosecondsOf(rec.RemindedAt)}
		if rec.Rejected != "" {
			more.refusedAt = nanosecondsOf(rec.RejectedAt)
		}
		if rec.Consent != 0 && rec.Consent == s.consentOrZero() && rec.Renewals >= s.renewals && s.refreshToken() != rec.Token.RefreshToken() {
			more.usedUp = append(slices.Clip(more.usedUp), fingerprintOf(s.refreshToken())) // by another process
		}
		r.setRequestedScope(more, rec)
		if expired, monotonic := next.expired, next.expiredMonotonic; same {
			r.hold(next, more, s.token, now, 0)
			// The session knows these better than the wall clock alone would tell.
			next.expired, next.expiredMonotonic, next.stale = expired, monotonic, min(next.stale, expired)
		} else {
			r.hold(next, more, rec.Token, now, 0)
		}
		next.version = rec.Version
		next.consent, next.renewals = rec.Consent, rec.Renewals
		next.authorizedAt = nanosecondsOf(rec.AuthorizedAt)
	})
}

// isNewer reports whether a stored record replaces s.
func (r rules) isNewer(rec Record, s *state, now instant) bool {
	d := s.detail()
	isSameConsent := s != nil && rec.Consent != 0 && rec.Consent == s.consent
	isSameRefreshToken := s.signedIn() && sameAuthorization(rec.Token, s.token)
	switch {
	case s == nil:
		return true
	case s.isUsedUp(rec.Token.RefreshToken()):
		return false
	case !s.signedIn() && !s.isUnsaved() && rec.Version > s.version:
		return true // it was saved after the logout
	case r.isDecidedLater(rec, s, now):
		return true
	case compareConsents(rec.Consent, s.consent) != 0:
		return compareConsents(rec.Consent, s.consent) > 0 && !r.isAheadOfTheClock(rec, s, now)
	case d.unsaved == unsavedAnswer && s.signedIn() && s.refreshToken() == "" && rec.Token.expiresAt != s.token.expiresAt:
		return rec.Token.expiresAt > s.token.expiresAt // an app's tokens do not use each other up
	case isSameConsent && rec.Renewals > s.renewals:
		return true
	case isSameConsent && rec.Renewals < s.renewals && !isSameRefreshToken && !r.isForeign(rec, s):
		return false
	case d.unsaved == unsavedDecision && !isSameConsent:
		return false
	case isSameConsent && d.refused != "" && rec.Rejected == "" && rec.Renewals == s.renewals && s.token.isSame(rec.Token):
		return false // saved again by a process that does not know of the refusal
	case isSameConsent && d.unsaved == unsavedAnswer && isAsGood(rec, s):
		return rec.Version > s.version // another process has renewed and saved meanwhile
	case d.unsaved == unsavedAnswer && d.refused == "" && rec.Rejected != "":
		return false // the new answer outlives a refusal of the earlier refresh token
	case d.unsaved >= unsavedAnswer && d.refused == "" && isSameRefreshToken:
		return false // an earlier token of this session, or one that is as good
	}
	return rec.Version > s.version
}

// isAsGood reports whether a record is at least as good as the unsaved answer in s, which
// renewed the same consent. It is if it has another refresh token after the same number
// of renewals, or the same refresh token and an access token that does not end earlier.
// In the second case renewals do not count: the store may have lost some.
func isAsGood(rec Record, s *state) bool {
	switch {
	case !sameAuthorization(rec.Token, s.token):
		return rec.Renewals == s.renewals
	case rec.Rejected != "":
		return false
	}
	return rec.Token.expiresAt > s.token.expiresAt || rec.Token.expiresAt == s.token.expiresAt && rec.Renewals == s.renewals
}

// isForeign reports whether a record has the same number of renewals as the record that
// s has just renewed, but another refresh token. No session has written such a record.
func (r rules) isForeign(rec Record, s *state) bool {
	return s.detail().unsaved == unsavedAnswer && rec.Renewals+1 == s.renewals
}

// atOnce is how long after a decision of the user the store's record is taken to be from
// before the decision.
const atOnce = time.Second

// isAheadOfTheClock reports whether the number of a record's consent must be ignored: the
// user has just taken the decision in s, and by this process's clock the moment in the
// number is in the future. Later it counts, because a process with a better clock may
// have saved the record.
func (r rules) isAheadOfTheClock(rec Record, s *state, now instant) bool {
	d := s.detail()
	return d.unsaved == unsavedDecision && d.saving && !isSavedSince(rec, s) &&
		consentMoment(rec.Consent) > now.consentMoment() && time.Duration(now.monotonic-d.decidedAt) <= atOnce
}

// isDecidedLater reports whether a record has a later decision than s although their
// numbers do not tell, because both follow a consent whose clock was ahead. It has if
// another process saved it after s had read the store, and more than atOnce after the
// decision in s. The consent that both follow may be saved again, and is not later.
func (r rules) isDecidedLater(rec Record, s *state, now instant) bool {
	d, moment := s.detail(), now.consentMoment()
	return d.unsaved == unsavedDecision && isSavedSince(rec, s) && rec.Version > s.version && rec.Consent != s.consent &&
		consentMoment(rec.Consent) >= consentMoment(s.consent) && consentMoment(s.consent) > moment && time.Duration(now.monotonic-d.decidedAt) > atOnce
}

// isSavedSince reports whether a record was saved after the store was first read for the
// user's decision in s.
func isSavedSince(rec Record, s *state) bool {
	looked := s.detail().looked
	return looked != 0 && rec.Version > looked
}

// saved means that the store has saved the state what with the given version.
func (r rules) saved(s, what *state, version uint64) *state {
	isWhat := s.tokenOrNil().isSame(what.tokenOrNil()) && s.detail().refused == what.detail().refused && s.consent == what.consent
	return s.with(func(next *state, more *details) {
		next.version = max(next.version, version)
		switch {
		case !isWhat && s != nil && version > s.version && !s.isUnsaved(): // the store fell back, and was then changed by this late save
			more.unsaved = s.unsavedIfLost()
			return
		case !isWhat:
			return
		case !s.signedIn():
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
	if !s.signedIn() || !s.isTooLong(now) {
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

// sameAuthorization reports whether two tokens have the same refresh token.
func sameAuthorization(a, b *Token) bool {
	return a != nil && b != nil && a.RefreshToken() != "" && a.RefreshToken() == b.RefreshToken()
}
