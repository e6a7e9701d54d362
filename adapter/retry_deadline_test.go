package adapter_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/adapter"
)

// TestRetryWaitsForAPauseThatJustFits checks also that there is time left for the
// attempt after the pause.
func TestRetryWaitsForAPauseThatJustFits(t *testing.T) {
	for name, tc := range map[string]struct {
		retryAfter string
		deadline   time.Duration
		latest     time.Duration // when the second attempt is made
		refused    bool
	}{
		"half as long again":   {"1", 1500 * time.Millisecond, 1250 * time.Millisecond, false},
		"a little longer":      {"1", 1010 * time.Millisecond, 1005 * time.Millisecond, false},
		"a millisecond longer": {"30", 30*time.Second + time.Millisecond, 30*time.Second + time.Millisecond/2, false},
		"much longer":          {"1", time.Minute, 2 * time.Second, false},
		"as long":              {"1", time.Second, 0, true},
		"shorter":              {"2", 1500 * time.Millisecond, 0, true},
		"none, and a back-off": {"", 500 * time.Millisecond, 450 * time.Millisecond, false},
		"zero":                 {"0", 500 * time.Millisecond, 450 * time.Millisecond, false},
	} {
		for limit, retry := range map[string]func(*testing.T, http.RoundTripper) (http.RoundTripper, context.Context, func()){
			"context": func(t *testing.T, base http.RoundTripper) (http.RoundTripper, context.Context, func()) {
				ctx, cancel := context.WithTimeout(t.Context(), tc.deadline)
				return adapter.NewRetry(base, nil), ctx, cancel
			},
			"TotalTimeout": func(t *testing.T, base http.RoundTripper) (http.RoundTripper, context.Context, func()) {
				return adapter.NewRetry(base, &adapter.RetryOptions{TotalTimeout: tc.deadline}), t.Context(), func() {}
			},
		} {
			t.Run(name+", "+limit, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					for range 20 {
						base := &script{answers: []func(*http.Request) (*http.Response, error){
							status(429, "Retry-After", tc.retryAfter), status(200),
						}}
						rt, ctx, cancel := retry(t, base)
						resp, err := rt.RoundTrip(newRequest(t, "GET", apiURL, nil).WithContext(ctx))
						cancel()
						var refused *spotipie.RateLimitError
						switch {
						case tc.refused:
							if !errors.As(err, &refused) || errors.Is(err, context.DeadlineExceeded) != (limit == "context") || refused.Limit != tc.deadline {
								t.Fatalf("got %v, %#v; want a refusal", resp, err)
							}
						case err != nil || resp.StatusCode != 200 || base.waits()[0] > tc.latest:
							t.Fatalf("got %v, %v after %v; want 200 after at most %v", resp, err, base.waits(), tc.latest)
						}
					}
				})
			})
		}
	}
}

// TestRetryWaitsForAPauseThatJustFitsInRealTime does the same in real time, in which time
// passes between two readings of the clock.
func TestRetryWaitsForAPauseThatJustFitsInRealTime(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	asked := map[string]bool{}
	url, transport := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if user := r.Header.Get("Authorization"); !asked[user] {
			asked[user] = true
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	retry := adapter.NewRetry(transport, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
	defer cancel()
	var group sync.WaitGroup
	for i := range 60 {
		group.Go(func() {
			req := newRequest(t, "GET", url, nil, "Authorization", string(rune('0'+i)))
			if resp, _, err := try(retry, req.WithContext(ctx)); err != nil || resp.StatusCode != 200 {
				t.Errorf("got %v, %v; want 200 after the pause", resp, err)
			}
		})
	}
	group.Wait()
}
