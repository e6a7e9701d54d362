package replicas_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
)

func TestReplicasWithPostgreSQL(t *testing.T) { t.Parallel(); testReplicas(t, postgres()) }

func TestReplicasWithRedis(t *testing.T) { t.Parallel(); testReplicas(t, redisServer()) }

// plan is the size of a test.
type plan struct {
	users         int
	kills         time.Duration // how long replicas are killed
	killEvery     time.Duration
	outage        time.Duration // how long the database is cut off
	recovery      time.Duration // after this time everything must be saved
	think         time.Duration
	tokenLifetime time.Duration
	lease         time.Duration
}

// newPlan returns the plan for SPOTIPIE_TEST_USERS and SPOTIPIE_TEST_SECONDS. A
// short test has shorter times, and kills one replica once.
func newPlan(t *testing.T) plan {
	t.Helper()
	seconds := testservices.Count(t, "SPOTIPIE_TEST_SECONDS", 5)
	p := plan{users: testservices.Count(t, "SPOTIPIE_TEST_USERS", 50), kills: time.Duration(seconds) * time.Second}
	if p.users < 1 || p.users > newestTracks*mostTracks || seconds < 1 {
		t.Fatalf("%d users for %d seconds: there are 1 to %d users whose libraries differ", p.users, seconds, newestTracks*mostTracks)
	}
	if seconds >= 30 {
		p.killEvery, p.outage, p.recovery = 10*time.Second, 10*time.Second, 15*time.Second
		p.think, p.tokenLifetime = 5*time.Second, 20*time.Second
		return p
	}
	// A call that began in the outage may fail two seconds later, and a session remembers
	// a failure for a second.
	p.killEvery, p.outage, p.recovery = p.kills/2, time.Second, 4*time.Second
	p.think, p.tokenLifetime, p.lease = 250*time.Millisecond, 4*time.Second, 3*time.Second
	return p
}

// Whether a phase may have answers with errors.
const (
	calm   = false
	outage = true
)

func testReplicas(t *testing.T, database database) {
	plan := newPlan(t)
	s := newSite(t, siteOptions{database: database, users: plan.users, tokenLifetime: plan.tokenLifetime, lease: plan.lease})
	tr := &traffic{site: s, think: plan.think}
	tr.begin("everybody signs in", calm)
	tr.signInAll(t)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tr.run(t.Context(), stop)
	}()
	tr.begin("replicas are killed", calm)
	tr.killInTurn(t, plan)
	s.hasOutage.Store(true)
	tr.begin("the database is restarted", outage)
	s.restartDatabase(t, plan.outage)
	tr.begin("the database is cut off", outage)
	s.cutDatabaseOff(plan.outage)
	tr.begin("it is back", outage)
	pause(plan.recovery)
	close(stop)
	<-ended
	s.hasOutage.Store(false)
	tr.begin("everybody looks once more", calm)
	tr.lookAtAll(t)
	tr.end()
	check(t, tr)
}

// killInTurn kills the replicas in turn, and starts each again.
func (tr *traffic) killInTurn(t *testing.T, plan plan) {
	t.Helper()
	for left := plan.kills; left > plan.killEvery; left -= plan.killEvery {
		pause(plan.killEvery)
		r := tr.site.replicas[len(tr.kills)%len(tr.site.replicas)]
		tr.noteKill()
		r.kill()
		r.start(t)
	}
	pause(plan.killEvery)
}

// restartDatabase restarts the database and lets it work for a while.
func (s *site) restartDatabase(t *testing.T, d time.Duration) {
	t.Helper()
	s.database.Stop()
	s.database.Start(t)
	pause(d)
}

// cutDatabaseOff breaks the replicas' connections to the database for a while.
func (s *site) cutDatabaseOff(d time.Duration) {
	s.proxy.Cut()
	pause(d)
	s.proxy.Pass()
}

// pause lets the traffic go on for the length of a phase. It does not wait for anything
// else.
func pause(d time.Duration) { <-time.After(d) }

// shownFaults is how many faults a failed test prints.
const shownFaults = 20

// check prints the numbers, and fails the test if something is wrong.
func check(t *testing.T, tr *traffic) {
	t.Helper()
	counts, losses := tr.site.ledger.results()
	outside, reused := 0, 0
	for _, one := range losses {
		if one.isReuse {
			reused++
		}
		if !one.inWindow {
			outside++
			t.Errorf("%s: lost: %s", one.account, one.why)
		}
	}
	t.Log(summary(tr, len(losses), outside))
	for i, fault := range tr.faults {
		if i == shownFaults {
			t.Errorf("and %d more", len(tr.faults)-i)
			break
		}
		t.Error(fault)
	}
	mixed, last := 0, tr.phases[len(tr.phases)-1]
	for _, phase := range tr.phases {
		mixed += phase.answers[mixedUp]
	}
	if mixed > 0 {
		t.Errorf("%d answers with another user's data", mixed)
	}
	if want := 2 * len(tr.site.people); last.answers[good] < want-2*last.answers[over] {
		t.Errorf("at the end there were %d good answers, want %d", last.answers[good], want)
	}
	if again := counts.Refreshes - counts.Renewed; again != reused {
		t.Errorf("%d tokens were renewed twice, and %d losses tell of it", again, reused)
	}
	if early := dueAfter(tr.site.tokenLifetime); counts.ShortestAge < early {
		t.Errorf("a token was renewed after %s, which is due after %s", counts.ShortestAge, early)
	}
	if counts.Unauthorized > 0 {
		t.Errorf("%d requests of the Web API had a token that was no good", counts.Unauthorized)
	}
	if moved := tr.site.movedLogins.Load(); moved == 0 {
		t.Error("no login was begun on one replica and finished on the other")
	}
}

// dueAfter returns the age at which a token is due for renewal at the earliest:
// when the last quarter of its lifetime begins. A session ends the lifetime a
// little early.
func dueAfter(lifetime time.Duration) time.Duration {
	return lifetime*3/4 - spotipie.DefaultExpiryMargin
}

func summary(tr *traffic, losses, outside int) string {
	counts, _ := tr.site.ledger.results()
	var b strings.Builder
	for _, phase := range tr.phases {
		fmt.Fprintf(&b, "\n  %s", phase)
	}
	fmt.Fprintf(&b, "\n  %d kills, %d requests met two of them and failed; %d authorizations lost: %d between Spotify's answer and the save of a replica that was killed, %d otherwise",
		len(tr.kills), tr.hitTwice, losses, losses-outside, outside)
	fmt.Fprintf(&b, "\n  %d expired tokens were renewed by %d requests (%.4f each), the youngest after %s",
		counts.Renewed, counts.Refreshes, float64(counts.Refreshes)/float64(max(counts.Renewed, 1)), counts.ShortestAge.Round(10*time.Millisecond))
	fmt.Fprintf(&b, "\n  %d logins, %d of them begun on one replica and finished on the other; %d codes were sent twice",
		tr.site.logins.Load(), tr.site.movedLogins.Load(), counts.CodesTwice)
	return b.String()
}
