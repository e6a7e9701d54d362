package failover_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// figures are what comes of a run.
type figures struct {
	saves          int // that were acknowledged
	lostSaves      int // of them
	lostConfirmed  int // of them, those that were not told to be unconfirmed
	unconfirmed    int
	affected       int // users
	lostLogins     int
	inWindow       int // of them, between Spotify's answer and the save
	withLostSave   int // of them, after their save was lost
	gapBefore, gap time.Duration
	without        time.Duration
	calls          int
	failedUsers    int
	errors         map[string]int
	samples        map[string]string
	faults         []string // what must not happen
}

// evaluate computes the figures.
func (r *run) evaluate(t *testing.T, servers *deployment) *figures {
	t.Helper()
	f := &figures{errors: make(map[string]int), samples: make(map[string]string)}
	saves, loads := make(map[string][]save), make(map[string][]load)
	failed := make(map[string]bool)
	for _, report := range r.reports {
		for _, s := range report.Saves {
			saves[s.User] = append(saves[s.User], s)
		}
		for _, l := range report.Loads {
			loads[l.User] = append(loads[l.User], l)
		}
		for kind, n := range report.Callers.Errors {
			f.errors[kind] += n
		}
		maps.Copy(f.samples, report.Callers.Samples)
		for user := range report.Callers.Failed {
			failed[user] = true
		}
		f.calls += report.Callers.Calls
		f.without = max(f.without, report.Callers.Longest)
	}
	f.failedUsers = len(failed)
	lost := f.countLostSaves(saves, loads)
	f.findGaps(saves, servers, r.failed)
	f.judgeLosses(r, saves, loads, lost)
	f.lookAtTheEnd(t, r)
	return f
}

// countLostSaves returns the tokens of the acknowledged saves that a later load
// has not found.
func (f *figures) countLostSaves(saves map[string][]save, loads map[string][]load) (lost map[string]bool) {
	lost = make(map[string]bool)
	for user, all := range saves {
		for _, s := range all {
			f.saves++
			if s.IsUnconfirmed {
				f.unconfirmed++
			}
			isLost := slices.ContainsFunc(loads[user], func(l load) bool { return l.Begun > s.Ended && l.Version < s.Version })
			if !isLost {
				continue
			}
			lost[s.RefreshToken] = true
			f.lostSaves++
			if !s.IsUnconfirmed {
				f.lostConfirmed++
			}
		}
	}
	return lost
}

// findGaps finds the longest times in which nobody who is affected has saved,
// before the fail-over and since.
func (f *figures) findGaps(saves map[string][]save, servers *deployment, failed time.Time) {
	var ended []int64
	for user, all := range saves {
		if !servers.isAffected(user) {
			continue
		}
		f.affected++
		for _, s := range all {
			ended = append(ended, s.Ended)
		}
	}
	slices.Sort(ended)
	for i := range max(len(ended)-1, 0) {
		gap := time.Duration(ended[i+1] - ended[i])
		if ended[i+1] < failed.UnixNano() {
			f.gapBefore = max(f.gapBefore, gap)
		} else {
			f.gap = max(f.gap, gap)
		}
	}
}

// judgeLosses says how each login was lost.
func (f *figures) judgeLosses(r *run, saves map[string][]save, loads map[string][]load, lost map[string]bool) {
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	for user, one := range r.ledger.losses {
		f.lostLogins++
		lastLook := one.lastLook(loads[user])
		isSaved := one.token.next != nil && slices.ContainsFunc(saves[user], func(s save) bool {
			return s.RefreshToken == one.token.next.digest && s.Ended < lastLook
		})
		switch {
		case !one.isReuse:
			f.fault("%s: a refresh token is refused at its first use, by process %s", user, one.token.usedBy)
		case !isSaved:
			f.inWindow++
		case lost[one.token.next.digest]:
			f.withLostSave++
		default:
			f.fault("%s: process %s sends a refresh token again, %s after process %s got the next one and had saved it:\n%s",
				user, one.again, one.at.Sub(one.token.nextAt), one.token.usedBy, history(saves[user], loads[user], r.failed, one.at))
		}
	}
}

// lastLook returns when the process that has sent a token again began its last load
// before that.
func (l loss) lastLook(loads []load) (begun int64) {
	for _, one := range loads {
		if one.Process == l.again && one.Ended < l.at.UnixNano() {
			begun = max(begun, one.Begun)
		}
	}
	return begun
}

// history returns what happened to a user's record around a fail-over.
func history(saves []save, loads []load, from, to time.Time) string {
	type event struct {
		at   int64
		text string
	}
	var events []event
	for _, s := range saves {
		events = append(events, event{s.Ended, fmt.Sprintf("process %s has saved %d with %s", s.Process, s.Version, s.RefreshToken)})
	}
	for _, l := range loads {
		text := fmt.Sprintf("process %s loads %d with %s, in %s", l.Process, l.Version, l.RefreshToken, time.Duration(l.Ended-l.Begun))
		events = append(events, event{l.Begun, text})
	}
	slices.SortFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	var b strings.Builder
	for _, e := range events {
		at := time.Unix(0, e.at)
		if at.After(from.Add(-shownBefore)) && at.Before(to) {
			fmt.Fprintf(&b, "\t%s %s\n", at.Sub(from).Round(time.Millisecond), e.text)
		}
	}
	return b.String()
}

const shownBefore = 2 * time.Second

// lookAtTheEnd checks that everybody has a token who has not lost the login, and
// that the store has the newest refresh token.
func (f *figures) lookAtTheEnd(t *testing.T, r *run) {
	t.Helper()
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	for _, report := range r.reports {
		for user, problem := range report.AtTheEnd {
			if _, isLost := r.ledger.losses[user]; !isLost {
				f.fault("%s, at the end: %s", user, problem)
			}
		}
	}
	for user, token := range r.ledger.newest {
		if _, isLost := r.ledger.losses[user]; isLost {
			continue
		}
		rec, found, err := r.load(t.Context(), user)
		if err != nil || !found || digest(rec.Token.RefreshToken()) != token.digest {
			f.fault("%s: the store does not have the newest refresh token at the end: found %t, error %v", user, found, err)
		}
	}
}

// load loads a record. The test's own store learns only by trying that its server
// has gone.
func (r *run) load(ctx context.Context, user string) (rec spotipie.Record, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		rec, found, err = r.store.Load(ctx, spotipie.Key{ClientID: r.app.ClientID, Profile: user})
		if err == nil || ctx.Err() != nil {
			return rec, found, err
		}
		pause(50 * time.Millisecond)
	}
}

func (f *figures) fault(format string, args ...any) {
	f.faults = append(f.faults, fmt.Sprintf(format, args...))
}

// check fails the test if something happened that must not.
func (f *figures) check(t *testing.T, row testRow) {
	t.Helper()
	for _, fault := range f.faults {
		t.Error(fault)
	}
	if f.lostConfirmed > 0 && !row.losesSaves {
		t.Errorf("%d acknowledged saves were lost", f.lostConfirmed)
	}
	if f.gap > row.longest {
		t.Errorf("nobody has renewed for %s, want %s at most", f.gap, row.longest)
	}
	known := []string{kindSignIn, kindNoAnswer, "store: lock", "store: load", "store: check", kindNotSaved}
	for kind := range f.errors {
		if !slices.Contains(known, kind) {
			t.Errorf("callers saw errors of the kind %q: %s", kind, f.samples[kind])
		}
	}
	if f.errors[kindSignIn] > 0 && f.lostLogins == 0 {
		t.Error("users had to sign in again though no login was lost")
	}
}

func (f *figures) String() string {
	var b strings.Builder
	round := func(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }
	fmt.Fprintf(&b, "\n  %d of %d acknowledged saves were lost", f.lostSaves, f.saves)
	if f.unconfirmed > 0 { // those after the fail-over, too: there is no replica then
		fmt.Fprintf(&b, " (%d were told to be unconfirmed, %d of those lost)", f.unconfirmed, f.lostSaves-f.lostConfirmed)
	}
	fmt.Fprintf(&b, "\n  %d logins were lost: %d whose save was lost, %d between Spotify's answer and the save", f.lostLogins, f.withLostSave, f.inWindow)
	fmt.Fprintf(&b, "\n  none of %d users was renewed for %s (before: for %s)", f.affected, round(f.gap), round(f.gapBefore))
	fmt.Fprintf(&b, "\n  callers: %d calls; calls for one user brought no token for %s at most; errors for %d users", f.calls, round(f.without), f.failedUsers)
	for _, kind := range slices.Sorted(maps.Keys(f.errors)) {
		fmt.Fprintf(&b, "\n    %6d %s", f.errors[kind], kind)
		if sample := f.samples[kind]; sample != "" {
			fmt.Fprintf(&b, ", such as: %s", sample)
		}
	}
	return b.String()
}
