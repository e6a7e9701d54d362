package adapter_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/adapter"
)

const apiURL = "https://api.spotify.com/v1/me"

// script is a base that returns one answer after the other, and then the last one
// forever. It records the times of the requests and the answers.
type script struct {
	answers []func(*http.Request) (*http.Response, error)
	asked   []time.Time
	sent    []string // bodies
	gave    []*http.Response
	bodies  []*body // of its answers
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	s.asked = append(s.asked, time.Now())
	content := ""
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		content = string(b)
		_ = req.Body.Close()
	}
	s.sent = append(s.sent, content)
	resp, err := s.answers[min(len(s.asked), len(s.answers))-1](req)
	if err == nil {
		s.gave = append(s.gave, resp)
		s.bodies = append(s.bodies, resp.Body.(*body))
	}
	return resp, err
}

// waits returns the times between the requests.
func (s *script) waits() []time.Duration {
	var waits []time.Duration
	for i := 1; i < len(s.asked); i++ {
		waits = append(waits, s.asked[i].Sub(s.asked[i-1]))
	}
	return waits
}

// checkClosed checks that the first n bodies were closed.
func (s *script) checkClosed(t *testing.T, n int) {
	t.Helper()
	for i, b := range s.bodies[:n] {
		if !b.closed {
			t.Errorf("the body of answer %d was not closed", i)
		}
	}
}

func status(code int, header ...string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		return answer(req, code, fmt.Sprintf("answer %d", code), header...), nil
	}
}

func fails(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func TestRetryWhatIsRetried(t *testing.T) {
	for name, tc := range map[string]struct {
		method string
		first  func(*http.Request) (*http.Response, error)
		again  bool
	}{
		"GET 429":                  {"GET", status(429), true},
		"GET 429 with Retry-After": {"GET", status(429, "Retry-After", "2"), true},
		"POST 429":                 {"POST", status(429, "Retry-After", "2"), true},
		"PATCH 429":                {"PATCH", status(429), true},
		"GET 500":                  {"GET", status(500), true},
		"GET 502":                  {"GET", status(502), true},
		"GET 503":                  {"GET", status(503), true},
		"GET 504":                  {"GET", status(504), true},
		"no method 503":            {"", status(503), true},
		"HEAD 503":                 {"HEAD", status(503), true},
		"OPTIONS 503":              {"OPTIONS", status(503), true},
		"TRACE 503":                {"TRACE", status(503), true},
		"PUT 503":                  {"PUT", status(503), true},
		"DELETE 503":               {"DELETE", status(503), true},
		"GET connection error":     {"GET", fails(io.ErrUnexpectedEOF), true},
		"PUT connection error":     {"PUT", fails(io.ErrUnexpectedEOF), true},
		"POST 500":                 {"POST", status(500), false},
		"POST 503":                 {"POST", status(503, "Retry-After", "2"), false},
		"PATCH 503":                {"PATCH", status(503), false},
		"unknown method 503":       {"FROB", status(503), false},
		"POST connection error":    {"POST", fails(io.ErrUnexpectedEOF), false},
		"GET 200":                  {"GET", status(200, "Retry-After", "2"), false},
		"GET 304":                  {"GET", status(304), false},
		"GET 401":                  {"GET", status(401), false},
		"GET 403":                  {"GET", status(403), false},
		"GET 408":                  {"GET", status(408), false},
		"GET 501":                  {"GET", status(501), false},
		"GET 505":                  {"GET", status(505), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := &script{answers: []func(*http.Request) (*http.Response, error){tc.first, status(204)}}
				req := newRequest(t, "GET", apiURL, nil)
				req.Method = tc.method
				resp, err := adapter.NewRetry(base, nil).RoundTrip(req)
				if tc.again {
					if err != nil || resp.StatusCode != 204 || len(base.asked) != 2 {
						t.Fatalf("asked %d times, got %v, %v; want a second try", len(base.asked), resp, err)
					}
					base.checkClosed(t, len(base.gave)-1)
					return
				}
				want, wantErr := tc.first(req)
				if len(base.asked) != 1 || !errors.Is(err, wantErr) {
					t.Fatalf("asked %d times, error %v; want once, %v", len(base.asked), err, wantErr)
				}
				if want != nil && (resp != base.gave[0] || resp.Body.(*body).closed) {
					t.Errorf("got %v, want the answer as it came", resp)
				}
			})
		})
	}
}

func TestRetryWaitsAsAsked(t *testing.T) {
	const shortest, longest = 150 * time.Millisecond, 450*time.Millisecond + 1 // the first back-off
	for name, tc := range map[string]struct {
		status      int
		header      string
		least, most time.Duration
	}{
		"seconds":              {429, "11", 11 * time.Second, 12 * time.Second},
		"date":                 {429, "Sat, 01 Jan 2000 00:00:17 GMT", 17 * time.Second, 18 * time.Second},
		"503 seconds":          {503, "11", 11 * time.Second, 12 * time.Second},
		"as long as MaxWait":   {429, "30", 30 * time.Second, 30 * time.Second},
		"no header: back off":  {429, "", shortest, longest},
		"zero: back off":       {429, "0", shortest, longest},
		"date that has passed": {429, "Fri, 31 Dec 1999 23:00:00 GMT", shortest, longest},
		"negative":             {429, "-30", shortest, longest},
		"garbage":              {429, "in a while", shortest, longest},
		"fraction":             {429, "0.000001", shortest, longest},
		"not UTF-8":            {429, "\xff\xfe", shortest, longest},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // begins at 2000-01-01 00:00:00 UTC
				base := &script{answers: []func(*http.Request) (*http.Response, error){
					status(tc.status, "Retry-After", tc.header), status(200),
				}}
				send(t, adapter.NewRetry(base, nil), newRequest(t, "GET", apiURL, nil))
				if w := base.waits(); len(w) != 1 || w[0] < tc.least || w[0] > tc.most {
					t.Errorf("waited %v, want between %v and %v", w, tc.least, tc.most)
				}
			})
		})
	}
}

func TestRetriesToldTheSameDoNotComeBackTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waits := make(map[time.Duration]bool)
		for range 20 {
			base := &script{answers: []func(*http.Request) (*http.Response, error){status(429, "Retry-After", "10"), status(200)}}
			send(t, adapter.NewRetry(base, nil), newRequest(t, "GET", apiURL, nil))
			waits[base.waits()[0]] = true
		}
		if len(waits) < 15 {
			t.Errorf("20 retries waited only %d different times", len(waits))
		}
	})
}

func TestRetryDoesNotTryAgainWhatCannotHelp(t *testing.T) {
	for name, err := range map[string]error{
		"not authorized":           spotipie.ErrNotAuthorized,
		"token expired":            spotipie.ErrTokenExpired,
		"reauthorization required": fmt.Errorf("wrapped: %w", spotipie.ErrReauthorizationRequired),
		"session closed":           spotipie.ErrClosed,
		"token endpoint":           &spotipie.TokenEndpointError{StatusCode: 503},
		"store":                    &spotipie.StoreError{Op: "lock", Err: io.EOF},
		"no such host":             &net.DNSError{IsNotFound: true},
	} {
		t.Run(name, func(t *testing.T) {
			fail := func(*http.Request) (*http.Response, error) { return nil, err }
			base := &script{answers: []func(*http.Request) (*http.Response, error){fail, status(200)}}
			if _, got := adapter.NewRetry(base, nil).RoundTrip(newRequest(t, "GET", apiURL, nil)); !errors.Is(got, err) || len(base.asked) != 1 {
				t.Errorf("asked %d times, error %v; want once, %v", len(base.asked), got, err)
			}
		})
	}
}

func TestRetryBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var firstWaits []time.Duration
		for range 20 {
			base := &script{answers: []func(*http.Request) (*http.Response, error){status(502)}}
			resp, content := send(t, adapter.NewRetry(base, nil), newRequest(t, "GET", apiURL, nil))
			if len(base.asked) != 11 {
				t.Fatalf("asked %d times, want once and 10 retries", len(base.asked))
			}
			if resp != base.gave[10] || resp.StatusCode != 502 || content != "answer 502" {
				t.Errorf("got %v with %q, want the last answer itself", resp, content)
			}
			base.checkClosed(t, 10)
			want := 300 * time.Millisecond
			for i, got := range base.waits() {
				if got < want/2 || got > want*3/2+1 {
					t.Errorf("wait %d took %v, want %v give or take half", i, got, want)
				}
				want = min(2*want, 10*time.Second)
			}
			firstWaits = append(firstWaits, base.waits()[0])
		}
		if slices.Min(firstWaits) == slices.Max(firstWaits) {
			t.Errorf("no jitter: 20 requests all waited %v", firstWaits[0])
		}
	})
}

func TestRetryOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tc := range map[string]struct {
			opts    adapter.RetryOptions
			retries int
			longest time.Duration
		}{
			"none":              {adapter.RetryOptions{MaxRetries: -1}, 0, 0},
			"two":               {adapter.RetryOptions{MaxRetries: 2}, 2, 900 * time.Millisecond},
			"capped":            {adapter.RetryOptions{MaxRetries: 30, MaxBackoff: time.Second}, 30, 1500 * time.Millisecond},
			"starts at the cap": {adapter.RetryOptions{MaxRetries: 5, InitialBackoff: time.Hour, MaxBackoff: time.Second}, 5, 1500 * time.Millisecond},
			"negative pauses":   {adapter.RetryOptions{MaxRetries: 1, InitialBackoff: -1, MaxBackoff: -1, MaxWait: -1}, 1, 450 * time.Millisecond},
		} {
			base := &script{answers: []func(*http.Request) (*http.Response, error){status(500)}}
			send(t, adapter.NewRetry(base, &tc.opts), newRequest(t, "GET", apiURL, nil))
			if got := len(base.asked) - 1; got != tc.retries {
				t.Errorf("%s: %d retries, want %d", name, got, tc.retries)
			}
			for _, wait := range base.waits() {
				if wait > tc.longest+1 {
					t.Errorf("%s: waited %v, want at most %v", name, wait, tc.longest)
				}
			}
		}
	})
}

func TestRetryReturnsTheLastError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, last := errors.New("first"), errors.New("last")
		base := &script{answers: []func(*http.Request) (*http.Response, error){fails(first), status(503), fails(last)}}
		resp, err := adapter.NewRetry(base, &adapter.RetryOptions{MaxRetries: 2}).RoundTrip(newRequest(t, "GET", apiURL, nil))
		if resp != nil || err != last || len(base.asked) != 3 {
			t.Errorf("asked %d times, got %v, %v; want the last error itself", len(base.asked), resp, err)
		}
		base.checkClosed(t, len(base.gave))
	})
}

func TestRetryRefusesLongPauses(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for name, tc := range map[string]struct {
		method   string
		answer   func(*http.Request) (*http.Response, error)
		maxWait  time.Duration
		deadline time.Duration // none if 0
		want     spotipie.RateLimitError
	}{
		"over the default MaxWait": {"GET", status(429, "Retry-After", "31"), 0, 0,
			spotipie.RateLimitError{RetryAfter: 31 * time.Second, Limit: 30 * time.Second, StatusCode: 429}},
		"hours": {"GET", status(429, "Retry-After", "19056"), 0, time.Hour,
			spotipie.RateLimitError{RetryAfter: 19056 * time.Second, Limit: 30 * time.Second, StatusCode: 429}},
		"over MaxWait": {"GET", status(429, "Retry-After", "2"), time.Second, 0,
			spotipie.RateLimitError{RetryAfter: 2 * time.Second, Limit: time.Second, StatusCode: 429}},
		"over the deadline": {"GET", status(429, "Retry-After", "11"), 0, 10 * time.Second,
			spotipie.RateLimitError{RetryAfter: 11 * time.Second, Limit: 10 * time.Second, StatusCode: 429, Err: context.DeadlineExceeded}},
		"over both": {"GET", status(429, "Retry-After", "19056"), 0, 10 * time.Second,
			spotipie.RateLimitError{RetryAfter: 19056 * time.Second, Limit: 10 * time.Second, StatusCode: 429, Err: context.DeadlineExceeded}},
		"POST": {"POST", status(429, "Retry-After", "3600"), 0, 0,
			spotipie.RateLimitError{RetryAfter: time.Hour, Limit: 30 * time.Second, StatusCode: 429}},
		"503": {"GET", status(503, "Retry-After", "3600"), 0, 0,
			spotipie.RateLimitError{RetryAfter: time.Hour, Limit: 30 * time.Second, StatusCode: 503}},
		"a date": {"GET", status(429, "Retry-After", "Sat, 01 Jan 2000 02:00:00 GMT"), 0, 0,
			spotipie.RateLimitError{RetryAfter: 2 * time.Hour, Limit: 30 * time.Second, StatusCode: 429}},
		"hostile: overflows": {"GET", status(429, "Retry-After", strings.Repeat("9", 500)), 0, 0,
			spotipie.RateLimitError{RetryAfter: year, Limit: 30 * time.Second, StatusCode: 429}},
		"hostile: the year 9999": {"GET", status(429, "Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"), 0, 0,
			spotipie.RateLimitError{RetryAfter: year, Limit: 30 * time.Second, StatusCode: 429}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // begins at 2000-01-01 00:00:00 UTC
				ctx := t.Context()
				if tc.deadline > 0 {
					var cancel func()
					ctx, cancel = context.WithTimeout(ctx, tc.deadline)
					defer cancel()
				}
				base := &script{answers: []func(*http.Request) (*http.Response, error){tc.answer}}
				start := time.Now()
				resp, err := adapter.NewRetry(base, &adapter.RetryOptions{MaxWait: tc.maxWait}).
					RoundTrip(newRequest(t, tc.method, apiURL, nil).WithContext(ctx))
				tc.want.Message = fmt.Sprintf("answer %d", tc.want.StatusCode)
				tc.want.Since, tc.want.Until = start, start.Add(tc.want.RetryAfter)
				var got *spotipie.RateLimitError
				if resp != nil || !errors.As(err, &got) || *got != tc.want {
					t.Errorf("got %v, %#v; want %#v", resp, err, tc.want)
				}
				if waited := time.Since(start); waited != 0 || len(base.asked) != 1 {
					t.Errorf("asked %d times and waited %v, want an error at once", len(base.asked), waited)
				}
				base.checkClosed(t, len(base.gave))
			})
		})
	}
}

func TestRetryDoesNotBackOffPastTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		base := &script{answers: []func(*http.Request) (*http.Response, error){status(503)}}
		start := time.Now()
		resp, err := adapter.NewRetry(base, nil).RoundTrip(newRequest(t, "GET", apiURL, nil).WithContext(ctx))
		if err != nil || resp != base.gave[len(base.gave)-1] || resp.Body.(*body).closed {
			t.Fatalf("got %v, %v; want the last answer", resp, err)
		}
		if len(base.asked) < 3 || time.Since(start) != base.asked[len(base.asked)-1].Sub(start) {
			t.Errorf("asked %d times, returned after %v, last asked after %v; want no wait after that",
				len(base.asked), time.Since(start), base.asked[len(base.asked)-1].Sub(start))
		}
	})
}

func TestRetryAfterGoesBeforeALongerBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		base := &script{answers: []func(*http.Request) (*http.Response, error){status(429, "Retry-After", "1"), status(200)}}
		opts := &adapter.RetryOptions{InitialBackoff: time.Minute, MaxBackoff: time.Minute}
		resp, _ := send(t, adapter.NewRetry(base, opts), newRequest(t, "GET", apiURL, nil).WithContext(ctx))
		if resp.StatusCode != 200 || base.waits()[0] != time.Second {
			t.Errorf("got %d after %v, want 200 after the second the server asked for", resp.StatusCode, base.waits())
		}
	})
}

func TestRetryWaitEndsWithTheContext(t *testing.T) {
	gone := errors.New("the user has gone")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(7*time.Second, func() { cancel(gone) })
		base := &script{answers: []func(*http.Request) (*http.Response, error){status(429, "Retry-After", "20")}}
		req := newRequest(t, "PUT", apiURL, strings.NewReader("content")).WithContext(ctx)
		replay := &body{Reader: strings.NewReader("content")}
		req.GetBody = func() (io.ReadCloser, error) { return replay, nil }

		start := time.Now()
		resp, err := adapter.NewRetry(base, nil).RoundTrip(req)
		if resp != nil || !errors.Is(err, gone) {
			t.Errorf("got %v, %v; want the context's cause", resp, err)
		}
		if waited := time.Since(start); waited != 7*time.Second || len(base.asked) != 1 {
			t.Errorf("asked %d times, returned after %v; want the moment of the cancellation", len(base.asked), waited)
		}
		if !replay.closed {
			t.Error("the body for the next try was not closed")
		}
		base.checkClosed(t, len(base.gave))
	})
}

func TestRetryStopsWhenTheContextIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		base := &script{answers: []func(*http.Request) (*http.Response, error){
			func(req *http.Request) (*http.Response, error) { cancel(); return nil, req.Context().Err() },
		}}
		_, err := adapter.NewRetry(base, nil).RoundTrip(newRequest(t, "GET", apiURL, nil).WithContext(ctx))
		if err != context.Canceled || len(base.asked) != 1 {
			t.Errorf("asked %d times, error %v; want the context's own error after one", len(base.asked), err)
		}
	})
}
