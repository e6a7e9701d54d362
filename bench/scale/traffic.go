package main

import (
	"math"
	"time"
)

// plan describes an app.
type plan struct {
	users       int
	active      float64       // the share of users who come on a day
	visits      float64       // how many visits such a user makes in a day
	requests    int           // of a visit
	gap         time.Duration // between two of them
	peak        float64       // the factor between the busiest hour and an average hour
	launchShare float64       // the share of users who have signed in on the day of the launch

	replicas      int
	maxSessions   int // of each replica
	maxIdle       time.Duration
	tokenRequests int
	keepWarm      float64

	endpointTakes time.Duration // a token request
	storeTakes    time.Duration // a call of the store
}

// Facts about Spotify and the library.
const (
	lifetime     = time.Hour        // of an access token
	early        = 5 * time.Minute  // before its end a token is due for renewal
	unusable     = 12 * time.Second // before its end a token is no longer used
	sweepEvery   = time.Minute      // a pool checks every session once in this time
	slotJitter   = 20 * time.Millisecond
	lookers      = 8
	lockTimeout  = 45 * time.Second
	day          = 24 * time.Hour
	consentDays  = 365.2425 / 2
	refreshIsDue = lifetime - early
)

// traffic describes what the active users do. They are away for a random time,
// which is exponentially distributed, and then come for a visit. The requests of a
// visit are a gap apart, and each goes to a random replica.
type traffic struct {
	plan
	users float64 // active users
	visit float64 // how long a visit lasts, in seconds
	away  float64 // the average time between two visits, in seconds
}

// at returns the traffic when there is factor times the average.
func (p plan) at(factor float64) traffic {
	t := traffic{plan: p, users: float64(p.users) * p.active, visit: float64(p.requests-1) * p.gap.Seconds()}
	t.away = max(day.Seconds()/(p.visits*factor)-t.visit, 1)
	return t
}

// cycle is the time from one visit of a user to the next.
func (t traffic) cycle() float64 { return t.visit + t.away }

func (t traffic) requestRate() float64 { return t.users * float64(t.requests) / t.cycle() }

// replicaVisit is the share of visits that have a request at a given replica.
// slack is how long before its first such request a visit begins, and how long
// after its last one it ends, together.
func (t traffic) replicaVisit() (share, slack float64) {
	here := 1 / float64(t.replicas)
	missed := 1.0
	for i := range t.requests {
		share += missed * here
		slack += missed * here * 2 * float64(i) * t.gap.Seconds()
		missed *= 1 - here
	}
	return share, slack / share
}

// untouched is the probability that a replica does not use a session for that many
// seconds after a use, and that then another visit uses it.
func (t traffic) untouched(seconds float64) float64 {
	share, slack := t.replicaVisit()
	return math.Exp(-share * max(seconds-slack, 0) / (t.away + (1-share)*t.visit))
}

// kept is how long a replica keeps a session that is not used: MaxIdle, or less if
// there are too many sessions. The sessions that were not used for the longest time
// are dropped first, so it is the time in which as many sessions are used as there
// is room for.
func (t traffic) kept() float64 {
	room := float64(t.maxSessions)
	low, high := 0.0, (t.maxIdle + sweepEvery/2).Seconds()
	if t.used(high) <= room {
		return high
	}
	for range 60 {
		middle := (low + high) / 2
		if t.used(middle) <= room {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// used is how many users were at a replica within that many seconds, or are there now.
func (t traffic) used(seconds float64) float64 {
	share, _ := t.replicaVisit()
	return t.users * (1 - t.untouched(seconds)*(1-share*t.visit/t.cycle()))
}

// resident is how many sessions a replica holds.
func (t traffic) resident() float64 { return t.used(t.kept()) }

// coldLoads is how many sessions all replicas load in a second because a user comes.
func (t traffic) coldLoads() float64 {
	return t.restartLoads() * float64(t.replicas) * t.untouched(t.kept())
}

// restartLoads is how many sessions a replica loads in a second after it has started.
func (t traffic) restartLoads() float64 {
	share, _ := t.replicaVisit()
	return t.users * share / t.cycle()
}

// renewals are numbers of renewals in a second.
type renewals struct {
	all   float64
	waits float64 // renewals for which a user waits
	warm  float64 // renewals that keep a token warm that nobody uses
}

// renewals counts one renewal each time that a token is due and the user comes, or
// a pool that keeps tokens warm.
func (t traffic) renewals() renewals {
	inVisit := t.visit / t.cycle()
	wait := inVisit*t.gap.Seconds()/2 + (1-inVisit)*t.away
	late := (1 - inVisit) * math.Exp(-(early-unusable).Seconds()/t.away) // comes when the token is no longer usable
	cold := renewals{all: t.users / (refreshIsDue.Seconds() + wait)}
	cold.waits = cold.all * late
	if t.keepWarm <= 0 {
		return cold
	}
	// A due token is kept warm, unless its user comes first.
	due := (refreshIsDue + sweepEvery/2).Seconds()
	lapses := t.lapses(due)
	all := t.users / (due + lapses*t.away)
	warmed := renewals{all: all, waits: all * lapses * late, warm: all * (1 - lapses)}
	if able := float64(t.replicas) * t.keepWarm; warmed.warm > able {
		done := able / warmed.warm
		return renewals{
			all: cold.all + done*(warmed.all-cold.all), waits: cold.waits + done*(warmed.waits-cold.waits), warm: able,
		}
	}
	return warmed
}

// lapses is the share of due tokens whose session no replica has any more. due is
// the time since the last renewal. It computes again and again how long ago the
// user was there when the token is due, until the result no longer changes.
func (t traffic) lapses(due float64) float64 {
	const step = 10.0 // seconds
	bins := int(t.kept()/step) + 1
	came := make([]float64, bins) // how long ago the user came again
	for x := step / 2; x < due; x += step {
		if bin := int(max(x-t.visit, 0) / step); bin < bins {
			came[bin] += math.Exp(-x/t.away) * step / t.away
		}
	}
	stayedAway := math.Exp(-due / t.away)
	ago := make([]float64, bins)
	lapsed := 1.0
	for range 500 {
		next := make([]float64, bins)
		total := 0.0
		move := func(seconds, likely float64) {
			if bin := int(seconds / step); bin < bins {
				next[bin] += likely * stayedAway
			}
		}
		move(due-t.visit, lapsed) // the token was renewed when a visit began
		for i, likely := range ago {
			move(float64(i)*step+due, likely)
		}
		for i := range next {
			next[i] += came[i]
			total += next[i]
		}
		ago, lapsed = next, max(1-total, 0)
	}
	return lapsed
}

// storeCalls are the calls of all replicas in a second.
type storeCalls struct {
	loads, looks, locks, checks, swaps, notices float64
}

// storeCalls counts the calls for cold loads and renewals. Every replica gets the
// notice of a renewal, and those that have the session load the new record.
func (t traffic) storeCalls() storeCalls {
	r := t.renewals()
	looks := (r.all-r.warm)*t.othersAfterVisit() + r.warm*t.othersWhileAway()
	return storeCalls{
		loads: t.coldLoads() + r.all + looks, looks: looks, locks: r.all, checks: r.all, swaps: r.all,
		notices: r.all * float64(t.replicas),
	}
}

// othersAfterVisit is how many other replicas have the session of a user whose
// token is renewed because the user comes. The user comes some time after the token
// was due. So all earlier visits began before it was due, and the first of them
// with a renewal.
func (t traffic) othersAfterVisit() float64 {
	share, slack := t.replicaVisit()
	kept := t.kept()
	const step = 5.0 // seconds
	has := 0.0
	for wait := step / 2; wait < kept; wait += step {
		not := t.untouched(min(kept-wait, refreshIsDue.Seconds()))
		if refreshIsDue.Seconds()+wait-t.visit+slack/2 < kept {
			not *= 1 - share
		}
		has += math.Exp(-wait/t.away) * step / t.away * (1 - not)
	}
	return float64(t.replicas-1) * has
}

// othersWhileAway is how many other replicas have the session of a user whose token
// one replica keeps warm: those of the last visit, and those that still have it
// from earlier visits.
func (t traffic) othersWhileAway() float64 {
	share, _ := t.replicaVisit()
	all := float64(t.replicas)
	return all*share - 1 + all*(1-share)*(1-t.untouched(t.kept()/2))
}

// herd describes what happens if all users of the last hour come at the same time with
// expired tokens.
type herd struct {
	users   float64
	perSec  float64 // the most token requests that the app makes
	seconds float64 // until all have a token
	inTime  float64 // the share of users who get one before their renewal gives up waiting
}

func (t traffic) herd() herd {
	return t.herdOf(t.users * (1 - (1-t.visit/t.cycle())*math.Exp(-time.Hour.Seconds()/t.away)))
}

func (t traffic) herdOf(users float64) herd {
	each := (t.endpointTakes + t.storeTakes + slotJitter/2).Seconds() // a renewal holds its slot while it checks the lock
	h := herd{users: users, perSec: float64(t.replicas*t.tokenRequests) / each}
	h.seconds = h.users / h.perSec
	h.inTime = min(1, lockTimeout.Seconds()/h.seconds)
	return h
}

// consents are numbers of consents that end on a day.
type consents struct {
	average, launch float64 // on an average day, and six months after the launch
}

// consents returns the average after all users have consented once, and the number
// on the day six months after the launch. Users who come back consent again.
func (p plan) consents() consents {
	all := float64(p.users)
	return consents{average: all / consentDays, launch: all*p.launchShare + all*(1-p.launchShare)/consentDays}
}
