package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// reminded collects the users that were reminded.
type reminded struct {
	mu    sync.Mutex
	users []string
	fail  map[string]int // how often the reminder of a user fails
}

func (r *reminded) remind(_ context.Context, user spotipie.Summary) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail[user.Key.Profile] > 0 {
		r.fail[user.Key.Profile]--
		return errors.New("the mail server is down")
	}
	r.users = append(r.users, user.Key.Profile)
	return nil
}

// since returns the users that were reminded since the last call, sorted.
func (r *reminded) since() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	users := slices.Sorted(slices.Values(r.users))
	r.users = nil
	return strings.Join(users, " ")
}

const day = 24 * time.Hour

// TestRemindersAtExtremeRates checks that a very low rate does not overflow and remind
// everybody at once.
func TestRemindersAtExtremeRates(t *testing.T) {
	for rate, want := range map[float64]int{1e-12: 1, math.SmallestNonzeroFloat64: 1, 1e-2: 1, -1: 3, math.MaxFloat64: 3, math.Inf(1): 3} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := spotipie.NewMemoryStore()
				addUsers(t, store, time.Hour, "ada", "bob", "cy")
				time.Sleep(180 * day)
				pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store, Transport: &services{}}})
				ctx, stop := context.WithTimeout(t.Context(), time.Minute)
				defer stop()
				count := 0
				_ = pool.RemindUsers(ctx, spotipie.ReminderOptions{PerSecond: rate, Remind: func(context.Context, spotipie.Summary) error {
					count++
					return nil
				}})
				if count != want {
					t.Errorf("%d users were reminded in a minute, want %d", count, want)
				}
			})
		})
	}
}

// TestStoreCallsOfAPoolAreObserved checks that Observe hears of what a pool asks of the
// store beside its sessions.
func TestStoreCallsOfAPoolAreObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := spotipie.NewMemoryStore()
		addUsers(t, store, time.Hour, "ada")
		time.Sleep(180 * day)
		var mu sync.Mutex
		var ops []string
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store, Transport: &services{}, Observe: func(_ context.Context, o spotipie.Observation) {
			mu.Lock()
			defer mu.Unlock()
			ops = append(ops, o.Op)
		}}})
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		go func() { _ = pool.Run(ctx) }()
		_ = pool.RemindUsers(ctx, spotipie.ReminderOptions{Remind: (&reminded{}).remind})
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		for _, op := range []string{"watch", "lock", "load", "save", "unlock"} {
			if !slices.Contains(ops, op) {
				t.Errorf("Observe has not heard of %q, only of %q", op, ops)
			}
		}
	})
}

// TestUsersAreRemindedOnce checks that only one of several replicas reminds a user, and
// only once until the user signs in again.
func TestUsersAreRemindedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := spotipie.NewMemoryStore()
		addUsers(t, store, time.Hour, "ada", "bob", "cy")
		time.Sleep(100 * day)
		addUsers(t, store, time.Hour, "late")
		mails := &reminded{fail: map[string]int{"bob": 1}}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var pools []*spotipie.Pool
		for range 3 {
			pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store, Transport: &services{}}})
			pools = append(pools, pool)
			go func() {
				if err := pool.RemindUsers(ctx, spotipie.ReminderOptions{Remind: mails.remind}); !errors.Is(err, context.Canceled) {
					t.Errorf("RemindUsers returned %v", err)
				}
			}()
		}
		time.Sleep(60 * day) // 160 of about 182 days
		if got := mails.since(); got != "" {
			t.Errorf("reminded too early: %s", got)
		}
		// A renewal keeps the time of the reminder.
		if _, err := sessionOf(t, pools[0], "ada").RefreshToken(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * day)
		if got := mails.since(); got != "ada bob cy" {
			t.Errorf("reminded: %q, want each user once", got)
		}
		if _, err := sessionOf(t, pools[0], "ada").RefreshToken(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := sessionOf(t, pools[1], "cy").SetRecord(t.Context(), spotipie.Record{
			Token: tokenOf("A-new", "R-new", time.Hour), AuthorizedAt: time.Now(),
		}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * day)
		if got := mails.since(); got != "" {
			t.Errorf("reminded once more: %s", got)
		}
		time.Sleep(175 * day)
		if got := mails.since(); got != "cy late" {
			t.Errorf("in the end: %q, want cy, for the new consent, and late", got)
		}
	})
}

func TestReminderGoesOnElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := spotipie.NewMemoryStore()
		addUsers(t, store, time.Hour, users(50)...)
		mails := &reminded{}
		run := func(ctx context.Context) <-chan error {
			pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
			ended := make(chan error, 1)
			go func() { ended <- pool.RemindUsers(ctx, spotipie.ReminderOptions{Remind: mails.remind, PerSecond: 1}) }()
			return ended
		}
		time.Sleep(170 * day)
		ctx, stop := context.WithCancel(t.Context())
		first := run(ctx)
		time.Sleep(10*time.Second + time.Millisecond)
		other, stopOther := context.WithCancel(t.Context())
		second := run(other)
		stop()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("RemindUsers returned %v", err)
		}
		time.Sleep(time.Minute)
		stopOther()
		<-second
		if got := len(strings.Fields(mails.since())); got != 50 {
			t.Errorf("%d users were reminded, want each of 50 once", got)
		}
	})
}

// TestReminderEndsWithTheLock checks that a process stops reminding when it has lost
// the lock: another process reminds then.
func TestReminderEndsWithTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newCheckedStore()
		addUsers(t, store, time.Hour, users(10)...)
		time.Sleep(170 * day)
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		defer stop()
		mails := 0
		_ = pool.RemindUsers(ctx, spotipie.ReminderOptions{Remind: func(context.Context, spotipie.Summary) error {
			if mails++; mails == 3 { // as if the process was suspended
				store.check.set(fails)
			}
			return nil
		}})
		if mails != 3 {
			t.Errorf("%d users were reminded, 3 of them with the lock", mails)
		}
	})
}

// TestReminderWithAStoreThatHangs uses a store that ignores its context.
func TestReminderWithAStoreThatHangs(t *testing.T) {
	for _, name := range []string{"lock", "load", "swap"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newHookedStore()
				addUsers(t, store, time.Hour, "ada")
				time.Sleep(170 * day)
				free := make(chan struct{})
				defer close(free)
				hang := func(context.Context) error { <-free; return nil }
				map[string]*hook[func(context.Context) error]{"lock": &store.lock, "load": &store.load, "swap": &store.swap}[name].set(hang)
				pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- pool.RemindUsers(ctx, spotipie.ReminderOptions{Remind: (&reminded{}).remind}) }()
				time.Sleep(time.Second)
				stop()
				select {
				case err := <-ended:
					if !errors.Is(err, context.Canceled) {
						t.Errorf("RemindUsers returned %v", err)
					}
				case <-time.After(time.Minute):
					t.Error("RemindUsers still runs")
				}
			})
		})
	}
}

func TestSummariesOfAPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := spotipie.NewMemoryStore()
		addUsers(t, store, time.Hour, users(250)...)
		time.Sleep(30 * day)
		addUsers(t, store, time.Hour, "new")
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
		for name, test := range map[string]struct {
			query spotipie.SummaryQuery
			want  int
		}{
			"all":                      {spotipie.SummaryQuery{}, 251},
			"who ends within 5 months": {spotipie.ConsentsEndingBefore(time.Now().AddDate(0, 5, 0)), 250},
			"who was refused":          {spotipie.SummaryQuery{Rejected: true}, 0},
		} {
			seen := map[string]bool{}
			for query := test.query; ; {
				page, err := pool.Summaries(t.Context(), query)
				if err != nil {
					t.Fatal(err)
				}
				for _, user := range page.Summaries {
					seen[user.Key.Profile] = true
				}
				if query.After = page.Next; page.Next == "" {
					break
				}
			}
			if len(seen) != test.want {
				t.Errorf("%s: got %d users, want %d", name, len(seen), test.want)
			}
		}
	})
}

// TestManyRefusalsAtOnce lets the accounts service refuse every refresh token for a
// while by mistake.
func TestManyRefusalsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 200
		store := spotipie.NewMemoryStore()
		addUsers(t, store, time.Hour, users(n)...)
		var mu sync.Mutex
		var told []error
		spotify := &services{}
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store, Transport: spotify, OnError: func(err error) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, err)
		}}})
		spotify.token = func(_ int, req *http.Request) (*http.Response, error) {
			return respond(req, http.StatusBadRequest, `{"error":"invalid_grant","error_description":"Refresh token revoked"}`), nil
		}
		time.Sleep(2 * time.Hour)
		began := time.Now()
		var group sync.WaitGroup
		for _, user := range users(n) {
			group.Go(func() {
				s, err := pool.Session(t.Context(), user)
				if err == nil {
					_, err = s.Token(t.Context())
				}
				if err == nil {
					t.Error("got a token although it was refused")
				}
			})
		}
		group.Wait()
		hit := spotify.requests()
		if limit := 20 + 32 + int(time.Since(began)/time.Second) + 1; hit > limit {
			t.Errorf("%d of %d refresh tokens were sent in %s, want %d at most", hit, n, time.Since(began), limit)
		}
		synctest.Wait()
		mu.Lock()
		var mass *spotipie.MassRefusalError
		if len(told) == 0 || !errors.As(told[0], &mass) || mass.Refused < 20 || mass.Words != "Refresh token revoked" {
			t.Errorf("OnError got %v first", told)
		}
		mu.Unlock()
		spotify.token = func(n int, req *http.Request) (*http.Response, error) {
			if spotify.form(n).Get("refresh_token") == "R-user-0" {
				return respond(req, http.StatusBadRequest, `{"error":"invalid_grant","error_description":"Refresh token revoked"}`), nil
			}
			return respond(req, http.StatusOK, renewed(n)), nil
		}
		time.Sleep(5 * time.Minute)
		if _, err := sessionOf(t, pool, "user-0").Token(t.Context()); err == nil {
			t.Error("the refresh token of a refused user was sent before the operator asked for it")
		}
		report, err := pool.RetryRefused(t.Context(), began)
		refused := 0
		if wasSent(spotify, "R-user-0") {
			refused = 1
		}
		if err != nil || report.Failed != 0 || report.Refused != refused || report.Renewed+report.Refused == 0 {
			t.Errorf("got %+v, %v", report, err)
		}
		page, err := pool.Summaries(t.Context(), spotipie.SummaryQuery{Rejected: true})
		if err != nil || len(page.Summaries) != refused {
			t.Errorf("still refused: %v, %v", page, err)
		}
		for _, user := range users(n)[1:] {
			if _, err := sessionOf(t, pool, user).Token(t.Context()); err != nil {
				t.Fatalf("%s: %v", user, err)
			}
		}
	})
}

// wasSent reports whether a refresh token was ever sent.
func wasSent(s *services, refreshToken string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, form := range s.forms {
		if form.Get("refresh_token") == refreshToken {
			return true
		}
	}
	return false
}

// TestFewRefusals checks that a few refusals are not treated as a fault: users remove
// apps.
func TestFewRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 300
		store := spotipie.NewMemoryStore()
		addUsers(t, store, time.Hour, users(n)...)
		spotify := &services{}
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store, Transport: spotify, OnError: func(err error) {
			var mass *spotipie.MassRefusalError
			if errors.As(err, &mass) {
				t.Errorf("OnError heard %v", err)
			}
		}}})
		spotify.token = func(n int, req *http.Request) (*http.Response, error) {
			if n%10 == 0 {
				return respond(req, http.StatusBadRequest, `{"error":"invalid_grant"}`), nil
			}
			return respond(req, http.StatusOK, renewed(n)), nil
		}
		time.Sleep(2 * time.Hour)
		began := time.Now()
		for _, user := range users(n) {
			_, _ = sessionOf(t, pool, user).Token(t.Context())
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestRemindUsersBadInput(t *testing.T) {
	pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: spotipie.NewMemoryStore()}})
	if err := pool.RemindUsers(t.Context(), spotipie.ReminderOptions{}); err == nil || !strings.Contains(err.Error(), "Remind is nil") {
		t.Errorf("without a hook: %v", err)
	}
	if err := pool.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := pool.RemindUsers(t.Context(), spotipie.ReminderOptions{Remind: func(context.Context, spotipie.Summary) error { return fmt.Errorf("no") }})
	if !errors.Is(err, spotipie.ErrClosed) {
		t.Errorf("of a closed pool: %v", err)
	}
}
