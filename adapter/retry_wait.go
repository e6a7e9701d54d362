package adapter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/spotipie/spotipie"
)

// retries are the attempts at one request.
type retries struct {
	*retryTransport
	req     *http.Request
	end     time.Time // of TotalTimeout; zero if there is none
	backOff *backoff.ExponentialBackOff
	body    *watchedBody // of the last attempt; nil if it was not watched
}

func (t *retryTransport) newRetries(req *http.Request) *retries {
	r := &retries{retryTransport: t, req: req, backOff: backoff.NewExponentialBackOff()}
	if t.opts.TotalTimeout > 0 {
		r.end = time.Now().Add(t.opts.TotalTimeout)
	}
	r.backOff.InitialInterval = min(t.opts.InitialBackoff, t.opts.MaxBackoff)
	r.backOff.MaxInterval, r.backOff.Multiplier = t.opts.MaxBackoff, 2
	r.backOff.Reset()
	return r
}

// prepare waits after a failed attempt and returns the request for the next
// one. If there is none it returns nil, and the answer or error to return
// instead.
func (r *retries) prepare(attempt int, resp *http.Response, err error) (*http.Request, *http.Response, error) {
	now := time.Now()
	asked := askedPause(resp, err, now)
	wait, cause := r.wait(asked, now)
	if wait < 0 && asked == 0 { // no time, but the server has not asked for a pause
		return nil, resp, err
	}
	next, rewindErr := rewind(r.req)
	if rewindErr != nil {
		return nil, resp, err
	}
	ready := false
	defer func() {
		if !ready {
			closeBody(next)
		}
	}()
	limit := refusal(resp, err, asked)
	if limit != nil && (wait < 0 || limit.QuotaExceeded()) {
		if !limit.QuotaExceeded() {
			limit.Limit, limit.Err = r.longest(now), cause
		}
		return nil, nil, limit
	}
	if limit == nil {
		discard(resp)
	}
	if err := r.pause(attempt, now, wait, resp, err); err != nil {
		return nil, nil, err
	}
	ready = true
	return next, nil, nil
}

// pause waits until the given time has passed since start.
func (r *retries) pause(attempt int, start time.Time, wait time.Duration, resp *http.Response, err error) error {
	if r.opts.OnRetry != nil {
		retry := Retry{Attempt: attempt, Wait: wait, Err: err, Method: r.req.Method, URL: bareURL(r.req.URL)}
		if resp != nil {
			retry.StatusCode = resp.StatusCode
		}
		if retry.Method == "" {
			retry.Method = http.MethodGet
		}
		r.opts.OnRetry(r.req.Context(), retry)
	}
	if err := sleep(r.req.Context(), time.Until(start.Add(wait))); err != nil {
		return fmt.Errorf("spotipie/adapter: wait before trying %s again: %w", r.req.Method, err)
	}
	return nil
}

// bareURL is the part of a URL that may be shown to anybody.
func bareURL(u *url.URL) string {
	if u == nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// askedPause returns how long the server asks to wait; 0 if it does not say.
func askedPause(resp *http.Response, err error, now time.Time) time.Duration {
	var limit *spotipie.RateLimitError
	switch {
	case errors.As(err, &limit):
		return limit.RetryAfter
	case resp == nil:
		return 0
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		now = date // by the server's clock, which Retry-After goes by too
	}
	asked, _ := spotipie.ParseRetryAfter(resp.Header.Get("Retry-After"), now)
	return asked
}

// wait returns how long to wait when the server asks for a pause, or does not
// if that is 0. The result is negative if the wait is longer than MaxWait or
// leaves no time for another attempt; cause says whether it is the context's
// deadline that is too near.
func (r *retries) wait(asked time.Duration, now time.Time) (wait time.Duration, cause error) {
	backOff := r.backOff.NextBackOff()
	limit := r.opts.MaxWait
	left, fromContext, limited := r.timeLeft(now)
	if fromContext && left <= limit {
		cause = context.DeadlineExceeded
	}
	if asked > limit || limited && (asked >= left || asked == 0 && backOff >= left) {
		return -1, cause
	}
	if limited { // a part of the time goes to the attempt after the wait
		limit = min(limit, asked+(left-asked)/2)
	}
	switch {
	case asked == 0:
		return backOff, nil
	case backOff > limit:
		return asked, nil
	}
	return max(min(asked+spread(asked), limit), backOff), nil
}

// longest returns the longest pause that the server might have asked for.
func (r *retries) longest(now time.Time) time.Duration {
	if left, _, limited := r.timeLeft(now); limited {
		return min(r.opts.MaxWait, left)
	}
	return r.opts.MaxWait
}

// timeLeft returns how long from now the request may take, and whether that is
// limited, and by its context.
func (r *retries) timeLeft(now time.Time) (left time.Duration, fromContext, limited bool) {
	deadline, fromContext := r.req.Context().Deadline()
	if !r.end.IsZero() && (!fromContext || r.end.Before(deadline)) {
		return max(r.end.Sub(now), 0), false, true
	}
	return max(deadline.Sub(now), 0), fromContext, fromContext
}

// spread returns a little time to wait on top of what the server asked for, so
// that all who were told the same do not come back at the same moment.
func spread(asked time.Duration) time.Duration {
	if asked <= 0 {
		return 0
	}
	return rand.N(min(asked, time.Second))
}

// refusal returns the limit in an answer or an error, or nil. It closes the
// body of an answer that it has read.
func refusal(resp *http.Response, err error, asked time.Duration) *spotipie.RateLimitError {
	var limit *spotipie.RateLimitError
	if errors.As(err, &limit) {
		limit := *limit
		return &limit
	}
	if resp == nil || (resp.StatusCode != http.StatusTooManyRequests && asked == 0) {
		return nil
	}
	defer discard(resp)
	return limitOf(resp, peek(resp))
}

// limitOf returns the limit in resp, with the given beginning of a body.
func limitOf(resp *http.Response, body []byte) *spotipie.RateLimitError {
	answer := *resp
	answer.Body = io.NopCloser(bytes.NewReader(body))
	err := spotipie.CheckResponse(&answer)
	var limit *spotipie.RateLimitError
	var api *spotipie.APIError
	switch {
	case errors.As(err, &limit):
		return limit
	case errors.As(err, &api):
		now := time.Now()
		return &spotipie.RateLimitError{
			RetryAfter: api.RetryAfter, StatusCode: api.StatusCode,
			Reason: api.Reason, Message: api.Message, Since: now, Until: now.Add(api.RetryAfter),
		}
	}
	return nil
}

// rewind returns a copy of req whose body starts from the beginning.
func rewind(req *http.Request) (*http.Request, error) {
	next := req.Clone(req.Context())
	if req.Body == nil || req.Body == http.NoBody {
		return next, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	next.Body = body
	return next, nil
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
