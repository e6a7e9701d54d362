package spotipie

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter is where [ParseRetryAfter] cuts off: more is as good as never,
// and the sum with any time a program meets still fits.
const maxRetryAfter = 365 * 24 * time.Hour

// RateLimitError: the server asked for a longer pause than the caller can
// wait, so the request was given up at once instead of sleeping. Spotify is
// known to ask for hours. Do something else for RetryAfter, or tell the user,
// and then make the request again.
//
// errors.Is(err, [context.DeadlineExceeded]) holds when it was the deadline of
// the request's context that the pause does not fit into.
//
// See https://developer.spotify.com/documentation/web-api/concepts/rate-limits
type RateLimitError struct {
	RetryAfter time.Duration // the pause the server asked for, counted from when it answered
	Limit      time.Duration // the longest pause the caller could have waited; 0 if none at all
	StatusCode int           // HTTP status of the answer: 429, or one of 500, 502, 503, 504
	Err        error         // why the caller cannot wait longer; may be nil
}

func (e *RateLimitError) Error() string {
	msg := "spotipie: "
	if e.StatusCode == http.StatusTooManyRequests {
		msg += "rate limited: "
	}
	return msg + fmt.Sprintf("the server (%d %s) asks for a pause of %s, longer than the %s this request may wait: try again after the pause",
		e.StatusCode, http.StatusText(e.StatusCode), e.RetryAfter.Round(time.Second), e.Limit.Round(time.Millisecond))
}

// Unwrap returns Err.
func (e *RateLimitError) Unwrap() error { return e.Err }

// ParseRetryAfter reads the value of a Retry-After header (RFC 9110 section
// 10.2.3): a whole number of seconds, which is what Spotify sends, or an HTTP
// date, from which now is subtracted.
//
// ok tells whether header has one of those two forms. An empty or negative
// value, a fraction or anything else has not: choose a pause yourself then. A
// date that has passed is a pause of zero. d is never negative, and at most a
// year (365 days): a larger value, even one that no integer holds, is cut down
// to that.
func ParseRetryAfter(header string, now time.Time) (d time.Duration, ok bool) {
	header = strings.Trim(header, " \t")
	if header == "" {
		return 0, false
	}
	if strings.Trim(header, "0123456789") == "" {
		seconds, err := strconv.ParseInt(header, 10, 64)
		if err != nil {
			seconds = math.MaxInt64
		}
		return time.Duration(min(seconds, int64(maxRetryAfter/time.Second))) * time.Second, true
	}
	date, err := http.ParseTime(header)
	if err != nil {
		return 0, false
	}
	return min(max(date.Sub(now), 0), maxRetryAfter), true
}
