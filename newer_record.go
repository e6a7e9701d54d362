package spotipie

import "time"

// The functions in this file compare a stored record with a state, by the rules at the
// beginning of transitions.go.

// isNewer reports whether a stored record replaces s. It compares the consents, and for
// one consent the renewals. Where these leave it open, what is not saved in s comes
// first, and then the higher version.
func isNewer(rec Record, s *state, now instant) bool {
	switch {
	case s == nil:
		return true
	case s.isUsedUp(rec.Token.RefreshToken()):
		return false
	case s.isLoggedOut() && !s.isUnsaved() && rec.Version > s.version:
		return true // it was saved after the logout
	}
	order := compareConsents(rec.Consent, s.consent)
	switch {
	case order != 0:
		return order > 0 && !isFromTheFuture(rec, s, now)
	case s.isAnswerTo(rec.Token):
		return false
	case rec.Consent != 0 && rec.Consent == s.consent:
		return isNewerOfConsent(rec, s)
	case s.detail().unsaved == unsavedDecision:
		return isDecidedLater(rec, s, now)
	}
	return rec.Version > s.version && !s.hasBetterAnswer(rec)
}

// isNewerOfConsent is isNewer for a record of the same consent.
func isNewerOfConsent(rec Record, s *state) bool {
	d := s.detail()
	switch {
	case rec.Renewals > s.renewals:
		return true
	case rec.Renewals < s.renewals && !sameRefreshToken(rec.Token, s.token) && !isForeign(rec, s):
		return false
	case d.refused != "" && rec.Rejected == "" && rec.Renewals == s.renewals && s.token.isSame(rec.Token):
		return false // saved again by a process that does not know of the refusal
	case d.unsaved == unsavedAnswer && isAsGood(rec, s):
		return rec.Version > s.version // another process has renewed and saved meanwhile
	}
	return rec.Version > s.version && !s.hasBetterAnswer(rec)
}

// isAnswerTo reports whether s is an answer that has just replaced a token. The token was
// saved, but the session was not told.
func (s *state) isAnswerTo(token *Token) bool {
	d := s.detail()
	return d.saving && d.unsaved == unsavedAnswer && d.handedOut.tokenOrNil().isSame(token)
}

// hasBetterAnswer reports whether what is not saved in s outlives a record with a higher
// version: one that has the same refresh token, or an earlier one that was refused.
func (s *state) hasBetterAnswer(rec Record) bool {
	d := s.detail()
	switch {
	case d.refused != "":
		return false
	case sameRefreshToken(rec.Token, s.token):
		return d.unsaved >= unsavedAnswer
	}
	return d.unsaved == unsavedAnswer && rec.Rejected != ""
}

// isAsGood reports whether a record is at least as good as the unsaved answer in s, which
// renewed the same consent. It is if it has another refresh token after the same number
// of renewals, or the same refresh token and an access token that does not end earlier.
// In the second case renewals do not count: the store may have lost some.
func isAsGood(rec Record, s *state) bool {
	switch {
	case !sameRefreshToken(rec.Token, s.token):
		return rec.Renewals == s.renewals
	case rec.Rejected != "":
		return false
	}
	return rec.Token.expiresAt > s.token.expiresAt || rec.Token.expiresAt == s.token.expiresAt && rec.Renewals == s.renewals
}

// isForeign reports whether a record has as many renewals as s had before its unsaved
// token. The caller has checked that it has another refresh token than s. No session has
// written such a record.
func isForeign(rec Record, s *state) bool {
	d := s.detail()
	return d.unsaved == unsavedAnswer && d.refused == "" && rec.Renewals+1 == s.renewals
}

// atOnce is how long after a decision of the user the store's record is taken to be from
// before the decision.
const atOnce = time.Second

// isFromTheFuture reports whether the number of a record's consent must be ignored: the
// user has just taken the decision in s, and by this process's clock the moment in the
// number is in the future. Later it counts, because a process with a better clock may
// have saved the record.
func isFromTheFuture(rec Record, s *state, now instant) bool {
	d := s.detail()
	return d.unsaved == unsavedDecision && d.saving && !isSavedSince(rec, s) &&
		consentMoment(rec.Consent) > now.consentMoment() && now.since(d.decidedAt) <= atOnce
}

// isDecidedLater reports whether a record has a later decision than the unsaved one in s
// although their numbers do not tell, because both follow a consent whose clock was ahead.
// It has if another process saved it after s had read the store, and more than atOnce
// after the decision in s. The consent that both follow may be saved again, and is not
// later.
func isDecidedLater(rec Record, s *state, now instant) bool {
	return isSavedSince(rec, s) && rec.Version > s.version &&
		consentMoment(rec.Consent) >= consentMoment(s.consent) && consentMoment(s.consent) > now.consentMoment() &&
		now.since(s.detail().decidedAt) > atOnce
}

// isSavedSince reports whether a record was saved after the store was first read for the
// user's decision in s.
func isSavedSince(rec Record, s *state) bool {
	first := s.detail().firstRead
	return first != 0 && rec.Version > first
}

// sameRefreshToken reports whether two tokens have the same refresh token, and have one.
func sameRefreshToken(a, b *Token) bool {
	return a != nil && b != nil && a.RefreshToken() != "" && a.RefreshToken() == b.RefreshToken()
}
