package spotipie

import (
	"cmp"
	"time"
)

// Every consent has a number, which orders the user's words; see transitions.go.

// consentRandomBits are the low bits of the number of a consent. They tell
// consents of the same moment apart.
const consentRandomBits = 11

// consentMoment returns the moment in the number of a consent: milliseconds of
// the clock of whoever numbered it.
func consentMoment(consent uint64) uint64 { return consent >> consentRandomBits }

func (i instant) consentMoment() uint64 {
	return uint64(max(i.wall/int64(time.Millisecond), 1))
}

// nextConsent returns the number of a consent that replaces s. A consent that
// knows of another is the newer one even if the clock is wrong.
func (r rules) nextConsent(s *state, now instant) uint64 {
	return nextConsent(s.consentOrZero(), now.consentMoment(), r.random())
}

// nextConsent makes a number of a moment in milliseconds; see [NextConsent].
func nextConsent(previous, moment, random uint64) uint64 {
	if last := consentMoment(previous); last <= lastMoment {
		moment = max(moment, last+1)
	}
	return moment<<consentRandomBits | random&(1<<consentRandomBits-1)
}

// outlive makes the number of the user's word, which is being saved for the first
// time, or meets what is in the store for the first time, higher than that of
// what it is to be saved over. After that its number stays, by which others tell
// it from what was said meanwhile.
func (s *state) outlive(d *details, moment uint64) {
	if (d.saving || d.looked == 0) && moment >= consentMoment(s.consent) && moment <= lastMoment {
		s.consent = (moment+1)<<consentRandomBits | s.consent&(1<<consentRandomBits-1)
	}
}

// versionAbove returns a version that is higher than the number of a consent, as
// versions are microseconds.
func versionAbove(consent uint64) uint64 { return (consentMoment(consent) + 1) * 1000 }

// lastMoment is where the moment in a number of a consent is no longer believed:
// the end of the year 2199, in milliseconds.
const lastMoment = 7_258_118_399_999

// compareConsents compares the moments of two consents. It returns 0 if they
// cannot be told apart, or one is not known.
func compareConsents(a, b uint64) int {
	if a == 0 || b == 0 || consentMoment(a) > lastMoment || consentMoment(b) > lastMoment {
		return 0
	}
	return cmp.Compare(consentMoment(a), consentMoment(b))
}
