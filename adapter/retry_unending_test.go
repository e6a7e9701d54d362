package adapter_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/adapter"
)

// TestRetryDoesNotWaitForTheBody drops answers whose bodies never end.
func TestRetryDoesNotWaitForTheBody(t *testing.T) {
	const quota = `{"error":{"status":429,"message":"Too many requests","reason":"QUOTA_EXCEEDED"}}`
	for name, tc := range map[string]struct {
		status     int
		retryAfter string
		body       string
		gzip       bool
		want       string
	}{
		"503, nothing":             {status: 503, want: "200"},
		"503, a beginning":         {status: 503, body: "Service", want: "200"},
		"500, gzip":                {status: 500, body: "Internal", gzip: true, want: "200"},
		"503, Retry-After 0":       {status: 503, retryAfter: "0", want: "200"},
		"503, Retry-After 3600":    {status: 503, retryAfter: "3600", want: "503, 1h0m0s, "},
		"429, Retry-After 0":       {status: 429, retryAfter: "0", want: "200"},
		"429, no Retry-After":      {status: 429, body: "Too many", want: "200"},
		"429, Retry-After 3600":    {status: 429, retryAfter: "3600", want: "429, 1h0m0s, "},
		"429, a reason and no end": {status: 429, retryAfter: "1", body: quota, want: "429, 1s, QUOTA_EXCEEDED"},
		"429, half a reason":       {status: 429, retryAfter: "3600", body: quota[:50], want: "429, 1h0m0s, "},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, HTTP/2 %t", name, http2), func(t *testing.T) {
				t.Parallel()
				var asked atomic.Int32
				server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if asked.Add(1) > 1 {
						return
					}
					if tc.retryAfter != "" {
						w.Header().Set("Retry-After", tc.retryAfter)
					}
					if tc.gzip {
						w.Header().Set("Content-Encoding", "gzip")
					}
					w.WriteHeader(tc.status)
					body := io.Writer(w)
					if tc.gzip {
						zip := gzip.NewWriter(w)
						defer zip.Flush()
						body = zip
					}
					_, _ = io.WriteString(body, tc.body)
					w.(http.Flusher).Flush()
					<-r.Context().Done()
				}))
				server.EnableHTTP2 = http2
				server.StartTLS()
				defer server.Close()
				defer server.Client().CloseIdleConnections()

				start := time.Now()
				resp, err := adapter.NewRetry(server.Client().Transport, quick()).RoundTrip(newRequest(t, "GET", server.URL, nil))
				var limit *spotipie.RateLimitError
				got := fmt.Sprint(err)
				if err == nil {
					got = fmt.Sprint(resp.StatusCode)
					_ = resp.Body.Close()
				} else if errors.As(err, &limit) {
					got = fmt.Sprintf("%d, %s, %s", limit.StatusCode, limit.RetryAfter, limit.Reason)
				}
				if got != tc.want {
					t.Errorf("got %s, want %s", got, tc.want)
				}
				if took := time.Since(start); took > 3*time.Second {
					t.Errorf("took %v", took)
				}
			})
		}
	}
}

// stuck is a body without data whose Read ends only when end is closed.
type stuck struct{ end chan struct{} }

func (s stuck) Read([]byte) (int, error) { <-s.end; return 0, io.EOF }
func (s stuck) Close() error             { <-s.end; return nil }

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("no such body") }
func (panicking) Close() error             { return nil }

type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }
func (silent) Close() error             { return nil }

// TestRetryOverMisbehavedBodies uses bodies that break the rules of io.ReadCloser.
func TestRetryOverMisbehavedBodies(t *testing.T) {
	end := make(chan struct{})
	defer close(end)
	for name, body := range map[string]io.ReadCloser{
		"stuck in Read and Close": stuck{end}, "panics": panicking{}, "neither data nor an end": silent{}, "none": nil,
	} {
		for _, first := range []func(*http.Request) (*http.Response, error){
			status(503), status(429, "Retry-After", "0"), status(429, "Retry-After", "3600"),
		} {
			t.Run(name, func(t *testing.T) {
				asked := 0
				retry := adapter.NewRetry(roundTripper(func(req *http.Request) (*http.Response, error) {
					if asked++; asked > 1 {
						return status(204)(req)
					}
					resp, err := first(req)
					resp.Body, resp.ContentLength = body, -1
					return resp, err
				}), quick())
				start := time.Now()
				resp, _, err := try(retry, newRequest(t, "GET", apiURL, nil))
				var limit *spotipie.RateLimitError
				if !errors.As(err, &limit) && (err != nil || resp.StatusCode != 204) {
					t.Errorf("got %v, %v", resp, err)
				}
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("took %v", took)
				}
			})
		}
	}
}

// TestRetryFreesAConnectionThatIsNotDrained checks that the body does not make the wait
// longer, and that nothing is left behind.
func TestRetryDoesNotWaitLongerForABody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, writer := io.Pipe()
		base := &script{answers: []func(*http.Request) (*http.Response, error){
			func(req *http.Request) (*http.Response, error) {
				resp := answer(req, 429, "", "Retry-After", "10")
				resp.Body = &body{Reader: reader}
				resp.ContentLength = -1
				return resp, nil
			}, status(200),
		}}
		go func() { // later than anybody waits for it
			time.Sleep(5 * time.Second)
			_ = writer.Close()
		}()
		send(t, adapter.NewRetry(base, nil), newRequest(t, "GET", apiURL, nil))
		if w := base.waits()[0]; w < 10*time.Second || w > 11*time.Second {
			t.Errorf("waited %v, want the 10 s asked for and up to a second more", w)
		}
	})
}

// TestRetryNeverRetriesAQuota checks this even for the shortest pause.
func TestRetryNeverRetriesAQuota(t *testing.T) {
	const body = `{"error":{"status":429,"message":"Too many requests","reason":"QUOTA_EXCEEDED"}}`
	for name, tc := range map[string]struct {
		method, body string
		header       []string
		want         time.Duration
	}{
		"a day":             {"GET", body, []string{"Retry-After", "86400"}, 24 * time.Hour},
		"a second":          {"GET", body, []string{"Retry-After", "1"}, time.Second},
		"zero":              {"GET", body, []string{"Retry-After", "0"}, 0},
		"no Retry-After":    {"GET", body, nil, 0},
		"POST":              {"POST", body, []string{"Retry-After", "1"}, time.Second},
		"in lower case":     {"GET", strings.ToLower(body), []string{"Retry-After", "1"}, time.Second},
		"said to be HTML":   {"GET", body, []string{"Retry-After", "1", "Content-Type", "text/html"}, time.Second},
		"and a long rest":   {"GET", body + strings.Repeat(" ", 1<<20), []string{"Retry-After", "1"}, time.Second},
		"as the last field": {"GET", `{"error":{"more":{"reason":"x"},"reason":"QUOTA_EXCEEDED"}}`, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := &script{answers: []func(*http.Request) (*http.Response, error){
					func(req *http.Request) (*http.Response, error) { return answer(req, 429, tc.body, tc.header...), nil },
				}}
				told := 0
				opts := &adapter.RetryOptions{OnRetry: func(_ context.Context, _ adapter.Retry) { told++ }}
				start := time.Now()
				resp, err := adapter.NewRetry(base, opts).RoundTrip(newRequest(t, tc.method, apiURL, nil))
				var limit *spotipie.RateLimitError
				if resp != nil || !errors.As(err, &limit) || !limit.QuotaExceeded() || limit.RetryAfter != tc.want {
					t.Fatalf("got %v, %#v; want a quota for %v", resp, err, tc.want)
				}
				if len(base.asked) != 1 || told != 0 || time.Since(start) != 0 {
					t.Errorf("asked %d times, told of %d retries, took %v", len(base.asked), told, time.Since(start))
				}
				base.checkClosed(t, 1)
			})
		})
	}
}
