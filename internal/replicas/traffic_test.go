package replicas_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// traffic is what the users of a site do, and the results.
type traffic struct {
	site  *site
	think time.Duration // between two visits of a user, on average

	mu     sync.Mutex
	phase  *phase
	phases []*phase
	faults []string // things that must not happen
	kills  []time.Time
	// hitTwice is how many requests failed because their replica was killed, and
	// then the one to which nginx sent them again.
	hitTwice int
}

// phase is a part of the time with its own numbers.
type phase struct {
	name         string
	hasOutage    bool
	begun        time.Time
	lasted       time.Duration
	answers      [verdicts]int
	durations    []time.Duration // of good answers
	logins       int
	failedLogins int
}

// begin begins a new phase.
func (tr *traffic) begin(name string, hasOutage bool) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.endPhase()
	tr.phase = &phase{name: name, hasOutage: hasOutage, begun: time.Now()}
	tr.phases = append(tr.phases, tr.phase)
}

// endPhase is called with the lock held.
func (tr *traffic) endPhase() {
	if tr.phase != nil && tr.phase.lasted == 0 {
		tr.phase.lasted = time.Since(tr.phase.begun)
	}
}

func (tr *traffic) end() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.endPhase()
}

func (tr *traffic) noteKill() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.kills = append(tr.kills, time.Now())
}

// killsSince is called with the lock held.
func (tr *traffic) killsSince(begun time.Time) (n int) {
	for _, at := range tr.kills {
		if at.After(begun) {
			n++
		}
	}
	return n
}

// fault records something that must not happen.
func (tr *traffic) fault(format string, args ...any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.faults = append(tr.faults, fmt.Sprintf(format, args...))
}

// run lets all users visit the site until stop is closed.
func (tr *traffic) run(ctx context.Context, stop <-chan struct{}) {
	var all sync.WaitGroup
	for _, p := range tr.site.people {
		all.Go(func() {
			for tr.rest(tr.think, stop) {
				tr.act(ctx, p)
			}
		})
	}
	all.Wait()
}

// rest waits for a while, and reports whether to go on.
func (tr *traffic) rest(mean time.Duration, stop <-chan struct{}) bool {
	timer := time.NewTimer(time.Duration(rand.ExpFloat64() * float64(mean)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-stop:
		return false
	}
}

// act lets a user do one thing.
func (tr *traffic) act(ctx context.Context, p *person) {
	if !p.isSignedIn {
		tr.signIn(ctx, p)
		return
	}
	switch n := rand.IntN(100); {
	case n < 50:
		tr.visit(ctx, p, mePath)
	case n < 80:
		tr.visit(ctx, p, libraryPath)
	case n < 90:
		tr.visit(ctx, p, homePath)
	case n < 95: // in three tabs at once
		tr.visit(ctx, p, mePath, libraryPath, mePath)
	default:
		if err := p.signOut(ctx, n == 99); err != nil {
			tr.noteFailure(p, err)
		}
		tr.signIn(ctx, p)
	}
}

// visit gets pages at the same time, and signs the user in if that is necessary.
func (tr *traffic) visit(ctx context.Context, p *person, paths ...string) {
	var tabs sync.WaitGroup
	var mu sync.Mutex
	var needLogin *response
	for _, path := range paths {
		tabs.Go(func() {
			begun := time.Now()
			v, got, err := p.visit(ctx, path)
			tr.note(p, path, v, got, err, time.Since(begun))
			if v == over {
				mu.Lock()
				defer mu.Unlock()
				needLogin = &got
			}
		})
	}
	tabs.Wait()
	if needLogin == nil {
		return
	}
	if !p.isUnsure && !tr.site.ledger.lost(p.account) {
		tr.fault("%s had to sign in, though nothing was lost: %s", p.id, needLogin)
	}
	p.isSignedIn = false
	tr.signIn(ctx, p)
}

func (tr *traffic) note(p *person, path string, v verdict, got response, err error, took time.Duration) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.phase.answers[v]++
	switch {
	case v == good:
		tr.phase.durations = append(tr.phase.durations, took)
	case v == trouble && tr.killsSince(time.Now().Add(-took)) > 1:
		tr.hitTwice++
	case v == mixedUp, v == strange, v == trouble && !tr.phase.hasOutage:
		tr.faults = append(tr.faults, fmt.Sprintf("%s at %s, %s, %s after the beginning: %s after %s, error %v", p.id, path, tr.phase.name, time.Since(tr.phase.begun), got, took, err))
	}
}

// signIn signs a user in. If it fails, the user tries again at the next visit.
func (tr *traffic) signIn(ctx context.Context, p *person) {
	if err := p.signIn(ctx); err != nil {
		tr.noteFailure(p, err)
		return
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.phase.logins++
}

// noteFailure records a login or logout that has failed.
func (tr *traffic) noteFailure(p *person, err error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.phase.failedLogins++
	if !errors.Is(err, errTrouble) {
		tr.faults = append(tr.faults, fmt.Sprintf("%s, %s: %v", p.id, tr.phase.name, err))
	}
}

// signInAll signs all users in, and reads their libraries.
func (tr *traffic) signInAll(t *testing.T) {
	t.Helper()
	const atOnce = 32
	tr.each(atOnce, func(p *person) {
		if tr.signIn(t.Context(), p); p.isSignedIn {
			tr.learn(t, p)
		}
	})
	seen := make(map[library]string)
	for _, p := range tr.site.people {
		if other := seen[p.saved]; other != "" {
			t.Errorf("%s and %s have the same library %+v", p.id, other, p.saved)
		}
		seen[p.saved] = p.id
	}
	if t.Failed() {
		t.FailNow()
	}
}

// learn finds out the newest track of a user. The number of tracks is already known.
func (tr *traffic) learn(t *testing.T, p *person) {
	got, err := p.do(t.Context(), http.MethodGet, libraryPath, nil, data)
	if err != nil {
		t.Errorf("%s: %v", p.id, err)
		return
	}
	says, err := got.answer()
	if err != nil || says.Library.Total != p.saved.Total || says.Library.Newest == "" {
		t.Errorf("%s has %d tracks, and sees %s, error %v", p.id, p.saved.Total, got, err)
		return
	}
	p.saved = says.Library
}

// each calls a function for all users, atOnce of them at the same time.
func (tr *traffic) each(atOnce int, do func(*person)) {
	people := make(chan *person)
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for p := range people {
				do(p)
			}
		})
	}
	for _, p := range tr.site.people {
		people <- p
	}
	close(people)
	all.Wait()
}

// lookAtAll lets all users visit their own pages once more. Users who are signed in
// must see them.
func (tr *traffic) lookAtAll(t *testing.T) {
	t.Helper()
	const atOnce = 32
	tr.each(atOnce, func(p *person) {
		if !p.isSignedIn {
			tr.signIn(t.Context(), p)
		}
		p.isUnsure = false // all is saved by now
		tr.visit(t.Context(), p, mePath, libraryPath)
	})
}

// percentile returns a percentile of durations, which it sorts.
func percentile(durations []time.Duration, percent int) time.Duration {
	if len(durations) == 0 {
		return 0
	}
	slices.Sort(durations)
	return durations[(len(durations)-1)*percent/100].Round(100 * time.Microsecond)
}

func (p *phase) String() string {
	total := 0
	for _, n := range p.answers {
		total += n
	}
	return fmt.Sprintf("%-26s %5.1f s: %6d answers (%4.0f/s), p50 %s, p99 %s, longest %s; %d of trouble, %d to sign in; %d logins, %d failed",
		p.name, p.lasted.Seconds(), total, float64(total)/p.lasted.Seconds(),
		percentile(p.durations, 50), percentile(p.durations, 99), percentile(p.durations, 100),
		p.answers[trouble], p.answers[over], p.logins, p.failedLogins)
}
