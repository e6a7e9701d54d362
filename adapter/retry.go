package adapter

import (
	"context"
	"net/http"
	"time"
)

const (
	defaultMaxRetries     = 10
	defaultInitialBackoff = 300 * time.Millisecond
	defaultMaxBackoff     = 10 * time.Second
	defaultMaxWait        = 30 * time.Second
)

// RetryOptions are the settings of [NewRetry]. Nil and the zero value mean the
// defaults.
type RetryOptions struct {
	// MaxRetries is how many times a request is tried again after the first
	// time. 0 means 10, a negative number none.
	MaxRetries int

	// InitialBackoff is how long to wait before the first retry when the server
	// does not say. Every further wait is twice as long, up to MaxBackoff, and
	// each is shortened or lengthened at random by up to half, so that clients
	// do not all come back at the same moment. 0 or less means 0.3 seconds for
	// InitialBackoff and 10 seconds for MaxBackoff.
	InitialBackoff, MaxBackoff time.Duration

	// MaxWait is the longest pause that the server may ask for in a
	// Retry-After header, each time. 0 or less means 30 seconds. All the
	// waiting for one request can thus add up to MaxRetries times MaxWait,
	// five minutes by default, if neither TotalTimeout nor a deadline of its
	// context comes before.
	MaxWait time.Duration

	// AttemptTimeout is how long one attempt may take, from the moment it is
	// sent until the header of the answer is there. An attempt that takes
	// longer is cut off and counts as a failed connection. Reading the body of
	// the answer is not limited. 0 or less means no limit.
	//
	// The base must obey the context of the request, as [http.Transport] does.
	AttemptTimeout time.Duration

	// TotalTimeout is how long all attempts at one request and the waits
	// between them may take together, until the header of the last answer is
	// there. Like a deadline of the request's context it ends an attempt, and
	// prevents waits that would last longer. Unlike a deadline, it does not
	// limit reading the body. 0 or less means no limit.
	TotalTimeout time.Duration

	// OnRetry, if not nil, is called before the wait for each retry, in the
	// goroutine that made the request; the wait includes the time it takes. It
	// may be called by several goroutines at once. ctx is the request's.
	OnRetry func(ctx context.Context, retry Retry)
}

// Retry describes an attempt that failed and is made again, for
// [RetryOptions.OnRetry].
type Retry struct {
	Attempt    int           // the number of the attempt that failed, from 1
	Wait       time.Duration // how long to wait before the next
	StatusCode int           // HTTP status of the answer; 0 if there was none
	Err        error         // why there was no answer, as the base gave it; nil if there was one
	Method     string        // of the request
	URL        string        // of the request: scheme, host and path only, without user, query and fragment
}

// NewRetry returns a RoundTripper that sends requests through base
// ([http.DefaultTransport] if nil) and tries again after
//
//   - 429 Too Many Requests, whatever the method: the server has not acted on
//     the request;
//   - 500, 502, 503, 504, failed connections and attempts that took longer than
//     AttemptTimeout, if the method is idempotent (RFC 9110 section 9.2.2: GET,
//     HEAD, OPTIONS, TRACE, PUT, DELETE).
//
// It does not try again where another attempt cannot help: a quota that is used
// up ([spotipie.ReasonQuotaExceeded]); a request that cannot be sent, because
// its URL, method, header or body is not valid or its body cannot be read; a
// host that does not exist; a server that does not speak TLS or whose
// certificate is not trusted; a connection that the system forbids; a proxy
// that wants a password; a context that is done; and the errors of a session
// that has no token.
//
// A request with a body is only tried again if it has GetBody, as requests
// made by [http.NewRequest] from a string, bytes or a buffer do; no body is
// ever copied into memory.
//
// Before each retry it waits: as long as the answer's Retry-After says (seconds
// or a date; on any of the statuses above) and up to a second more, so that
// not all come back at once, and at least the back-off of [RetryOptions] where
// there is time for it. The end of the request's context ends the wait at
// once, with the context's cause as the error. A [*spotipie.RateLimitError] of
// the base, such as [Pause] gives, is treated like the answer that it is about.
//
// If Retry-After asks for more than MaxWait, or leaves no time before the
// deadline of the request's context or the end of TotalTimeout, RoundTrip does
// not wait but returns a [*spotipie.RateLimitError]; likewise if a quota is
// used up. In all other cases without a retry (none is left, none is allowed,
// or the back-off would outlast the deadline) it returns the last answer or
// error unchanged. An attempt that was cut off is an error whose Timeout method
// returns true.
//
// If an answer is not returned, its body is read for at most a tenth of a
// second, so that the connection can be used again, or for a second if the
// reason in it matters, and then closed.
func NewRetry(base http.RoundTripper, opts *RetryOptions) http.RoundTripper {
	if opts == nil {
		opts = &RetryOptions{}
	}
	t := &retryTransport{base: orDefaultTransport(base), opts: *opts}
	if t.opts.MaxRetries == 0 {
		t.opts.MaxRetries = defaultMaxRetries
	}
	t.opts.InitialBackoff = positiveOr(opts.InitialBackoff, defaultInitialBackoff)
	t.opts.MaxBackoff = positiveOr(opts.MaxBackoff, defaultMaxBackoff)
	t.opts.MaxWait = positiveOr(opts.MaxWait, defaultMaxWait)
	return t
}

type retryTransport struct {
	base http.RoundTripper
	opts RetryOptions // with the defaults filled in
}

// RoundTrip implements [http.RoundTripper].
func (t *retryTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	r := t.newRetries(req)
	next := req
	for attempt := 1; ; attempt++ {
		resp, err := r.send(next)
		if attempt > t.opts.MaxRetries || !r.isWorthwhile(resp, err) {
			return resp, err
		}
		next, resp, err = r.prepare(attempt, resp, err)
		if next == nil {
			return resp, err
		}
	}
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] calls.
func (t *retryTransport) CloseIdleConnections() { closeIdleConnections(t.base) }
