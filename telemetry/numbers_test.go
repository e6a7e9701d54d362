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

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spotipie/spotipie/telemetry"
)

func poolOf(resident, loaded, evicted int64) func() telemetry.PoolNumbers {
	return func() telemetry.PoolNumbers {
		return telemetry.PoolNumbers{Resident: resident, Loaded: loaded, Evicted: evicted}
	}
}

func TestObservePool(t *testing.T) {
	r := record(t)
	now := telemetry.PoolNumbers{Resident: 3, Loaded: 5, Evicted: 2}
	registration, err := r.ObservePool(func() telemetry.PoolNumbers { return now })
	if err != nil {
		t.Fatal(err)
	}
	if got, want := r.metrics(t), []string{"spotipie.pool.evictions{} 2", "spotipie.pool.loads{} 5", "spotipie.pool.sessions{} 3"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	now = telemetry.PoolNumbers{Resident: 1, Loaded: 5, Evicted: 4}
	if got, want := r.metrics(t), []string{"spotipie.pool.evictions{} 4", "spotipie.pool.loads{} 5", "spotipie.pool.sessions{} 1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := registration.Unregister(); err != nil {
		t.Fatal(err)
	}
	if got := r.metrics(t); len(got) != 0 {
		t.Errorf("after the end: %q", got)
	}
}

// TestObserveConsents counts at most once a minute, and remembers no number
// beyond a failure.
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
		"a pool on a zero Telemetry":  func() (any, error) { return new(telemetry.Telemetry).ObservePool(poolOf(1, 1, 1)) },
		"consents on a zero Telemetry": func() (any, error) {
			return new(telemetry.Telemetry).ObserveConsents(func(context.Context) (int64, error) { return 0, nil })
		},
	} {
		if _, err := register(); err == nil || !strings.HasPrefix(err.Error(), "telemetry: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
