package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

func newPool(t *testing.T, opts *spotipie.PoolOptions) *spotipie.Pool {
	t.Helper()
	pool, err := spotipie.NewPool(spotipie.Credentials{ClientID: "id", ClientSecret: "client-secret", RedirectURI: "http://127.0.0.1/callback"}, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("closing the pool: %v", err)
		}
	})
	return pool
}

func sessionOf(t *testing.T, pool *spotipie.Pool, user string) *spotipie.AuthorizationCodeSession {
	t.Helper()
	s, err := pool.Session(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// addUsers saves an authorization for each user. A user's tokens end with the user's
// name.
func addUsers(t *testing.T, store spotipie.Store, lifetime time.Duration, users ...string) {
	t.Helper()
	for _, user := range users {
		token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "A-" + user, RefreshToken: "R-" + user, ExpiresIn: lifetime})
		if err != nil {
			t.Fatal(err)
		}
		rec := spotipie.Record{Token: token, ClientID: "id", Flow: spotipie.FlowAuthorizationCode, AuthorizedAt: time.Now()}
		if _, err := store.Swap(t.Context(), spotipie.Key{ClientID: "id", Profile: user}, 0, rec); err != nil {
			t.Fatal(err)
		}
	}
}

func users(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("user-", i)
	}
	return names
}

func TestPoolHasOneSessionOfAUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		addUsers(t, store, time.Hour, "ada", "grace")
		var loads atomic.Int32
		store.load.set(func(context.Context) error {
			loads.Add(1)
			time.Sleep(50 * time.Millisecond)
			return nil
		})
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
		var found sync.Map
		var group sync.WaitGroup
		for i := range 200 {
			group.Go(func() {
				user := []string{"ada", "grace"}[i%2]
				s, err := pool.Session(t.Context(), user)
				if err != nil {
					t.Error(err)
					return
				}
				if first, there := found.LoadOrStore(user, s); there && first != s {
					t.Errorf("%s has two sessions", user)
				}
				token, err := s.Token(t.Context())
				if err != nil || token.AccessToken() != "A-"+user {
					t.Errorf("%s was served %v, %v", user, token, err)
				}
			})
		}
		group.Wait()
		if got := loads.Load(); got != 2 {
			t.Errorf("the store was asked %d times, want once for each user", got)
		}
	})
}

// TestEvictedSessionInUseIsNotThereTwice evicts a session while a long request uses it.
// Calls for the user must get the same session.
func TestEvictedSessionInUseIsNotThereTwice(t *testing.T) {
	store := spotipie.NewMemoryStore()
	all := users(50)
	addUsers(t, store, time.Hour, all...)
	pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}, MaxSessions: 3})
	held := sessionOf(t, pool, "user-0")
	for range 3 {
		for _, user := range all[1:] {
			sessionOf(t, pool, user)
		}
		runtime.GC()
		if got := sessionOf(t, pool, "user-0"); got != held {
			t.Fatal("there are two sessions of a user, one of them in use")
		}
	}
	if stats := pool.Stats(); stats.Sessions > 3 || stats.Evicted < 100 {
		t.Errorf("got %+v, want 3 sessions at most", stats)
	}
	runtime.KeepAlive(held)
}

func TestPoolKeepsWhatIsNotSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		all := users(20)
		addUsers(t, store, time.Hour, all...)
		pool := newPool(t, &spotipie.PoolOptions{
			Options: spotipie.Options{Store: store, Transport: &services{}}, MaxSessions: 2,
		})
		store.swap.set(func(context.Context) error { return errAway })
		token, err := sessionOf(t, pool, "user-0").RefreshToken(t.Context())
		var storeErr *spotipie.StoreError
		if !errors.As(err, &storeErr) || token.AccessToken() != "A1" {
			t.Fatalf("got %v, %v, want the token and that it could not be saved", token, err)
		}
		for _, user := range all[1:] {
			sessionOf(t, pool, user)
		}
		runtime.GC()
		if got := sessionOf(t, pool, "user-0").CurrentToken(); got.AccessToken() != "A1" {
			t.Errorf("the unsaved token is lost, got %v", got)
		}
		store.swap.set(nil)
		time.Sleep(time.Minute)
		rec, _, err := store.Load(t.Context(), spotipie.Key{ClientID: "id", Profile: "user-0"})
		if err != nil || rec.Token.RefreshToken() != "R1" {
			t.Errorf("the store has %v, %v in the end", rec, err)
		}
	})
}

func TestPoolGivesUpWhatIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := spotipie.NewMemoryStore()
		all := users(100)
		addUsers(t, store, 12*time.Hour, all...)
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}, MaxIdle: 30 * time.Minute})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- pool.Run(ctx) }()
		for _, user := range all {
			sessionOf(t, pool, user)
		}
		for range 4 {
			time.Sleep(10 * time.Minute)
			for _, user := range all[:10] {
				sessionOf(t, pool, user)
			}
		}
		if got := pool.Stats().Sessions; got != 10 {
			t.Errorf("%d sessions are resident, want the 10 that are used", got)
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
	})
}

// herd is a slow token endpoint that records when requests come and how many run at once.
type herd struct {
	takes time.Duration

	mu     sync.Mutex
	now    int
	most   int
	starts []time.Time
}

func (h *herd) RoundTrip(req *http.Request) (*http.Response, error) {
	h.mu.Lock()
	h.now++
	h.most = max(h.most, h.now)
	h.starts = append(h.starts, time.Now())
	n := len(h.starts)
	h.mu.Unlock()
	time.Sleep(h.takes)
	h.mu.Lock()
	h.now--
	h.mu.Unlock()
	body := fmt.Sprintf(`{"access_token":"A%d","token_type":"Bearer","expires_in":3600}`, n)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

// TestUsersWhoExpireTogether checks that there is one token request for each user, that
// few run at a time, and that users with a fresh token do not wait.
func TestUsersWhoExpireTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, most = 2000, 16
		store := spotipie.NewMemoryStore()
		addUsers(t, store, time.Minute, users(n)...)
		addUsers(t, store, 12*time.Hour, "fresh")
		endpoint := &herd{takes: 100 * time.Millisecond}
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store, Transport: endpoint}, TokenRequests: most})
		fresh := sessionOf(t, pool, "fresh")
		time.Sleep(time.Hour)
		var group sync.WaitGroup
		for _, user := range users(n) {
			for range 2 {
				group.Go(func() {
					s, err := pool.Session(t.Context(), user)
					if err == nil {
						_, err = s.Token(t.Context())
					}
					if err != nil {
						t.Errorf("%s: %v", user, err)
					}
				})
			}
		}
		time.Sleep(200 * time.Millisecond)
		start := time.Now()
		if _, err := fresh.Token(t.Context()); err != nil || time.Since(start) != 0 {
			t.Errorf("a fresh user waited %s, %v", time.Since(start), err)
		}
		if stats := pool.Stats(); stats.TokenRequests != most || stats.TokenRequestsWaiting == 0 {
			t.Errorf("meanwhile the pool says %+v", stats)
		}
		group.Wait()
		endpoint.mu.Lock()
		defer endpoint.mu.Unlock()
		if len(endpoint.starts) != n || endpoint.most > most {
			t.Errorf("got %d token requests and %d at the same time, want %d and %d", len(endpoint.starts), endpoint.most, n, most)
		}
		if moments := slices.Compact(slices.Clone(endpoint.starts)); len(moments) < n/2 {
			t.Errorf("the requests were sent at only %d different times", len(moments))
		}
	})
}

func TestPoolKeepsTokensWarm(t *testing.T) {
	for name, perSecond := range map[string]float64{"off": 0, "two in a second": 2} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const n = 100
				store := spotipie.NewMemoryStore()
				addUsers(t, store, time.Hour, users(n)...)
				endpoint := &herd{takes: 100 * time.Millisecond}
				pool := newPool(t, &spotipie.PoolOptions{
					Options: spotipie.Options{Store: store, Transport: endpoint}, KeepWarm: perSecond, MaxIdle: 2 * time.Hour,
				})
				for _, user := range users(n) {
					sessionOf(t, pool, user)
				}
				ctx, stop := context.WithTimeout(t.Context(), 59*time.Minute)
				defer stop()
				if err := pool.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Run returned %v", err)
				}
				time.Sleep(time.Minute)
				endpoint.mu.Lock()
				defer endpoint.mu.Unlock()
				want := 0
				if perSecond > 0 {
					want = n
				}
				if len(endpoint.starts) != want {
					t.Fatalf("%d tokens were renewed, want %d", len(endpoint.starts), want)
				}
				for i := range want - 10 {
					if took := endpoint.starts[i+10].Sub(endpoint.starts[i]); took < 2*time.Second {
						t.Fatalf("10 renewals in %s are more than 2 in a second", took)
					}
				}
			})
		})
	}
}

func TestPoolKeepsTokensWarmSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := spotipie.NewMemoryStore()
		addUsers(t, store, time.Hour, users(20)...)
		endpoint := &herd{}
		pool := newPool(t, &spotipie.PoolOptions{
			Options: spotipie.Options{Store: store, Transport: endpoint}, KeepWarm: 0.25, MaxIdle: 2 * time.Hour,
		})
		for _, user := range users(20) {
			sessionOf(t, pool, user)
		}
		ctx, stop := context.WithTimeout(t.Context(), 59*time.Minute)
		defer stop()
		_ = pool.Run(ctx)
		endpoint.mu.Lock()
		defer endpoint.mu.Unlock()
		if len(endpoint.starts) < 10 {
			t.Fatalf("%d tokens were renewed", len(endpoint.starts))
		}
		for i := range len(endpoint.starts) - 5 {
			if took := endpoint.starts[i+5].Sub(endpoint.starts[i]); took < 12*time.Second {
				t.Fatalf("5 renewals in %s are more than one in 4 seconds", took)
			}
		}
	})
}

func TestPoolWithATroubledStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		addUsers(t, store, time.Hour, "ada", "grace")
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
		sessionOf(t, pool, "ada")
		store.load.set(func(context.Context) error { return errAway })
		if token, err := sessionOf(t, pool, "ada").Token(t.Context()); err != nil {
			t.Errorf("a resident user got %v, %v", token, err)
		}
		var storeErr *spotipie.StoreError
		if _, err := pool.Session(t.Context(), "grace"); !errors.As(err, &storeErr) || !errors.Is(err, errAway) {
			t.Errorf("somebody else got %v", err)
		}
		store.load.set(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		start := time.Now()
		if _, err := pool.Session(ctx, "grace"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Second {
			t.Errorf("with a store that hangs: %v after %s", err, time.Since(start))
		}
		store.load.set(nil)
		time.Sleep(time.Minute)
		if token, err := sessionOf(t, pool, "grace").Token(t.Context()); err != nil {
			t.Errorf("when the store is back: %v, %v", token, err)
		}
	})
}

func TestPoolClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		addUsers(t, store, time.Hour, "ada", "grace")
		spotify := &services{before: func(int) { time.Sleep(3 * time.Second) }}
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store, Transport: spotify}})
		ada := sessionOf(t, pool, "ada")
		grace := sessionOf(t, pool, "grace")
		ended := make(chan error, 1)
		go func() { ended <- pool.Run(t.Context()) }()
		go func() { _, _ = ada.RefreshToken(t.Context()) }()
		time.Sleep(time.Second)
		if err := pool.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		rec, _, err := store.Load(t.Context(), ada.Key())
		if err != nil || rec.Token.RefreshToken() != "R1" {
			t.Errorf("the renewal in flight was not saved: %v, %v", rec, err)
		}
		if _, err := grace.Token(t.Context()); !errors.Is(err, spotipie.ErrClosed) {
			t.Errorf("a session of the closed pool: %v", err)
		}
		for _, user := range []string{"ada", "somebody"} {
			if s, err := pool.Session(t.Context(), user); !errors.Is(err, spotipie.ErrClosed) {
				t.Errorf("the closed pool: %v, %v", s, err)
			}
		}
		if err := <-ended; !errors.Is(err, spotipie.ErrClosed) {
			t.Errorf("Run returned %v", err)
		}
	})
}

func TestPoolBadInput(t *testing.T) {
	good := spotipie.Credentials{ClientID: "id", RedirectURI: "https://app.example/callback"}
	store := spotipie.NewMemoryStore()
	for _, test := range []struct {
		name  string
		creds spotipie.Credentials
		opts  *spotipie.PoolOptions
		want  string
	}{
		{"no options", good, nil, "PoolOptions.Store is nil"},
		{"no store", good, &spotipie.PoolOptions{}, "PoolOptions.Store is nil"},
		{"nil store", good, &spotipie.PoolOptions{Options: spotipie.Options{Store: (*spotipie.MemoryStore)(nil)}}, "is a nil *spotipie.MemoryStore"},
		{"profile", good, &spotipie.PoolOptions{Options: spotipie.Options{Store: store, Profile: "ada"}}, "leave it empty"},
		{"no client id", spotipie.Credentials{}, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}}, "ClientID is empty"},
		{"redirect URI", spotipie.Credentials{ClientID: "id", RedirectURI: "http://app.example/"}, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}}, "http"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := spotipie.NewPool(test.creds, test.opts); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
	pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
	if _, err := pool.Session(t.Context(), ""); err == nil {
		t.Error("there is a session for no user")
	}
}

// TestPoolUnderLoad sends many requests of many users through a pool that is too small
// for them. No user may be served with another user's token.
func TestPoolUnderLoad(t *testing.T) {
	store := spotipie.NewMemoryStore()
	all := users(40)
	addUsers(t, store, time.Hour, all...)
	echo := answer(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(req.Header.Get("Authorization")))}, nil
	})
	pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store, Transport: echo}, MaxSessions: 10})
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range 500 {
				user := all[(i*7+g*3)%len(all)]
				s, err := pool.Session(t.Context(), user)
				if err != nil {
					t.Error(err)
					return
				}
				resp, err := s.Request(t.Context(), http.MethodGet, "/v1/me", nil)
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(resp.Body)
				if err != nil || string(body) != "Bearer A-"+user {
					t.Errorf("%s was served as %q, %v", user, body, err)
					return
				}
			}
		})
	}
	group.Wait()
}

// TestPoolCloseWaitsForLoads checks this for loads whose callers have left.
func TestPoolCloseWaitsForLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		addUsers(t, store, time.Hour, "ada")
		var loading atomic.Int32
		store.load.set(func(context.Context) error {
			loading.Add(1)
			time.Sleep(time.Second)
			loading.Add(-1)
			return nil
		})
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
		ctx, stop := context.WithTimeout(t.Context(), time.Millisecond)
		defer stop()
		if _, err := pool.Session(ctx, "ada"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if err := pool.Close(t.Context()); err != nil || loading.Load() != 0 {
			t.Errorf("Close: %v, and %d loads still run", err, loading.Load())
		}
	})
}
