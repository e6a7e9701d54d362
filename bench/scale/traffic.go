package main

import (
	"math"
	"time"
)

// plan is what an app is like.
type plan struct {
	users       int
	active      float64       // the share of users who come on a day
	visits      float64       // of such a user in a day
	requests    int           // of a visit
	gap         time.Duration // between two of them
	peak        float64       // how many times as much there is in the busiest hour as on average
	launchShare float64       // the share of users who have signed in on the day of the launch

	replicas      int
	maxSessions   int // of each replica
	maxIdle       time.Duration
	tokenRequests int
	keepWarm      float64

	endpointTakes time.Duration // a token request
	storeTakes    time.Duration // a call of the store
}

// What Spotify and the library do.
const (
	lifetime     = time.Hour        // of an access token
	early        = 5 * time.Minute  // before its end a token is due for renewal
	unusable     = 12 * time.Second // before its end a token is not handed out any more
	sweepEvery   = time.Minute      // a pool comes by every session
	slotJitter   = 20 * time.Millisecond
	lookers      = 8
	lockTimeout  = 45 * time.Second
	day          = 24 * time.Hour
	consentDays  = 365.2425 / 2
	refreshIsDue = lifetime - early
)

// traffic is what the active users do: they are away for a while of random
// length, exponentially distributed, and then come for a visit, whose requests
// are a gap apart, each at a replica picked at random.
type traffic struct {
	plan
	users float64 // who are active
	visit float64 // how long one lasts, in seconds
	away  float64 // on average between two
}

// at returns the traffic when there is factor times as much as on average.
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

// untouched is the likelihood that a session is not used at a replica for so
// long after a use there, and then by another visit.
func (t traffic) untouched(seconds float64) float64 {
	share, slack := t.replicaVisit()
	return math.Exp(-share * max(seconds-slack, 0) / (t.away + (1-share)*t.visit))
}

// kept is how long a replica keeps a session that is not used: MaxIdle, or less
// if there are too many sessions. Those who were not used for the longest time
// go first, so it is the time in which as many as there is room for are used.
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

// used is how many users were at a replica within so many seconds, or are there
// now: all but those that were not for so long.
func (t traffic) used(seconds float64) float64 {
	share, _ := t.replicaVisit()
	return t.users * (1 - t.untouched(seconds)*(1-share*t.visit/t.cycle()))
}

// resident is how many sessions a replica has.
func (t traffic) resident() float64 { return t.used(t.kept()) }

// coldLoads is how many sessions all replicas load in a second because they are
// asked for.
func (t traffic) coldLoads() float64 {
	return t.restartLoads() * float64(t.replicas) * t.untouched(t.kept())
}

// restartLoads is how many a replica loads in a second that knows nobody yet.
func (t traffic) restartLoads() float64 {
	share, _ := t.replicaVisit()
	return t.users * share / t.cycle()
}

// renewals are in a second.
type renewals struct {
	all   float64
	waits float64 // for which a user waits
	warm  float64 // that keep a token warm which nobody uses
}

// renewals counts a renewal for every time that a token is due and somebody
// comes, be it the user or a pool that keeps tokens warm.
func (t traffic) renewals() renewals {
	inVisit := t.visit / t.cycle()
	wait := inVisit*t.gap.Seconds()/2 + (1-inVisit)*t.away
	late := (1 - inVisit) * math.Exp(-(early-unusable).Seconds()/t.away) // comes when the token is no good any more
	cold := renewals{all: t.users / (refreshIsDue.Seconds() + wait)}
	cold.waits = cold.all * late
	if t.keepWarm <= 0 {
		return cold
	}
	// A token that is due is kept warm, unless its user comes before.
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

// lapses is the share of tokens that are due, so long after the renewal before,
// while no replica has the session any more. It follows how long ago the user
// was there whenever the token is due, until that does not change any more.
func (t traffic) lapses(due float64) float64 {
	const step = 10.0 // seconds
	bins := int(t.kept()/step) + 1
	came := make([]float64, bins) // the user came again: this long ago
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
		move(due-t.visit, lapsed) // it was renewed when a visit began
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

// storeCalls are those of all replicas in a second.
type storeCalls struct {
	loads, looks, locks, checks, swaps, notices float64
}

// storeCalls counts those of cold loads and of renewals. A notice of a renewal
// goes to every replica; those that have the session look at the new record.
func (t traffic) storeCalls() storeCalls {
	r := t.renewals()
	looks := (r.all-r.warm)*t.othersAfterVisit() + r.warm*t.othersWhileAway()
	return storeCalls{
		loads: t.coldLoads() + r.all + looks, looks: looks, locks: r.all, checks: r.all, swaps: r.all,
		notices: r.all * float64(t.replicas),
	}
}

// othersAfterVisit is how many other replicas have the session of a user whose
// token is renewed because the user comes. That was wait after the token was
// due, so the visits before began while it was not, the first of them with its
// renewal.
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

// othersWhileAway is how many other replicas have the session of a user whose
// token one replica keeps warm: those that the visit was at, and those that have
// it from a visit before.
func (t traffic) othersWhileAway() float64 {
	share, _ := t.replicaVisit()
	all := float64(t.replicas)
	return all*share - 1 + all*(1-share)*(1-t.untouched(t.kept()/2))
}

// herd is what happens if all who were there in the last hour come at once, and
// all their tokens have expired.
type herd struct {
	users   float64
	perSec  float64 // token requests that the app makes at most
	seconds float64 // until all have a token
	inTime  float64 // the share that has one before its renewal gives up waiting
}

func (t traffic) herd() herd {
	return t.herdOf(t.users * (1 - (1-t.visit/t.cycle())*math.Exp(-time.Hour.Seconds()/t.away)))
}

func (t traffic) herdOf(users float64) herd {
	each := (t.endpointTakes + t.storeTakes + slotJitter/2).Seconds() // who holds a slot also checks the lock
	h := herd{users: users, perSec: float64(t.replicas*t.tokenRequests) / each}
	h.seconds = h.users / h.perSec
	h.inTime = min(1, lockTimeout.Seconds()/h.seconds)
	return h
}

// consents are the six months, in days.
type consents struct {
	average, launch float64 // that end on a day
}

// consents is the average once all users have consented for the first time, and
// the day six months after the launch. Who comes back consents again.
func (p plan) consents() consents {
	all := float64(p.users)
	return consents{average: all / consentDays, launch: all*p.launchShare + all*(1-p.launchShare)/consentDays}
}
