package adapter_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie/adapter"
)

// slow returns an answer later, unless the context ends first.
func slow(d time.Duration, then func(*http.Request) (*http.Response, error)) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
			return then(req)
		case <-req.Context().Done():
			return nil, context.Cause(req.Context())
		}
	}
}

func TestRetryAttemptTimeout(t *testing.T) {
	for name, tc := range map[string]struct {
		method  string
		opts    adapter.RetryOptions
		answers []func(*http.Request) (*http.Response, error)
		asked   int
		status  int // 0 for a timeout
		took    [2]time.Duration
	}{
		"the second is faster": {
			"GET", adapter.RetryOptions{AttemptTimeout: 2 * time.Second},
			[]func(*http.Request) (*http.Response, error){slow(time.Hour, status(200)), slow(time.Second, status(200))},
			2, 200, [2]time.Duration{3150 * time.Millisecond, 3450*time.Millisecond + 1},
		},
		"none is fast enough": {
			"GET", adapter.RetryOptions{AttemptTimeout: time.Second, MaxRetries: 2},
			[]func(*http.Request) (*http.Response, error){slow(time.Hour, status(200))},
			3, 0, [2]time.Duration{3450 * time.Millisecond, 4350*time.Millisecond + 2},
		},
		"a method that is not tried again": {
			"POST", adapter.RetryOptions{AttemptTimeout: time.Second},
			[]func(*http.Request) (*http.Response, error){slow(time.Hour, status(200))},
			1, 0, [2]time.Duration{time.Second, time.Second},
		},
		"just in time": {
			"GET", adapter.RetryOptions{AttemptTimeout: time.Second},
			[]func(*http.Request) (*http.Response, error){slow(time.Second-1, status(200))},
			1, 200, [2]time.Duration{time.Second - 1, time.Second - 1},
		},
		"total": {
			"GET", adapter.RetryOptions{TotalTimeout: 10 * time.Second},
			[]func(*http.Request) (*http.Response, error){slow(4*time.Second, status(503)), slow(time.Hour, status(200))},
			2, 0, [2]time.Duration{10 * time.Second, 10 * time.Second},
		},
		"total, shorter than an attempt": {
			"GET", adapter.RetryOptions{TotalTimeout: 3 * time.Second, AttemptTimeout: 5 * time.Second},
			[]func(*http.Request) (*http.Response, error){slow(time.Hour, status(200))},
			1, 0, [2]time.Duration{3 * time.Second, 3 * time.Second},
		},
		"total, no time for a back-off": {
			"GET", adapter.RetryOptions{TotalTimeout: 5 * time.Second, InitialBackoff: 8 * time.Second},
			[]func(*http.Request) (*http.Response, error){slow(2*time.Second, status(503))},
			1, 503, [2]time.Duration{2 * time.Second, 2 * time.Second},
		},
		"neither": {
			"GET", adapter.RetryOptions{AttemptTimeout: -1, TotalTimeout: -1},
			[]func(*http.Request) (*http.Response, error){slow(time.Hour, status(200))},
			1, 200, [2]time.Duration{time.Hour, time.Hour},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := &script{answers: tc.answers}
				start := time.Now()
				resp, err := adapter.NewRetry(base, &tc.opts).RoundTrip(newRequest(t, tc.method, apiURL+"?secret", nil))
				took := time.Since(start)
				var timeout net.Error
				switch {
				case tc.status == 0:
					if resp != nil || !errors.As(err, &timeout) || !timeout.Timeout() || errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "secret") {
						t.Errorf("got %v, %v; want a timeout", resp, err)
					}
				case err != nil || resp.StatusCode != tc.status:
					t.Errorf("got %v, %v; want %d", resp, err, tc.status)
				default:
					_ = resp.Body.Close()
				}
				if len(base.asked) != tc.asked || took < tc.took[0] || took > tc.took[1] {
					t.Errorf("asked %d times in %v, want %d in %v", len(base.asked), took, tc.asked, tc.took)
				}
			})
		})
	}
}

// TestRetryAttemptTimeoutLeavesTheBodyAlone checks that reading the body may take longer
// than an attempt.
func TestRetryAttemptTimeoutLeavesTheBodyAlone(t *testing.T) {
	const limit = 300 * time.Millisecond
	url, transport := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for i := range 6 {
			fmt.Fprint(w, i)
			_ = http.NewResponseController(w).Flush()
			time.Sleep(limit / 3)
		}
	})
	retry := adapter.NewRetry(transport, &adapter.RetryOptions{AttemptTimeout: limit, TotalTimeout: limit})
	if resp, content := get(t, retry, url); resp.StatusCode != 200 || content != "012345" {
		t.Errorf("got %d %q", resp.StatusCode, content)
	}
}

// TestRetryAttemptTimeoutFreesItsContext checks this for every way in which the body can
// end.
func TestRetryAttemptTimeoutFreesItsContext(t *testing.T) {
	for name, end := range map[string]func(*http.Response){
		"closed":         func(resp *http.Response) { _ = resp.Body.Close() },
		"read":           func(resp *http.Response) { _, _ = io.ReadAll(resp.Body) },
		"without a body": nil,
	} {
		t.Run(name, func(t *testing.T) {
			var seen context.Context
			resp, err := adapter.NewRetry(roundTripper(func(req *http.Request) (*http.Response, error) {
				seen = req.Context()
				resp := answer(req, 200, "content")
				if end == nil {
					resp.Body = http.NoBody
				}
				return resp, nil
			}), &adapter.RetryOptions{AttemptTimeout: time.Hour}).RoundTrip(newRequest(t, "GET", apiURL, nil))
			if err != nil {
				t.Fatal(err)
			}
			if end != nil {
				if seen.Err() != nil {
					t.Error("the context ended before the body")
				}
				end(resp)
			}
			if seen.Err() == nil {
				t.Error("the context outlives the body")
			}
		})
	}
}

// TestRetryAttemptTimeoutKeepsAnUpgradedConnection checks that callers can write to a
// connection after 101 Switching Protocols.
func TestRetryAttemptTimeoutKeepsAnUpgradedConnection(t *testing.T) {
	url, transport := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "echo")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err == nil {
			defer conn.Close()
			line, _ := buffered.ReadString('\n')
			_, _ = io.WriteString(conn, line)
		}
	})
	req := newRequest(t, "GET", url, nil, "Connection", "Upgrade", "Upgrade", "echo")
	resp, err := adapter.NewRetry(transport, &adapter.RetryOptions{AttemptTimeout: time.Hour}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		t.Fatalf("the body of a 101 is a %T", resp.Body)
	}
	if _, err := io.WriteString(conn, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if back, err := io.ReadAll(conn); err != nil || string(back) != "hello\n" {
		t.Errorf("got %q, %v", back, err)
	}
}

// TestRetryAttemptTimeoutOverARealServer checks that a hanging attempt and its connection
// are given up.
func TestRetryAttemptTimeoutOverARealServer(t *testing.T) {
	var asked atomic.Int32
	url, transport := serve(t, func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		if asked.Add(1) == 1 {
			<-r.Context().Done()
			return
		}
		_, _ = w.Write(content)
	})
	opts := quick()
	opts.AttemptTimeout = 200 * time.Millisecond
	resp, content := send(t, adapter.NewRetry(transport, opts), newRequest(t, "PUT", url, strings.NewReader("content")))
	if resp.StatusCode != 200 || content != "content" || asked.Load() != 2 {
		t.Errorf("asked %d times, got %d %q", asked.Load(), resp.StatusCode, content)
	}
}

// TestRetryLateAnswersAreClosed uses a base that ignores the context.
func TestRetryLateAnswersAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &script{answers: []func(*http.Request) (*http.Response, error){
			func(req *http.Request) (*http.Response, error) {
				time.Sleep(time.Minute)
				return status(200)(req)
			}, status(204),
		}}
		resp, _ := send(t, adapter.NewRetry(base, &adapter.RetryOptions{AttemptTimeout: time.Second}), newRequest(t, "GET", apiURL, nil))
		if resp.StatusCode != 204 {
			t.Errorf("got %d, want the second answer", resp.StatusCode)
		}
		base.checkClosed(t, 1)
	})
}

// TestRetryOverABaseThatPanics checks that the caller gets the panic, and that nothing is
// left behind.
func TestRetryOverABaseThatPanics(t *testing.T) {
	var seen context.Context
	defer func() {
		if p := recover(); p != "on purpose" {
			t.Errorf("recovered %v", p)
		}
		if seen.Err() == nil {
			t.Error("the attempt's context was not ended")
		}
	}()
	_, _ = adapter.NewRetry(roundTripper(func(req *http.Request) (*http.Response, error) {
		seen = req.Context()
		panic("on purpose")
	}), &adapter.RetryOptions{AttemptTimeout: time.Hour}).RoundTrip(newRequest(t, "GET", apiURL, nil))
}

func TestRetryOnRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("cut")
		base := &script{answers: []func(*http.Request) (*http.Response, error){
			status(429, "Retry-After", "3"), fails(broken), status(503), status(200),
		}}
		type key struct{}
		var got []adapter.Retry
		opts := &adapter.RetryOptions{OnRetry: func(ctx context.Context, r adapter.Retry) {
			if ctx.Value(key{}) != "value" {
				t.Error("the context is not the request's")
			}
			got = append(got, r)
			time.Sleep(100 * time.Millisecond) // part of the wait
		}}
		req := newRequest(t, "GET", "https://user:secret@api.spotify.com/v1/a%2Fb?token=secret#secret", nil, "Authorization", "Bearer secret")
		req.Method = ""
		send(t, adapter.NewRetry(base, opts), req.WithContext(context.WithValue(req.Context(), key{}, "value")))
		if len(got) != 3 {
			t.Fatalf("told of %+v, want 3 retries", got)
		}
		for i, want := range []adapter.Retry{{Attempt: 1, StatusCode: 429}, {Attempt: 2, Err: broken}, {Attempt: 3, StatusCode: 503}} {
			want.Method, want.URL, want.Wait = "GET", "https://api.spotify.com/v1/a%2Fb", base.waits()[i]
			if !reflect.DeepEqual(got[i], want) {
				t.Errorf("retry %d: told %+v, want %+v", i, got[i], want)
			}
		}
		if strings.Contains(fmt.Sprint(got), "secret") {
			t.Errorf("secrets: %v", got)
		}
	})
}

// TestRetryOnRetryThatPanics checks that the body for the next attempt is closed.
func TestRetryOnRetryThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replay := &body{Reader: strings.NewReader("content")}
		req := newRequest(t, "PUT", apiURL, strings.NewReader("content"))
		req.GetBody = func() (io.ReadCloser, error) { return replay, nil }
		defer func() {
			if recover() == nil || !replay.closed {
				t.Errorf("the panic is gone, or the body open: closed %t", replay.closed)
			}
		}()
		base := &script{answers: []func(*http.Request) (*http.Response, error){status(503)}}
		_, _ = adapter.NewRetry(base, &adapter.RetryOptions{OnRetry: func(context.Context, adapter.Retry) { panic("on purpose") }}).RoundTrip(req)
	})
}

// TestRetryAttemptTimeoutAndTheContext ends the caller's context at the same moment as the
// attempt. The error must be the context's.
func TestRetryAttemptTimeoutAndTheContext(t *testing.T) {
	for _, limit := range []time.Duration{time.Second - 1, time.Second, time.Second + 1, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			base := &script{answers: []func(*http.Request) (*http.Response, error){func(req *http.Request) (*http.Response, error) {
				<-req.Context().Done()
				time.Sleep(time.Millisecond) // both have ended
				return nil, req.Context().Err()
			}}}
			opts := &adapter.RetryOptions{AttemptTimeout: limit}
			_, err := adapter.NewRetry(base, opts).RoundTrip(newRequest(t, "GET", apiURL, nil).WithContext(ctx))
			if !errors.Is(err, context.DeadlineExceeded) || len(base.asked) != 1 {
				t.Errorf("AttemptTimeout %v: asked %d times, %v", limit, len(base.asked), err)
			}
		})
	}
}
