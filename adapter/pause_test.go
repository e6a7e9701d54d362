package adapter_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/adapter"
	"github.com/spotipie/spotipie/spotifytest"
)

const quotaBody = `{"error":{"status":429,"message":"Too many requests","reason":"QUOTA_EXCEEDED"}}`

func quota(header ...string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) { return answer(req, 429, quotaBody, header...), nil }
}

// notSent returns the error of a request during a pause.
func notSent(t *testing.T, rt http.RoundTripper, req *http.Request) *spotipie.RateLimitError {
	t.Helper()
	resp, err := rt.RoundTrip(req)
	var limit *spotipie.RateLimitError
	if resp != nil || !errors.As(err, &limit) || !limit.NotSent {
		t.Fatalf("got %v, %v; want a request that is not sent", resp, err)
	}
	return limit
}

// TestPauseStopsAThousandRequests lets two sessions share the adapter. When one of them
// is told to wait, no other request may reach the service.
func TestPauseStopsAThousandRequests(t *testing.T) {
	for name, stack := range map[string]func(http.RoundTripper) http.RoundTripper{
		"alone": func(base http.RoundTripper) http.RoundTripper { return adapter.NewPause(base, nil) },
		"under retries": func(base http.RoundTripper) http.RoundTripper {
			return adapter.NewRetry(adapter.NewPause(base, nil), nil)
		},
		"over retries": func(base http.RoundTripper) http.RoundTripper {
			return adapter.NewPause(adapter.NewRetry(base, nil), nil)
		},
		"all three": func(base http.RoundTripper) http.RoundTripper {
			return adapter.NewCache(adapter.NewRetry(adapter.NewPause(base, nil), nil), nil)
		},
	} {
		for kind, fault := range map[string]accounts.Fault{
			"rate limit": {Kind: accounts.FaultRateLimited, RetryAfter: 20520 * time.Second},
			"plain":      {Kind: accounts.FaultRateLimitedPlain, RetryAfter: 20520 * time.Second},
			"quota": {
				Kind: accounts.FaultRespond, Status: 429, Body: quotaBody,
				Header: http.Header{"Retry-After": {"20520"}, "Content-Type": {"application/json"}},
			},
		} {
			t.Run(name+", "+kind, func(t *testing.T) {
				server := spotifytest.New(t)
				shared := stack(server.Transport())
				sessions := []spotipie.Session{server.Session(t), server.Session(t)}
				for _, session := range sessions {
					if err := session.Mount(server.URL+"/v1/", shared); err != nil {
						t.Fatal(err)
					}
				}
				fault.Target = accounts.TargetAPI
				if err := server.QueueFault(fault); err != nil {
					t.Fatal(err)
				}
				before := server.Stats().APIRequests
				first, err := sessions[0].Request(t.Context(), "GET", "/v1/me", nil)
				if err == nil {
					err = spotipie.CheckResponse(first)
				}
				var limit *spotipie.RateLimitError
				if !errors.As(err, &limit) || limit.NotSent || limit.RetryAfter != 20520*time.Second || limit.QuotaExceeded() != (kind == "quota") {
					t.Fatalf("the first was told %#v", err)
				}
				var refused atomic.Int32
				var group sync.WaitGroup
				for i := range 10 {
					group.Go(func() {
						for j := range 100 {
							method := []string{"GET", "PUT", "POST", "DELETE"}[j%4]
							_, err := sessions[i%2].Request(t.Context(), method, fmt.Sprintf("/v1/me/tracks?offset=%d", j), nil)
							var limit *spotipie.RateLimitError
							if errors.As(err, &limit) && limit.NotSent && limit.QuotaExceeded() == (kind == "quota") &&
								limit.RetryAfter > 20500*time.Second && limit.RetryAfter <= 20520*time.Second {
								refused.Add(1)
							}
						}
					})
				}
				group.Wait()
				if reached := server.Stats().APIRequests - before; reached != 1 || refused.Load() != 1000 {
					t.Errorf("%d requests reached the service and %d were refused, want 1 and 1000", reached, refused.Load())
				}
			})
		}
	}
}

func TestPauseWhatBeginsOne(t *testing.T) {
	for name, tc := range map[string]struct {
		answer func(*http.Request) (*http.Response, error)
		pause  time.Duration
	}{
		"429 with seconds":            {status(429, "Retry-After", "20520"), 20520 * time.Second},
		"429 with a date":             {status(429, "Retry-After", "Sat, 01 Jan 2000 01:00:00 GMT"), time.Hour},
		"quota for a day":             {quota("Retry-After", "86400"), 24 * time.Hour},
		"quota with no end":           {quota(), time.Hour},
		"quota with an end passed":    {quota("Retry-After", "0"), time.Hour},
		"longer than Spotify asks":    {status(429, "Retry-After", "99999999"), 24 * time.Hour},
		"hostile: overflows":          {status(429, "Retry-After", strings.Repeat("9", 500)), 24 * time.Hour},
		"an error of the base":        {fails(fmt.Errorf("inner: %w", &spotipie.RateLimitError{StatusCode: 429, RetryAfter: time.Minute})), time.Minute},
		"429 without Retry-After":     {status(429), 0},
		"429 with garbage":            {status(429, "Retry-After", "soon"), 0},
		"429 with zero":               {status(429, "Retry-After", "0"), 0},
		"503 with Retry-After":        {status(503, "Retry-After", "3600"), 0},
		"200 with Retry-After":        {status(200, "Retry-After", "3600"), 0},
		"403 with a quota's reason":   {func(req *http.Request) (*http.Response, error) { return answer(req, 403, quotaBody), nil }, 0},
		"an error of the base, 503":   {fails(&spotipie.RateLimitError{StatusCode: 503, RetryAfter: time.Minute}), 0},
		"any other error of the base": {fails(io.ErrUnexpectedEOF), 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // begins at 2000-01-01 00:00:00 UTC
				base := &script{answers: []func(*http.Request) (*http.Response, error){tc.answer, status(200)}}
				pause := adapter.NewPause(base, nil)
				resp, err := pause.RoundTrip(newRequest(t, "GET", apiURL, nil))
				want, wantErr := tc.answer(newRequest(t, "GET", apiURL, nil))
				if err != nil || wantErr != nil {
					if fmt.Sprint(err) != fmt.Sprint(wantErr) {
						t.Fatalf("got error %v, want the base's, %v", err, wantErr)
					}
				} else {
					content, err := io.ReadAll(resp.Body)
					wanted, _ := io.ReadAll(want.Body)
					if err != nil || resp != base.gave[0] || string(content) != string(wanted) {
						t.Errorf("got %v with %q, %v; want the answer as it came", resp, content, err)
					}
					if err := resp.Body.Close(); err != nil || !base.bodies[0].closed {
						t.Errorf("closing: %v", err)
					}
				}
				if tc.pause > 0 {
					time.Sleep(tc.pause - 1)
					limit := notSent(t, pause, newRequest(t, "GET", apiURL+"/other", nil))
					if limit.RetryAfter != 1 || limit.StatusCode != 429 || !limit.Until.Equal(time.Now().Add(1)) || time.Since(limit.Since) != tc.pause-1 {
						t.Errorf("at its end: %+v", limit)
					}
					time.Sleep(time.Nanosecond)
				}
				send(t, pause, newRequest(t, "GET", apiURL, nil))
				if len(base.asked) != 2 || len(pause.Pauses()) != 0 {
					t.Errorf("asked %d times, paused %v", len(base.asked), pause.Pauses())
				}
			})
		})
	}
}

func TestPauseConcernsOneHost(t *testing.T) {
	base := &script{answers: []func(*http.Request) (*http.Response, error){status(429, "Retry-After", "60"), status(200)}}
	pause := adapter.NewPause(base, nil)
	send(t, pause, newRequest(t, "GET", "https://api.spotify.com/v1/me", nil))
	for url, paused := range map[string]bool{
		"https://api.spotify.com/v1/search":    true,
		"https://API.spotify.com:443/v1/me":    true,
		"https://accounts.spotify.com/v1/me":   false,
		"https://api.spotify.com:8443/v1/me":   false,
		"https://api.spotify.com.example/v1/m": false,
		"http://[::1]:80/v1/me":                false,
	} {
		_, err := pause.RoundTrip(newRequest(t, "GET", url, nil))
		if (err != nil) != paused {
			t.Errorf("%s: %v, want paused: %t", url, err, paused)
		}
	}
}

// TestPauseClosesTheBody checks that the Pause closes the body of a request that it does
// not send, as a RoundTripper must.
func TestPauseClosesTheBody(t *testing.T) {
	base := &script{answers: []func(*http.Request) (*http.Response, error){status(429, "Retry-After", "60")}}
	pause := adapter.NewPause(base, nil)
	send(t, pause, newRequest(t, "GET", apiURL, nil))
	content := &body{Reader: strings.NewReader("content")}
	notSent(t, pause, newRequest(t, "PUT", apiURL, content))
	if !content.closed || content.read != 0 {
		t.Errorf("closed %t, read %d bytes", content.closed, content.read)
	}
}

// TestPauseEndsWithTheLast lets several requests at the same time get pauses. The one
// that ends last counts.
func TestPauseEndsWithTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := slow(2*time.Second, status(429, "Retry-After", "10"))
		second := slow(time.Second, status(429, "Retry-After", "100"))
		var asked atomic.Int32
		pause := adapter.NewPause(roundTripper(func(req *http.Request) (*http.Response, error) {
			if asked.Add(1) == 1 {
				return first(req)
			}
			return second(req)
		}), nil)
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() { send(t, pause, newRequest(t, "GET", apiURL, nil)) })
		}
		group.Wait()
		if limit := notSent(t, pause, newRequest(t, "GET", apiURL, nil)); limit.RetryAfter != 99*time.Second || time.Since(limit.Since) != time.Second {
			t.Errorf("got %+v, want 99 s more, since a second", limit)
		}
	})
}

func TestPauseOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tc := range []struct {
			opts   adapter.PauseOptions
			answer func(*http.Request) (*http.Response, error)
			want   time.Duration
		}{
			{adapter.PauseOptions{MaxPause: time.Minute}, status(429, "Retry-After", "3600"), time.Minute},
			{adapter.PauseOptions{MaxPause: 48 * time.Hour}, status(429, "Retry-After", "172800"), 48 * time.Hour},
			{adapter.PauseOptions{QuotaPause: 5 * time.Hour}, quota(), 5 * time.Hour},
			{adapter.PauseOptions{QuotaPause: 5 * time.Hour, MaxPause: time.Hour}, quota(), time.Hour},
			{adapter.PauseOptions{QuotaPause: -1, MaxPause: -1}, quota(), time.Hour},
		} {
			base := &script{answers: []func(*http.Request) (*http.Response, error){tc.answer}}
			pause := adapter.NewPause(base, &tc.opts)
			send(t, pause, newRequest(t, "GET", apiURL, nil))
			if limit := notSent(t, pause, newRequest(t, "GET", apiURL, nil)); limit.RetryAfter != tc.want {
				t.Errorf("%+v: a pause of %v, want %v", tc.opts, limit.RetryAfter, tc.want)
			}
		}
	})
}

func TestPauseProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &script{answers: []func(*http.Request) (*http.Response, error){
			status(429, "Retry-After", "3600"),
			status(503),                       // the probe after 10 minutes gets no useful answer
			fails(io.ErrUnexpectedEOF),        // nor does the one after 20
			status(429, "Retry-After", "900"), // after 30 minutes: 15 more
			status(403),                       // after 40: an answer, so the pause is over
			status(200),
		}}
		pause := adapter.NewPause(base, &adapter.PauseOptions{ProbeInterval: 10 * time.Minute})
		send(t, pause, newRequest(t, "GET", apiURL, nil))
		for _, want := range []time.Duration{50 * time.Minute, 40 * time.Minute, 15 * time.Minute} {
			time.Sleep(10*time.Minute - 1)
			notSent(t, pause, newRequest(t, "GET", apiURL, nil))
			time.Sleep(time.Nanosecond)
			if resp, err := pause.RoundTrip(newRequest(t, "GET", apiURL, nil)); err == nil {
				_ = resp.Body.Close()
			}
			for range 100 {
				if limit := notSent(t, pause, newRequest(t, "GET", apiURL, nil)); limit.RetryAfter != want {
					t.Fatalf("after the probe: %v, want %v", limit.RetryAfter, want)
				}
			}
		}
		time.Sleep(10 * time.Minute)
		send(t, pause, newRequest(t, "GET", apiURL, nil))
		send(t, pause, newRequest(t, "GET", apiURL, nil))
		if len(base.asked) != 6 {
			t.Errorf("asked %d times, want 6", len(base.asked))
		}
	})
}

func TestPauseOnPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &script{answers: []func(*http.Request) (*http.Response, error){
			status(429, "Retry-After", "10"), status(200), quota("Retry-After", "86400"), status(200),
		}}
		var told []adapter.PauseState
		type key struct{}
		pause := adapter.NewPause(base, &adapter.PauseOptions{OnPause: func(ctx context.Context, p adapter.PauseState) {
			if ctx.Value(key{}) != "value" {
				t.Error("the context is not the request's")
			}
			told = append(told, p)
		}})
		start := time.Now()
		for range 4 {
			req := newRequest(t, "GET", apiURL, nil)
			if resp, err := pause.RoundTrip(req.WithContext(context.WithValue(req.Context(), key{}, "value"))); err == nil {
				_ = resp.Body.Close()
			}
			time.Sleep(10 * time.Second)
		}
		if len(told) != 2 || !told[0].Until.Equal(start.Add(10*time.Second)) || told[0].Reason != "" || told[0].Host != "api.spotify.com" ||
			!told[1].Since.Equal(start.Add(20*time.Second)) || !told[1].Until.Equal(start.Add(20*time.Second+24*time.Hour)) ||
			told[1].Reason != spotipie.ReasonQuotaExceeded || told[1].Message != "Too many requests" {
			t.Errorf("told %+v", told)
		}
	})
}

// TestPauseUnderRetries checks that all retries wait for a pause that is short enough,
// and that no request is sent during it.
func TestPauseUnderRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var paused atomic.Bool
		var asked, during atomic.Int32
		base := roundTripper(func(req *http.Request) (*http.Response, error) {
			if asked.Add(1) == 1 {
				paused.Store(true)
				time.AfterFunc(20*time.Second, func() { paused.Store(false) })
				return status(429, "Retry-After", "20")(req)
			}
			if paused.Load() {
				during.Add(1)
			}
			return status(200)(req)
		})
		retry := adapter.NewRetry(adapter.NewPause(base, nil), nil)
		var group sync.WaitGroup
		for i := range 50 {
			group.Go(func() {
				time.Sleep(time.Duration(i) * time.Second / 3)
				method := []string{"GET", "POST"}[i%2]
				if resp, _, err := try(retry, newRequest(t, method, apiURL, strings.NewReader("content"))); err != nil || resp.StatusCode != 200 {
					t.Errorf("%s after %d: %v, %v", method, i, resp, err)
				}
			})
		}
		group.Wait()
		if asked.Load() != 51 || during.Load() != 0 {
			t.Errorf("asked %d times, %d of them during the pause; want 51 and none", asked.Load(), during.Load())
		}
	})
}

// TestPauseOverABaseThatPanics checks that the Pause still works after its base has
// panicked.
func TestPauseOverABaseThatPanics(t *testing.T) {
	calls := 0
	pause := adapter.NewPause(roundTripper(func(req *http.Request) (*http.Response, error) {
		if calls++; calls == 1 {
			panic("on purpose")
		}
		return status(200)(req)
	}), nil)
	func() {
		defer func() { _ = recover() }()
		_, _ = pause.RoundTrip(newRequest(t, "GET", apiURL, nil))
	}()
	send(t, pause, newRequest(t, "GET", apiURL, nil))
}

// TestPauseOnPauseThatPanics checks that the answer, which nobody gets, is closed.
func TestPauseOnPauseThatPanics(t *testing.T) {
	base := &script{answers: []func(*http.Request) (*http.Response, error){status(429, "Retry-After", "60")}}
	pause := adapter.NewPause(base, &adapter.PauseOptions{OnPause: func(context.Context, adapter.PauseState) { panic("on purpose") }})
	defer func() {
		if recover() == nil {
			t.Error("the panic is gone")
		}
		base.checkClosed(t, 1)
	}()
	_, _ = pause.RoundTrip(newRequest(t, "GET", apiURL, nil))
}

// TestPauseDoesNotWaitForTheBody uses an answer whose body never ends.
func TestPauseDoesNotWaitForTheBody(t *testing.T) {
	url, transport := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(429)
		_, _ = io.WriteString(w, quotaBody)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	pause := adapter.NewPause(transport, nil)
	start := time.Now()
	resp, err := pause.RoundTrip(newRequest(t, "GET", url, nil))
	if err != nil {
		t.Fatal(err)
	}
	err = spotipie.CheckResponse(resp)
	var limit *spotipie.RateLimitError
	if !errors.As(err, &limit) || !limit.QuotaExceeded() || time.Since(start) > 3*time.Second {
		t.Errorf("got %v after %v", err, time.Since(start))
	}
	if limit := notSent(t, pause, newRequest(t, "GET", url, nil)); !limit.QuotaExceeded() {
		t.Errorf("got %v", limit)
	}
}

// TestPauseLeavesTheBodyWhole checks bodies that are longer than the part that the Pause
// reads, and bodies that break off.
func TestPauseLeavesTheBodyWhole(t *testing.T) {
	cut := errors.New("cut")
	for name, tc := range map[string]struct {
		size int
		err  error
	}{"none": {0, nil}, "short": {100, nil}, "long": {1 << 20, nil}, "just as much": {16 << 10, nil}, "breaks off": {100, cut}, "breaks off late": {1 << 20, cut}} {
		t.Run(name, func(t *testing.T) {
			want := strings.Repeat("0123456789", tc.size/10+1)[:tc.size]
			sent := &body{Reader: strings.NewReader(want)}
			if tc.err != nil {
				sent.Reader = io.MultiReader(sent.Reader, failing{tc.err})
			}
			pause := adapter.NewPause(roundTripper(func(req *http.Request) (*http.Response, error) {
				resp := answer(req, 429, "", "Retry-After", "60")
				resp.Body, resp.ContentLength = sent, int64(tc.size)
				return resp, nil
			}), nil)
			_, content, err := try(pause, newRequest(t, "GET", apiURL, nil))
			if content != want || !errors.Is(err, tc.err) || !sent.closed {
				t.Errorf("got %d bytes, %v, closed %t; want %d, %v", len(content), err, sent.closed, tc.size, tc.err)
			}
			notSent(t, pause, newRequest(t, "GET", apiURL, nil))
		})
	}
}

// TestPauseThatGetsLonger checks that a longer pause counts as the same pause, and that
// OnPause is called again when the difference matters.
func TestPauseThatGetsLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := []func(*http.Request) (*http.Response, error){
			slow(1*time.Second, status(429, "Retry-After", "100")),                                       // the pause begins
			slow(1*time.Second+time.Millisecond, status(429, "Retry-After", "100")),                      // hardly longer
			slow(3*time.Second, status(429, "Retry-After", "100")),                                       // 2 s longer
			slow(3*time.Second+time.Millisecond, quota("Retry-After", "100")),                            // hardly longer, another reason
			slow(4*time.Second, status(429, "Retry-After", "10")),                                        // shorter
			slow(5*time.Second, func(*http.Request) (*http.Response, error) { return status(200)(nil) }), // asks for no pause
		}
		var told atomic.Int32
		pause := adapter.NewPause(roundTripper(func(req *http.Request) (*http.Response, error) {
			return answers[req.ContentLength](req)
		}), &adapter.PauseOptions{OnPause: func(context.Context, adapter.PauseState) { told.Add(1) }})
		start := time.Now()
		var group sync.WaitGroup
		for i := range answers {
			group.Go(func() {
				req := newRequest(t, "GET", apiURL, nil)
				req.ContentLength = int64(i) // its number
				send(t, pause, req)
			})
		}
		group.Wait()
		want := adapter.PauseState{
			Host: "api.spotify.com", Since: start.Add(time.Second), Until: start.Add(103*time.Second + time.Millisecond),
			Reason: spotipie.ReasonQuotaExceeded, Message: "Too many requests",
		}
		got := pause.Pauses()
		if len(got) != 1 || !got[0].Since.Equal(want.Since) || !got[0].Until.Equal(want.Until) || got[0].Reason != want.Reason || told.Load() != 3 {
			t.Errorf("got %+v, told %d times; want %+v, told 3 times", got, told.Load(), want)
		}
	})
}
