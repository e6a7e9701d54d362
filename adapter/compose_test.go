package adapter_test

import (
	"errors"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/adapter"
)

func TestCacheOverRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fresh := []string{"Cache-Control", "max-age=60", "Etag", `"a"`}
		base := &script{answers: []func(*http.Request) (*http.Response, error){
			status(503), status(429, "Retry-After", "3"), status(200, fresh...), // the first request
			status(502), status(304, fresh...), // the revalidation
			status(429, "Retry-After", "3600"), // much later
			status(200, fresh...),
		}}
		rt := adapter.NewCache(adapter.NewRetry(base, nil), nil)
		for i, want := range []struct {
			asked  int
			status string
		}{{3, ""}, {3, "spotipie; hit"}, {5, "spotipie; fwd=stale; fwd-status=304"}, {5, "spotipie; hit"}} {
			if i == 2 {
				time.Sleep(time.Minute)
			}
			resp, content := get(t, rt, apiURL, "Authorization", "Bearer A")
			if resp.StatusCode != 200 || content != "answer 200" ||
				len(base.asked) != want.asked || resp.Header.Get("Cache-Status") != want.status {
				t.Errorf("request %d: got %d %q, Cache-Status %q, after asking %d times; want %+v",
					i, resp.StatusCode, content, resp.Header.Get("Cache-Status"), len(base.asked), want)
			}
		}
		time.Sleep(time.Minute)
		_, err := rt.RoundTrip(newRequest(t, "GET", apiURL, nil, "Authorization", "Bearer A"))
		var limit *spotipie.RateLimitError
		if !errors.As(err, &limit) || limit.RetryAfter != time.Hour {
			t.Errorf("got %v, want the RateLimitError of the retries", err)
		}
		if _, content := get(t, rt, apiURL, "Authorization", "Bearer A"); content != "answer 200" {
			t.Errorf("after the rate limit: got %q", content)
		}
		base.checkClosed(t, len(base.gave))
	})
}

func TestRetryOverCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &script{answers: []func(*http.Request) (*http.Response, error){
			status(503), status(200, "Cache-Control", "max-age=60"),
		}}
		rt := adapter.NewRetry(adapter.NewCache(base, nil), nil)
		var got []string
		for range 3 {
			resp, content := get(t, rt, apiURL)
			got = append(got, content+resp.Header.Get("Cache-Status"))
		}
		if want := []string{"answer 200", "answer 200spotipie; hit", "answer 200spotipie; hit"}; !reflect.DeepEqual(got, want) || len(base.asked) != 2 {
			t.Errorf("got %q after asking %d times, want %q after 2", got, len(base.asked), want)
		}
	})
}

func TestRetryOverRetryHeedsTheInnerOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &script{answers: []func(*http.Request) (*http.Response, error){status(429, "Retry-After", "3600")}}
		rt := adapter.NewRetry(adapter.NewRetry(base, nil), nil)
		_, err := rt.RoundTrip(newRequest(t, "GET", apiURL, nil))
		var limit *spotipie.RateLimitError
		if !errors.As(err, &limit) || len(base.asked) != 1 {
			t.Errorf("asked %d times, error %v; want a RateLimitError after one", len(base.asked), err)
		}
	})
}

// TestBaseThatReturnsNothing checks that the adapters do not panic if a RoundTripper
// returns neither an answer nor an error, and that they ask it only once.
func TestBaseThatReturnsNothing(t *testing.T) {
	asked := 0
	base := roundTripper(func(*http.Request) (*http.Response, error) { asked++; return nil, nil })
	for name, rt := range map[string]http.RoundTripper{
		"retry":                 adapter.NewRetry(base, nil),
		"retry with a time":     adapter.NewRetry(base, &adapter.RetryOptions{AttemptTimeout: time.Minute, TotalTimeout: time.Hour}),
		"pause":                 adapter.NewPause(base, nil),
		"cache":                 adapter.NewCache(base, nil),
		"retry through a cache": adapter.NewRetry(adapter.NewCache(adapter.NewPause(base, nil), nil), nil),
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(name+" "+method, func(t *testing.T) {
				asked = 0
				resp, err := rt.RoundTrip(newRequest(t, method, apiURL, nil))
				if resp != nil || err == nil || asked != 1 {
					t.Errorf("got %v, %v after asking %d times, want an error after one", resp, err, asked)
				}
			})
		}
	}
}
