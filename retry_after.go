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

// ReasonQuotaExceeded is the [RateLimitError.Reason] of a quota that is used up,
// as Spotify has it for apps in development mode since 2026-07-23
// (https://developer.spotify.com/documentation/web-api/references/changes/july-2026).
const ReasonQuotaExceeded = "QUOTA_EXCEEDED"

// RateLimitError: the server wants no more requests for a while. Spotify is
// known to ask for pauses of hours, and of a day when a quota is used up. Do
// something else for RetryAfter, or tell the user, and then make the request
// again.
//
// [CheckResponse] makes one of every answer 429 Too Many Requests. So do package
// adapter's retries, instead of sleeping, when the pause is longer than the
// request may wait or a quota is used up; they do so for statuses 500, 502, 503
// and 504 with a Retry-After header, too. Its Pause returns one for each request
// that it does not send.
//
// [errors.As] finds an [*APIError] in it, with the same status, message and
// reason. errors.Is(err, [context.DeadlineExceeded]) holds when it was the
// deadline of the request's context that the pause does not fit into.
//
// See https://developer.spotify.com/documentation/web-api/concepts/rate-limits
type RateLimitError struct {
	RetryAfter time.Duration // the pause from when this error was made; 0 if the server did not say
	Limit      time.Duration // the longest pause the caller could have waited; 0 if none at all
	StatusCode int           // HTTP status of the answer: 429, or one of 500, 502, 503, 504
	Reason     string        // the answer's reason, such as [ReasonQuotaExceeded]; empty if it gave none
	Message    string        // the answer's message; may be empty
	Since      time.Time     // when the server asked for the pause
	Until      time.Time     // when the pause ends; zero if the server did not say
	NotSent    bool          // whether the request was held back because of an earlier answer
	Err        error         // why the caller cannot wait longer; may be nil
}

// QuotaExceeded reports whether a quota is used up: a longer limit than that of
// the 30 seconds that Spotify counts requests in. The quota belongs to the
// developer's account, and all apps of the account share it, so neither trying
// again nor another client ID helps before it is renewed.
func (e *RateLimitError) QuotaExceeded() bool {
	return strings.EqualFold(e.Reason, ReasonQuotaExceeded)
}

func (e *RateLimitError) Error() string {
	switch {
	case e.QuotaExceeded():
		return e.quotaText()
	case e.NotSent:
		return fmt.Sprintf("spotipie: rate limited: the request was not sent, because the server (%s) asked%s for a pause%s: "+
			"try again in %s", e.status(), when("at", e.Since), when("until", e.Until), roundUp(e.RetryAfter))
	case e.Limit > 0:
		msg := "spotipie: "
		if e.StatusCode == http.StatusTooManyRequests {
			msg += "rate limited: "
		}
		return msg + fmt.Sprintf("the server (%s) asks for a pause of %s, longer than the %s this request may wait: try again after the pause",
			e.status(), e.RetryAfter.Round(time.Second), e.Limit.Round(time.Millisecond))
	}
	return e.apiError().Error()
}

// quotaText says what it is, since when and until when, and that no other app
// helps.
func (e *RateLimitError) quotaText() string {
	msg := fmt.Sprintf("spotipie: quota exceeded: Spotify (%s) takes no more requests%s", e.status(), when("since", e.Since))
	switch {
	case e.Until.IsZero() && e.RetryAfter <= 0:
		msg += ", and does not say until when (it counts about a day)"
	case e.Until.IsZero():
		msg += fmt.Sprintf(" for %s", roundUp(e.RetryAfter))
	default:
		msg += fmt.Sprintf("%s, %s from now", when("until", e.Until), roundUp(e.RetryAfter))
	}
	if e.NotSent {
		msg += "; the request was not sent"
	}
	return msg + "; the quota is that of the developer's account, and all its apps share it: wait until it is renewed"
}

func (e *RateLimitError) status() string {
	return fmt.Sprintf("%d %s", e.StatusCode, http.StatusText(e.StatusCode))
}

// when words a time for people, and nothing if there is none.
func when(preposition string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " " + preposition + " " + t.Format("2006-01-02 15:04 MST")
}

// roundUp rounds a pause to seconds, so that who waits for it does not come too
// early.
func roundUp(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}

// As makes errors.As find an [*APIError].
func (e *RateLimitError) As(target any) bool {
	api, ok := target.(**APIError)
	if ok {
		*api = e.apiError()
	}
	return ok
}

func (e *RateLimitError) apiError() *APIError {
	return &APIError{
		StatusCode: e.StatusCode, Message: foreignText(e.Message), Reason: foreignText(e.Reason), RetryAfter: e.RetryAfter,
	}
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
