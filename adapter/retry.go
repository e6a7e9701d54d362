package adapter

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/spotipie/spotipie"
)

const (
	defaultMaxRetries     = 10
	defaultInitialBackoff = 300 * time.Millisecond
	defaultMaxBackoff     = 10 * time.Second
	defaultMaxWait        = 30 * time.Second

	// drainLimit bounds what is read of an answer that is thrown away, so that
	// its connection can be used again.
	drainLimit = 64 << 10
)

// RetryOptions are the settings of [NewRetry]. The zero value, and nil, stand
// for the defaults.
type RetryOptions struct {
	// MaxRetries is how many times a request is tried again after the first
	// time. 0 means 10, a negative number none.
	MaxRetries int

	// InitialBackoff is how long to wait before the first retry when the
	// server does not say. Every further wait is twice as long, up to
	// MaxBackoff, and each is shortened or lengthened at random by up to
	// half, lest many clients come back at the same moment. 0 or less means
	// 0.3 seconds for InitialBackoff and 10 seconds for MaxBackoff.
	InitialBackoff, MaxBackoff time.Duration

	// MaxWait is the longest pause that the server may ask for in a
	// Retry-After header, each time. 0 or less means 30 seconds. All the
	// waiting for one request can thus add up to MaxRetries times MaxWait,
	// five minutes by default, if its context has no earlier deadline.
	MaxWait time.Duration
}

// NewRetry returns a RoundTripper that sends requests through base
// ([http.DefaultTransport] if nil) and tries again what is worth it:
//
//   - 429 Too Many Requests, whatever the method: the server has not acted on
//     the request;
//   - 500, 502, 503, 504 and failed connections, if the method is idempotent
//     (RFC 9110 section 9.2.2: GET, HEAD, OPTIONS, TRACE, PUT, DELETE).
//     Untrusted certificates, a context that is done, and URLs other than http
//     and https are not retried.
//
// A request with a body is only tried again if it has GetBody, as requests
// made by [http.NewRequest] from a string, bytes or a buffer do; no body is
// ever copied into memory.
//
// Before each retry it waits: as long as the answer's Retry-After says (seconds
// or a date; on any of the statuses above) and up to a second more, so that
// not all come back at once, and at least the back-off of [RetryOptions] where
// there is time for it. The end of the request's context ends the wait at
// once, with the context's cause as the error. The errors of a session that
// has no token, and that a host does not exist, are not tried again.
//
// If Retry-After asks for more than MaxWait, or for more than is left until
// the deadline of the request's context, RoundTrip does not wait but returns a
// [*spotipie.RateLimitError]. Whenever else it does not try again (no retries
// left, no retry allowed, or a back-off that would outlast the deadline), it
// returns the last answer or error just as base gave it.
func NewRetry(base http.RoundTripper, opts *RetryOptions) http.RoundTripper {
	if opts == nil {
		opts = &RetryOptions{}
	}
	maxRetries := opts.MaxRetries
	if maxRetries == 0 {
		maxRetries = defaultMaxRetries
	}
	return &retryTransport{
		base:           orDefaultTransport(base),
		maxRetries:     max(maxRetries, 0),
		initialBackoff: positiveOr(opts.InitialBackoff, defaultInitialBackoff),
		maxBackoff:     positiveOr(opts.MaxBackoff, defaultMaxBackoff),
		maxWait:        positiveOr(opts.MaxWait, defaultMaxWait),
	}
}

type retryTransport struct {
	base                                http.RoundTripper
	maxRetries                          int
	initialBackoff, maxBackoff, maxWait time.Duration
}

// RoundTrip implements [http.RoundTripper].
func (t *retryTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	pauses := t.newBackOff()
	attempt := req
	for retries := 0; ; retries++ {
		resp, err := t.base.RoundTrip(attempt)
		if retries >= t.maxRetries || !shouldRetry(req, resp, err) {
			return resp, err
		}
		wait, limitErr := t.pause(req.Context(), resp, pauses.NextBackOff())
		if limitErr != nil {
			discard(resp)
			return nil, limitErr
		}
		if left, ok := timeLeft(req.Context()); ok && wait > left {
			return resp, err
		}
		next, rewindErr := rewind(req)
		if rewindErr != nil {
			return resp, err
		}
		discard(resp)
		if err := sleep(req.Context(), wait); err != nil {
			closeBody(next)
			return nil, fmt.Errorf("spotipie/adapter: wait before trying %s again: %w", req.Method, err)
		}
		attempt = next
	}
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] calls.
func (t *retryTransport) CloseIdleConnections() { closeIdleConnections(t.base) }

// newBackOff starts the series of pauses of one request.
func (t *retryTransport) newBackOff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = min(t.initialBackoff, t.maxBackoff), t.maxBackoff, 2
	b.Reset()
	return b
}

// pause returns how long to wait after resp, which is nil if the connection
// failed; or a [*spotipie.RateLimitError] if that is too long for t or ctx.
func (t *retryTransport) pause(ctx context.Context, resp *http.Response, backOff time.Duration) (time.Duration, error) {
	if resp == nil {
		return backOff, nil
	}
	asked, ok := spotipie.ParseRetryAfter(resp.Header.Get("Retry-After"), time.Now())
	if !ok {
		return backOff, nil
	}
	limit, cause := t.maxWait, error(nil)
	if left, ok := timeLeft(ctx); ok && left < limit {
		limit, cause = left, context.DeadlineExceeded
	}
	if asked > limit {
		return 0, &spotipie.RateLimitError{RetryAfter: asked, Limit: limit, StatusCode: resp.StatusCode, Err: cause}
	}
	if backOff > limit {
		return asked, nil
	}
	return max(min(asked+spread(asked), limit), backOff), nil
}

// spread returns a little time to wait on top of what the server asked for, so
// that all who were told the same do not come back at the same moment.
func spread(asked time.Duration) time.Duration {
	if asked <= 0 {
		return 0
	}
	return rand.N(min(asked, time.Second))
}

// shouldRetry says whether to send req again after what came of it.
func shouldRetry(req *http.Request, resp *http.Response, err error) bool {
	if req.Context().Err() != nil || !rewindable(req) {
		return false
	}
	if err != nil {
		return isIdempotent(req.Method) && isConnectionError(req, err)
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return isIdempotent(req.Method)
	}
	return false
}

func isIdempotent(method string) bool {
	return slices.Contains([]string{
		"", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete,
	}, method)
}

// isConnectionError tells errors that may pass by themselves from those that
// another try cannot cure.
func isConnectionError(req *http.Request, err error) bool {
	if req.URL == nil || (req.URL.Scheme != "http" && req.URL.Scheme != "https") {
		return false
	}
	var untrusted *tls.CertificateVerificationError
	var rateLimited *spotipie.RateLimitError
	var dns *net.DNSError
	switch {
	case errors.As(err, &untrusted), errors.As(err, &rateLimited), isSessionError(err):
		return false
	case errors.As(err, &dns):
		return !dns.IsNotFound
	}
	return true
}

// isSessionError tells errors of a session that gave no token: it tries again
// by itself where that helps.
func isSessionError(err error) bool {
	for _, final := range []error{
		spotipie.ErrNotAuthorized, spotipie.ErrTokenExpired, spotipie.ErrNoRefreshToken,
		spotipie.ErrReauthorizationRequired, spotipie.ErrClosed,
	} {
		if errors.Is(err, final) {
			return true
		}
	}
	var endpoint *spotipie.TokenEndpointError
	var store *spotipie.StoreError
	var mismatch *spotipie.RecordMismatchError
	return errors.As(err, &endpoint) || errors.As(err, &store) || errors.As(err, &mismatch)
}

func rewindable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
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

// discard reads a little of what is left of resp, which may be nil, and closes
// it. What fails in doing so concerns nobody any more.
func discard(resp *http.Response) {
	if resp != nil && resp.Body != nil {
		_, _ = io.CopyN(io.Discard, resp.Body, drainLimit)
		_ = resp.Body.Close()
	}
}

func timeLeft(ctx context.Context) (left time.Duration, ok bool) {
	deadline, ok := ctx.Deadline()
	return max(time.Until(deadline), 0), ok
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
