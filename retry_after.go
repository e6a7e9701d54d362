package spotipie

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter is the longest pause that [ParseRetryAfter] returns. It can be
// added to any time without an overflow.
const maxRetryAfter = 365 * 24 * time.Hour

// ReasonQuotaExceeded is the [RateLimitError.Reason] of a quota that is used up,
// as Spotify has it for apps in development mode since 2026-07-23
// (https://developer.spotify.com/documentation/web-api/references/changes/july-2026).
const ReasonQuotaExceeded = "QUOTA_EXCEEDED"

// RateLimitError means that the server asks for a pause. Spotify has asked for
// hours, and for a day when a quota is used up. Make the request again after
// RetryAfter.
//
// [CheckResponse] returns it for every answer 429 Too Many Requests. The
// retries of package adapter return it instead of waiting if a quota is used up
// or the pause is longer than the request may wait; also for the statuses 500,
// 502, 503 and 504 with a Retry-After header. The Pause of package adapter
// returns it for each request that it does not send.
//
// [errors.As] finds an [*APIError] in it, with the same status, message and
// reason. errors.Is(err, [context.DeadlineExceeded]) is true if the pause goes
// beyond the deadline of the request's context.
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
	NotSent    bool          // whether the request was not sent because of an earlier answer
	Err        error         // why the caller cannot wait longer; may be nil
}

// QuotaExceeded reports whether a quota is used up. That is a longer limit than
// Spotify's rate limit, which counts the requests of 30 seconds. All apps of a
// developer's account share the quota, so until it is renewed neither another
// try nor another client ID helps.
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

// quotaText describes a quota that is used up: since when, until when, and that
// no other app helps.
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

// when formats a time, or returns an empty string for the zero time.
func when(preposition string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " " + preposition + " " + t.Format("2006-01-02 15:04 MST")
}

// roundUp rounds a pause up to seconds, so that nobody who waits for it comes
// too early.
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
// ok is false if header has neither form, because it is empty, negative or a
// fraction, for example: choose a pause yourself then. A date that has passed
// is a pause of zero. d is never negative, and at most a year (365 days), even
// if the header asks for more.
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

// answeredAt returns when an answer was sent, by the server's clock, which its Retry-After
// goes by too. If the answer does not say, it returns now.
func answeredAt(resp *http.Response, now time.Time) time.Time {
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		return date
	}
	return now
}
