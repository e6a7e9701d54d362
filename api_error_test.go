package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/adapter"
	"github.com/spotipie/spotipie/spotifytest"
)

const quotaBody = `{"error":{"status":429,"message":"Too many requests","reason":"QUOTA_EXCEEDED"}}`

// Test429IsOneError checks that errors.As finds both error types, with the same
// contents, in every error for a 429. It does not matter what the requests are sent
// through or which RoundTripper makes the error.
func Test429IsOneError(t *testing.T) {
	faults := map[string]accounts.Fault{
		"JSON":  {Kind: accounts.FaultRateLimited, RetryAfter: 19056 * time.Second},
		"plain": {Kind: accounts.FaultRateLimitedPlain, RetryAfter: 19056 * time.Second},
		"quota": {
			Kind: accounts.FaultRespond, Status: 429, Body: quotaBody,
			Header: http.Header{"Retry-After": {"19056"}, "Content-Type": {"application/json"}},
		},
	}
	want := map[string]spotipie.APIError{
		"JSON":  {StatusCode: 429, Message: "API rate limit exceeded", RetryAfter: 19056 * time.Second},
		"plain": {StatusCode: 429, Message: "Too many requests", RetryAfter: 19056 * time.Second},
		"quota": {StatusCode: 429, Message: "Too many requests", Reason: "QUOTA_EXCEEDED", RetryAfter: 19056 * time.Second},
	}
	for stack, over := range map[string]func(http.RoundTripper) http.RoundTripper{
		"nothing": func(base http.RoundTripper) http.RoundTripper { return base },
		"retry":   func(base http.RoundTripper) http.RoundTripper { return adapter.NewRetry(base, nil) },
		"retry, no time": func(base http.RoundTripper) http.RoundTripper {
			return adapter.NewRetry(base, &adapter.RetryOptions{MaxRetries: -1})
		},
		"pause": func(base http.RoundTripper) http.RoundTripper { return adapter.NewPause(base, nil) },
		"all": func(base http.RoundTripper) http.RoundTripper {
			return adapter.NewCache(adapter.NewRetry(adapter.NewPause(base, nil), nil), nil)
		},
	} {
		for kind, fault := range faults {
			t.Run(kind+" through "+stack, func(t *testing.T) {
				server := spotifytest.New(t)
				s := server.Session(t)
				if err := s.Mount(server.URL+"/v1/", over(server.Transport())); err != nil {
					t.Fatal(err)
				}
				fault.Target = accounts.TargetAPI
				queue(t, server, fault)
				resp, err := s.Request(t.Context(), http.MethodGet, "/v1/me", nil)
				if err == nil {
					err = spotipie.CheckResponse(resp)
				}
				var api *spotipie.APIError
				var limit *spotipie.RateLimitError
				if !errors.As(err, &api) || !errors.As(err, &limit) {
					t.Fatalf("got %v, want both errors in it", err)
				}
				if *api != want[kind] {
					t.Errorf("APIError: got %+v, want %+v", *api, want[kind])
				}
				if limit.StatusCode != 429 || limit.RetryAfter != api.RetryAfter || limit.Reason != api.Reason ||
					limit.Message != api.Message || limit.NotSent || limit.QuotaExceeded() != (kind == "quota") {
					t.Errorf("RateLimitError: %+v", limit)
				}
				if since := time.Since(limit.Since); since < 0 || since > time.Minute || limit.Until.Sub(limit.Since) != limit.RetryAfter {
					t.Errorf("since %v until %v", limit.Since, limit.Until)
				}
			})
		}
	}
}

// TestOnly429IsARateLimit checks that other statuses give no RateLimitError.
func TestOnly429IsARateLimit(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 428, 430, 500, 503, 599} {
		resp := &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {"60"}}, Body: io.NopCloser(strings.NewReader(quotaBody))}
		err := spotipie.CheckResponse(resp)
		var api *spotipie.APIError
		var limit *spotipie.RateLimitError
		if errors.As(err, &limit) || !errors.As(err, &api) || api.StatusCode != status || api.RetryAfter != time.Minute {
			t.Errorf("%d: got %#v", status, err)
		}
	}
}

// TestRateLimitErrorTexts checks that the text says what the error is, since when,
// until when, and what to do.
func TestRateLimitErrorTexts(t *testing.T) {
	since := time.Date(2026, 11, 24, 10, 0, 30, 0, time.UTC)
	until := since.Add(19056 * time.Second)
	for name, tc := range map[string]struct {
		err  spotipie.RateLimitError
		want string
	}{
		"an answer": {
			spotipie.RateLimitError{StatusCode: 429, RetryAfter: 19056 * time.Second, Message: "API rate limit exceeded", Since: since, Until: until},
			"spotipie: the Web API answered 429 Too Many Requests: API rate limit exceeded (try again in 5h17m36s)",
		},
		"an answer that says nothing": {
			spotipie.RateLimitError{StatusCode: 429, Since: since},
			"spotipie: the Web API answered 429 Too Many Requests",
		},
		"not sent": {
			spotipie.RateLimitError{StatusCode: 429, RetryAfter: 90*time.Minute - 1, Since: since, Until: until, NotSent: true},
			"spotipie: rate limited: the request was not sent, because the server (429 Too Many Requests) asked at 2026-11-24 10:00 UTC " +
				"for a pause until 2026-11-24 15:18 UTC: try again in 1h30m0s",
		},
		"a quota": {
			spotipie.RateLimitError{StatusCode: 429, RetryAfter: 19056 * time.Second, Reason: "QUOTA_EXCEEDED", Since: since, Until: until},
			"spotipie: quota exceeded: Spotify (429 Too Many Requests) takes no more requests since 2026-11-24 10:00 UTC " +
				"until 2026-11-24 15:18 UTC, 5h17m36s from now; " +
				"the quota is that of the developer's account, and all its apps share it: wait until it is renewed",
		},
		"a quota, not sent": {
			spotipie.RateLimitError{StatusCode: 429, RetryAfter: time.Minute, Reason: "quota_exceeded", Since: since, Until: until, NotSent: true},
			"spotipie: quota exceeded: Spotify (429 Too Many Requests) takes no more requests since 2026-11-24 10:00 UTC " +
				"until 2026-11-24 15:18 UTC, 1m0s from now; the request was not sent; " +
				"the quota is that of the developer's account, and all its apps share it: wait until it is renewed",
		},
		"a quota with no end": {
			spotipie.RateLimitError{StatusCode: 429, Reason: "QUOTA_EXCEEDED", Since: since},
			"spotipie: quota exceeded: Spotify (429 Too Many Requests) takes no more requests since 2026-11-24 10:00 UTC, " +
				"and does not say until when (it counts about a day); " +
				"the quota is that of the developer's account, and all its apps share it: wait until it is renewed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.err.Error(); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
	hostile := &spotipie.RateLimitError{StatusCode: 429, Message: "a\x1b[31m\nb" + strings.Repeat("x", 1000), Reason: "r\x00" + strings.Repeat("y", 1000)}
	if got := hostile.Error(); strings.ContainsAny(got, "\x1b\n\x00") || len(got) > 600 {
		t.Errorf("a text from outside: %q", got)
	}
}

func TestRateLimitErrorWrapsBoth(t *testing.T) {
	err := fmt.Errorf("get the profile: %w", &spotipie.RateLimitError{
		StatusCode: 503, RetryAfter: time.Hour, Limit: time.Minute, Message: "busy", Err: context.DeadlineExceeded,
	})
	var api *spotipie.APIError
	if !errors.As(err, &api) || *api != (spotipie.APIError{StatusCode: 503, Message: "busy", RetryAfter: time.Hour}) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %+v in %v", api, err)
	}
	var other *spotipie.TokenEndpointError
	if errors.As(err, &other) {
		t.Error("errors.As finds an error that is not there")
	}
}

// TestCheckResponseDoesNotWaitForTheBody sends a body without an end. The message
// that has arrived must be in the error.
func TestCheckResponseDoesNotWaitForTheBody(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want spotipie.APIError
	}{
		"nothing":            {"", spotipie.APIError{StatusCode: 403, Message: "reading its message failed"}},
		"plain":              {"Active premium", spotipie.APIError{StatusCode: 403, Message: "Active premium"}},
		"JSON":               {`{"error":{"status":403,"message":"Forbidden","reason":"X"}}`, spotipie.APIError{StatusCode: 403, Message: "Forbidden", Reason: "X"}},
		"JSON, broken off":   {`{"error":{"sta`, spotipie.APIError{StatusCode: 403, Message: `{"error":{"sta`}},
		"JSON, another JSON": {`{"error":{"message":"a"}}{"error":{"message":"b"}}`, spotipie.APIError{StatusCode: 403, Message: "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, tc.body)
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			}))
			defer server.Close()
			defer server.Client().CloseIdleConnections()
			resp, err := server.Client().Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			var api *spotipie.APIError
			if err := spotipie.CheckResponse(resp); !errors.As(err, &api) || *api != tc.want {
				t.Errorf("got %#v, want %+v", err, tc.want)
			}
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		reader, writer := io.Pipe()
		defer writer.Close()
		start := time.Now()
		err := spotipie.CheckResponse(&http.Response{StatusCode: 500, Body: reader})
		if err == nil || time.Since(start) != time.Second {
			t.Errorf("got %v after %v, want an error after a second", err, time.Since(start))
		}
	})
}
