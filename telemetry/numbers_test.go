package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/spotifytest"
	"github.com/spotipie/spotipie/telemetry"
)

func poolOf(stats spotipie.PoolStats) func() spotipie.PoolStats {
	return func() spotipie.PoolStats { return stats }
}

func TestObservePool(t *testing.T) {
	r := record(t)
	stats := spotipie.PoolStats{Sessions: 3, Loaded: 5, Evicted: 2, TokenRequests: 7, TokenRequestsWaiting: 11}
	registration, err := r.ObservePool(func() spotipie.PoolStats { return stats })
	if err != nil {
		t.Fatal(err)
	}
	if got, want := r.metrics(t), []string{
		"spotipie.pool.evictions{} 2", "spotipie.pool.loads{} 5", "spotipie.pool.sessions{} 3",
		"spotipie.pool.token_requests.active{} 7", "spotipie.pool.token_requests.pending{} 11",
	}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	stats = spotipie.PoolStats{Sessions: 1, Loaded: 5, Evicted: 4}
	if got, want := r.metrics(t), []string{
		"spotipie.pool.evictions{} 4", "spotipie.pool.loads{} 5", "spotipie.pool.sessions{} 1",
		"spotipie.pool.token_requests.active{} 0", "spotipie.pool.token_requests.pending{} 0",
	}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := registration.Unregister(); err != nil {
		t.Fatal(err)
	}
	if got := r.metrics(t); len(got) != 0 {
		t.Errorf("after the end: %q", got)
	}
}

// TestPool checks the numbers of a real pool and the observations of its sessions.
func TestPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, server, store := record(t), spotifytest.NewInMemory(t, nil), spotipie.NewMemoryStore()
		users := []string{profile + "-1", profile + "-2", profile + "-3"}
		for _, user := range users {
			opts := server.Options()
			opts.Store, opts.Profile = store, user
			session, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), opts)
			if err != nil {
				t.Fatal(err)
			}
			server.Login(t, session)
			if err := session.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		opts := server.Options()
		opts.Store, opts.Observe = store, r.Observe
		pool, err := spotipie.NewPool(server.Credentials(), &spotipie.PoolOptions{Options: *opts})
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close(t.Context())
		if _, err := r.ObservePool(pool.Stats); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		for _, user := range users {
			session, err := pool.Session(t.Context(), user)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := session.Token(t.Context()); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		got := r.metrics(t)
		for _, want := range []string{
			"spotipie.pool.sessions{} 3", "spotipie.pool.loads{} 3", "spotipie.pool.evictions{} 0",
			"spotipie.renewal.duration{spotipie.flow=authorization_code} 3",
		} {
			if !slices.Contains(got, want) {
				t.Errorf("no %s among\n%s", want, strings.Join(got, "\n"))
			}
		}
		if exported := r.export(t); strings.Contains(exported, profile) {
			t.Error("a user is exported")
		}
	})
}

// TestObserveConsents checks that it counts at most once a minute, and forgets the number after
// a failure.
func TestObserveConsents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := record(t)
		counted, n, fails := 0, int64(7), error(nil)
		if _, err := r.ObserveConsents(func(ctx context.Context) (int64, error) {
			counted++
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != 5*time.Second {
				t.Errorf("deadline %s, %t", time.Until(deadline), ok)
			}
			return n, fails
		}); err != nil {
			t.Fatal(err)
		}
		collect := func(want string, wantErr error, wantCounted int) {
			t.Helper()
			var all metricdata.ResourceMetrics
			if err := r.reader.Collect(t.Context(), &all); !errors.Is(err, wantErr) {
				t.Errorf("error %v, want %v", err, wantErr)
			}
			var lines []string
			for _, scope := range all.ScopeMetrics {
				for _, m := range scope.Metrics {
					for _, p := range points(t, m) {
						lines = append(lines, fmt.Sprint(m.Name, " ", p.count))
					}
				}
			}
			if got := strings.Join(lines, "\n"); got != want || counted != wantCounted {
				t.Errorf("got %q after %d counts, want %q after %d", got, counted, want, wantCounted)
			}
		}
		collect("spotipie.consents.ending 7", nil, 1)
		n = 8
		time.Sleep(59 * time.Second)
		collect("spotipie.consents.ending 7", nil, 1)
		time.Sleep(time.Second)
		collect("spotipie.consents.ending 8", nil, 2)
		fails = errors.New("the store is down")
		time.Sleep(time.Minute)
		collect("", fails, 3)
		collect("", nil, 3)
		fails = nil
		time.Sleep(time.Minute)
		collect("spotipie.consents.ending 8", nil, 4)
	})
}

func TestNothingToObserve(t *testing.T) {
	made := record(t).Telemetry
	for name, register := range map[string]func() (any, error){
		"a pool without a function":   func() (any, error) { return made.ObservePool(nil) },
		"consents without a function": func() (any, error) { return made.ObserveConsents(nil) },
		"a nil tracer provider": func() (any, error) {
			return telemetry.New(&telemetry.Options{TracerProvider: (*sdktrace.TracerProvider)(nil)})
		},
		"a nil meter provider": func() (any, error) {
			return telemetry.New(&telemetry.Options{MeterProvider: (*sdkmetric.MeterProvider)(nil)})
		},
		"a pool on a zero Telemetry": func() (any, error) { return new(telemetry.Telemetry).ObservePool(poolOf(spotipie.PoolStats{})) },
		"consents on a zero Telemetry": func() (any, error) {
			return new(telemetry.Telemetry).ObserveConsents(func(context.Context) (int64, error) { return 0, nil })
		},
	} {
		if _, err := register(); err == nil || !strings.HasPrefix(err.Error(), "telemetry: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
