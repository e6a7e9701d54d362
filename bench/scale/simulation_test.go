package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// app is an app with real pools, in simulated time.
type app struct {
	plan
	store    *countingStore
	endpoint *endpoint
	pools    []*spotipie.Pool
	requests atomic.Int64
	waits    atomic.Int64
}

func newApp(t *testing.T, p plan) *app {
	t.Helper()
	a := &app{
		plan:     p,
		store:    &countingStore{MemoryStore: spotipie.NewMemoryStore(), takes: p.storeTakes},
		endpoint: &endpoint{takes: p.endpointTakes},
	}
	for range p.replicas {
		pool, err := p.newPool(a.store, a.endpoint, func(_ context.Context, o spotipie.Observation) {
			if o.Kind == spotipie.ObservedWait {
				a.waits.Add(1)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		a.pools = append(a.pools, pool)
	}
	return a
}

func userName(i int) string { return fmt.Sprintf("user-%022d", i) }

// signIn gives every user an authorization. left returns how long a user's token is
// still valid.
func (a *app) signIn(t *testing.T, left func() time.Duration) {
	t.Helper()
	for i := range a.users {
		rec, err := newRecord(int64(i), left())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.store.MemoryStore.Swap(t.Context(), spotipie.Key{ClientID: clientID, Profile: userName(i)}, 0, rec); err != nil {
			t.Fatal(err)
		}
	}
}

// run runs the pools' background work. The returned function ends it and closes the
// pools.
func (a *app) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for _, pool := range a.pools {
		group.Go(func() {
			if err := pool.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("Run returned %v", err)
			}
		})
	}
	return func() {
		cancel()
		group.Wait()
		for _, pool := range a.pools {
			if err := pool.Close(context.WithoutCancel(ctx)); err != nil {
				t.Error(err)
			}
		}
	}
}

// live lets a user be away and come for visits, until ctx ends.
func (a *app) live(ctx context.Context, t *testing.T, i int, away time.Duration) {
	user, chance := userName(i), rand.New(rand.NewPCG(1, uint64(i))) // the same people in every run
	for {
		if !sleep(ctx, time.Duration(chance.ExpFloat64()*float64(away))) {
			return
		}
		for n := range a.plan.requests {
			if n > 0 && !sleep(ctx, a.gap) {
				return
			}
			if err := a.request(ctx, a.pools[chance.IntN(len(a.pools))], user); err != nil && ctx.Err() == nil {
				t.Errorf("%s: %v", user, err)
				return
			}
		}
	}
}

func (a *app) request(ctx context.Context, pool *spotipie.Pool, user string) error {
	a.requests.Add(1)
	session, err := pool.Session(ctx, user)
	if err == nil {
		_, err = session.Token(ctx)
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// counts are the counts up to some time.
type counts struct{ requests, tokens, waits, loads, cold, locks, checks, swaps, notices, resident float64 }

func (a *app) count() counts {
	c := counts{
		requests: float64(a.requests.Load()), tokens: float64(a.endpoint.asked.Load()), waits: float64(a.waits.Load()),
		loads: float64(a.store.loads.Load()), locks: float64(a.store.locks.Load()), checks: float64(a.store.checks.Load()),
		swaps: float64(a.store.swaps.Load()), notices: float64(a.store.notices.Load()),
	}
	for _, pool := range a.pools {
		stats := pool.Stats()
		c.cold += float64(stats.Loaded)
		c.resident += float64(stats.Sessions)
	}
	return c
}

// TestModel lets 10,000 people, or SPOTIPIE_TEST_PEOPLE, use real pools for some
// hours, and counts. The model's numbers may differ by tolerance.
func TestModel(t *testing.T) {
	base := plan{
		users: testservices.Count(t, "SPOTIPIE_TEST_PEOPLE", 10_000), active: 1, visits: 10, requests: 5, gap: 20 * time.Second, peak: 1, replicas: 3,
		maxSessions: 100_000, maxIdle: time.Hour, tokenRequests: 32, endpointTakes: 150 * time.Millisecond, storeTakes: time.Millisecond,
	}
	for name, change := range map[string]func(*plan){
		"three replicas":             func(*plan) {},
		"kept warm":                  func(p *plan) { p.keepWarm = 1000 },
		"too many for the memory":    func(p *plan) { p.maxSessions = p.users / 5 },
		"idle sessions go soon":      func(p *plan) { p.maxIdle = 10 * time.Minute },
		"seldom, at a single server": func(p *plan) { p.replicas, p.visits, p.requests = 1, 3, 2 },
	} {
		t.Run(name, func(t *testing.T) {
			p := base
			change(&p)
			synctest.Test(t, func(t *testing.T) { testModel(t, p) })
		})
	}
}

// warmUp is how long the simulation runs before the counting begins.
const warmUp = 2 * time.Hour

func testModel(t *testing.T, p plan) {
	a := newApp(t, p)
	a.signIn(t, func() time.Duration { return 20*time.Second + rand.N(lifetime) })
	stop := a.run(t)
	model := p.at(1)
	ctx, end := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for i := range p.users {
		group.Go(func() { a.live(ctx, t, i, time.Duration(model.away*float64(time.Second))) })
	}
	const hours = 2
	var before, after counts
	var resident float64
	samples := 0
	for minute := range int(warmUp.Minutes()) + 60*hours {
		if minute == int(warmUp.Minutes()) {
			before = a.count()
		}
		time.Sleep(time.Minute)
		if minute%2 == 0 {
			runtime.GC() // simulated hours pass in seconds, so evicted sessions would stay in memory
		}
		if minute >= int(warmUp.Minutes()) {
			resident += a.count().resident / float64(p.replicas)
			samples++
		}
	}
	after = a.count()
	end()
	group.Wait()
	stop()

	const seconds = hours * 3600
	calls, r := model.storeCalls(), model.renewals()
	for _, c := range []struct {
		what         string
		model, pools float64
	}{
		{"requests", model.requestRate(), (after.requests - before.requests) / seconds},
		{"token requests", r.all, (after.tokens - before.tokens) / seconds},
		{"for which a user waits", r.waits, (after.waits - before.waits) / seconds},
		{"cold loads", model.coldLoads(), (after.cold - before.cold) / seconds},
		{"loads", calls.loads, (after.loads - before.loads) / seconds},
		{"locks", calls.locks, (after.locks - before.locks) / seconds},
		{"checks", calls.checks, (after.checks - before.checks) / seconds},
		{"swaps", calls.swaps, (after.swaps - before.swaps) / seconds},
		{"notices", calls.notices, (after.notices - before.notices) / seconds},
		{"resident at each replica", model.resident(), resident / float64(samples)},
	} {
		expect(t, c.what, c.model, c.pools)
	}
}

// TestHerd lets all users come at the same time with expired tokens. Users who give
// up waiting come again.
func TestHerd(t *testing.T) {
	for name, users := range map[string]int{"all are served in time": 8000, "too many": 12_000} {
		t.Run(name, func(t *testing.T) {
			p := defaults()
			p.users, p.replicas, p.tokenRequests = users, 2, 16
			synctest.Test(t, func(t *testing.T) { testHerd(t, p) })
		})
	}
}

func testHerd(t *testing.T, p plan) {
	a := newApp(t, p)
	a.signIn(t, func() time.Duration { return time.Second })
	time.Sleep(time.Minute)
	start := time.Now()
	var inTime atomic.Int64
	var group sync.WaitGroup
	for i := range p.users {
		group.Go(func() {
			err := a.request(t.Context(), a.pools[i%len(a.pools)], userName(i))
			if err == nil {
				inTime.Add(1)
			}
			for err != nil {
				time.Sleep(2 * time.Second)
				err = a.request(t.Context(), a.pools[i%len(a.pools)], userName(i))
			}
		})
	}
	group.Wait()
	seconds := time.Since(start).Seconds()
	h := p.at(1).herdOf(float64(p.users))
	expect(t, "seconds until all have a token", h.seconds, seconds)
	expect(t, "users served in time", h.inTime*h.users, float64(inTime.Load()))
	expect(t, "token requests", h.users, float64(a.endpoint.asked.Load()))
	for _, pool := range a.pools {
		if err := pool.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// tolerance is how far the model's numbers may be wrong.
const tolerance = 0.05

func expect(t *testing.T, what string, model, pools float64) {
	t.Helper()
	off := pools/model - 1
	t.Logf("%-30s model %9.3f, pools %9.3f, %+.1f %%", what, model, pools, 100*off)
	if math.Abs(off) > tolerance {
		t.Errorf("%s: the model says %.3f and the pools %.3f", what, model, pools)
	}
}

// TestConsents counts by the records on which days the consents of two years end.
func TestConsents(t *testing.T) {
	p := defaults()
	p.users, p.launchShare = 20_000, 0.1
	launch := time.Date(2025, time.March, 10, 0, 0, 0, 0, time.UTC)
	ends := make(map[string]float64)
	total := 0.0
	for i := range p.users {
		rec, err := newRecord(int64(i), lifetime)
		if err != nil {
			t.Fatal(err)
		}
		// Users who did not come on the first day come on a day of the next months.
		// They come again the day after a consent has ended.
		rec.AuthorizedAt = launch
		if float64(i) >= p.launchShare*float64(p.users) {
			rec.AuthorizedAt = launch.Add(time.Duration(rand.Float64() * consentDays * float64(day)))
		}
		for range 4 {
			end := rec.Summary(spotipie.Key{}).ReauthorizeBy()
			ends[end.Format(time.DateOnly)]++
			total++
			rec.AuthorizedAt = end
		}
	}
	c := p.consents()
	first := ends[launch.AddDate(0, 6, 0).Format(time.DateOnly)]
	if math.Abs(first/c.launch-1) > 0.02 {
		t.Errorf("%.0f consents end six months after the launch, and the model says %.0f", first, c.launch)
	}
	// In the second half year all users have come, and each comes once.
	second, days := 0.0, 0.0
	for at := launch.AddDate(0, 6, 0); at.Before(launch.AddDate(1, 0, 0)); at = at.AddDate(0, 0, 1) {
		second += ends[at.Format(time.DateOnly)]
		days++
	}
	if math.Abs(second/days/c.average-1) > 0.05 {
		t.Errorf("%.1f consents end on an average day, and the model says %.1f", second/days, c.average)
	}
	end := func(d int) time.Time {
		rec := spotipie.Record{AuthorizedAt: time.Date(2025, time.August, d, 0, 0, 0, 0, time.UTC)}
		return rec.Summary(spotipie.Key{}).ReauthorizeBy()
	}
	for d := 28; d <= 31; d++ {
		if got := end(d).Format(time.DateOnly); got != "2026-02-28" {
			t.Errorf("the consent of %d August ends on %s", d, got)
		}
	}
}
