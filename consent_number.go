package spotipie

import (
	"cmp"
	"time"
)

// Every consent has a number. The numbers order the user's decisions; see
// transitions.go.

// consentRandomBits is how many low bits of a consent's number are random. They
// distinguish consents of the same moment.
const consentRandomBits = 11

// consentMoment returns the moment in the number of a consent: milliseconds of the
// clock of the process that numbered it.
func consentMoment(consent uint64) uint64 { return consent >> consentRandomBits }

func (i instant) consentMoment() uint64 {
	return uint64(max(i.wall/int64(time.Millisecond), 1))
}

// nextConsent returns the number of a consent that replaces s. The number is higher
// than that of s, or later than the deletion that s knows, even if the clock is wrong.
func (r rules) nextConsent(s *state, now instant) uint64 {
	previous := s.consentOrZero()
	if s.isLoggedOut() {
		previous = max(previous, consentAt(momentOf(s.version), 0))
	}
	return nextConsent(previous, now.consentMoment(), r.random())
}

// nextConsent makes a number from a moment in milliseconds; see [NextConsent].
func nextConsent(previous, moment, random uint64) uint64 {
	if last := consentMoment(previous); last <= lastMoment {
		moment = max(moment, last+1)
	}
	return consentAt(moment, random)
}

// consentAt makes a number from a moment, and from the low bits of random.
func consentAt(moment, random uint64) uint64 {
	return moment<<consentRandomBits | random&(1<<consentRandomBits-1)
}

// consentAbove returns consent, or if its moment is not later than the given one, a
// number just after that.
func consentAbove(consent, moment uint64) uint64 {
	if moment < consentMoment(consent) || moment > lastMoment {
		return consent
	}
	return consentAt(moment+1, consent)
}

// mayRenumber reports whether the number of the user's decision may still change, to be
// above that of the record that it will be saved over. It may only while the decision is
// saved for the first time, or before the store was read since. After that the number
// stays, so that others can tell the decision from later ones.
func (d *details) mayRenumber() bool {
	return d.unsaved == unsavedDecision && (d.saving || d.firstRead == 0)
}

// Versions are in microseconds, and moments in milliseconds.
const versionsPerMoment = 1000

// momentOf returns the moment of a version.
func momentOf(version uint64) uint64 { return version / versionsPerMoment }

// versionAbove returns a version that is later than the moment of a consent.
func versionAbove(consent uint64) uint64 { return (consentMoment(consent) + 1) * versionsPerMoment }

// lastMoment is the latest moment that is accepted in the number of a consent: the
// end of the year 2199, in milliseconds.
const lastMoment = 7_258_118_399_999

// compareConsents compares the moments of two consents. It returns 0 if they are the
// same, or if one is not known.
func compareConsents(a, b uint64) int {
	if a == 0 || b == 0 || consentMoment(a) > lastMoment || consentMoment(b) > lastMoment {
		return 0
	}
	return cmp.Compare(consentMoment(a), consentMoment(b))
}
