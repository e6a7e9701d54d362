package fleet

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// slack is how much longer than the lease a loaded machine may take.
const slack = 5 * time.Second

// killStages returns the stages at which members are killed, and how long after the
// stage it can happen.
func killStages() []struct {
	stage Stage
	after time.Duration
} {
	return []struct {
		stage Stage
		after time.Duration
	}{
		{HoldingLock, 0}, {BeforeRequest, 0}, {DuringRequest, 12 * time.Millisecond},
		{BeforeSave, 0}, {DuringSave, 2 * time.Millisecond}, {AfterSave, 0}, {AnyTime, 25 * time.Millisecond},
	}
}

// TestKills kills that many members in the middle of a refresh. After each, another
// session refreshes the token. Refresh tokens are single use, so the authorization
// is lost if and only if the accounts service has answered and the answer has not
// been saved.
func (f *Fleet) TestKills(t *testing.T, kills int) {
	t.Helper()
	f.delayTokens(t, 10*time.Millisecond)
	tally := killTally{killed: make(map[Stage]int), lost: make(map[Stage]int)}
	stages := killStages()
	for i := range kills {
		k := stages[i%len(stages)]
		m := f.Start(t, f.Config)
		m.order(t, order{Stage: k.stage})
		m.until(t, k.stage)
		if k.after > 0 {
			time.Sleep(rand.N(k.after))
		}
		lost := f.survive(t, k.stage, m.killed(), &tally)
		mustLose, mayLose := k.stage == BeforeSave, k.stage.goesOn()
		if lost != mustLose && !mayLose {
			t.Fatalf("killed %s: the authorization is lost: %t", k.stage, lost)
		}
	}
	t.Log(tally.String())
}

// survive lets another session take over from a killed member, and reports whether
// the authorization is lost. If it is, survive logs in again.
func (f *Fleet) survive(t *testing.T, at Stage, reached []Stage, tally *killTally) (lost bool) {
	t.Helper()
	f.stored(t)
	p := &probe{}
	session := f.session(t, p)
	if _, err := session.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	_, err := session.RefreshToken(t.Context())
	waited := time.Since(start)
	if waited > f.Config.Lease+slack {
		t.Fatalf("killed %s: the lock was free after %s, the lease is %s", at, waited, f.Config.Lease)
	}
	switch {
	case errors.Is(err, spotipie.ErrReauthorizationRequired):
		lost = true
		f.Server.Login(t, session)
	case err != nil:
		t.Fatalf("killed %s: the next session: %v", at, err)
	default:
		tally.widths = append(tally.widths, time.Duration(p.width.Load()))
	}
	saved := at == AfterSave || slices.Contains(reached, AfterSave)
	gotAnswer := at == BeforeSave || at == DuringSave || slices.Contains(reached, answered)
	if lost && saved {
		t.Fatalf("killed %s: the authorization is lost, but it was saved", at)
	}
	tally.killed[at]++
	tally.longest = max(tally.longest, waited)
	if lost {
		tally.lost[at]++
	}
	if lost || gotAnswer && !saved {
		tally.inWindow++
	}
	return lost
}

// killTally is what TestKills prints.
type killTally struct {
	killed, lost map[Stage]int
	inWindow     int
	widths       []time.Duration
	longest      time.Duration
}

func (k killTally) String() string {
	var b strings.Builder
	kills, losses := 0, 0
	for _, s := range killStages() {
		kills += k.killed[s.stage]
		losses += k.lost[s.stage]
		fmt.Fprintf(&b, "\n  %-20s %4d killed, %4d lost", s.stage, k.killed[s.stage], k.lost[s.stage])
	}
	fmt.Fprintf(&b, "\n  %d kills, %d of them between the server's answer and the end of the save, %d authorizations lost, all of them by those",
		kills, k.inWindow, losses)
	if slices.Sort(k.widths); len(k.widths) > 0 {
		fmt.Fprintf(&b, "\n  that window in %d refreshes without a kill: median %s, worst %s",
			len(k.widths), k.widths[len(k.widths)/2].Round(time.Microsecond), k.widths[len(k.widths)-1].Round(time.Microsecond))
	}
	fmt.Fprintf(&b, "\n  longest time until the next process had refreshed: %s", k.longest.Round(time.Millisecond))
	return b.String()
}
