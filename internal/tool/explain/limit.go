package explain

import (
	"errors"
	"fmt"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/output"
)

// Limit says until when a service has asked for a pause, or returns "".
func Limit(e *spotipie.RateLimitError, maxWait time.Duration) string {
	if e.QuotaExceeded() {
		if e.NotSent {
			return failure.Plain(e) + ignoreAdvice
		}
		return failure.Plain(e)
	}
	if e.RetryAfter <= 0 {
		return ""
	}
	until := fmt.Sprintf("until %s (%s from now)", output.ClockTime(time.Now().Add(e.RetryAfter)), cli.Span(e.RetryAfter))
	switch {
	case e.NotSent:
		return fmt.Sprintf("too many requests: Spotify has asked for a pause %s, so the request was not sent%s", until, ignoreAdvice)
	case e.Limit > 0:
		return fmt.Sprintf("too many requests: Spotify asks for a pause %s, longer than --max-wait %s", until, maxWait)
	}
	return fmt.Sprintf("too many requests: Spotify asks for a pause %s", until)
}

// LimitOf finds a rate limit in an error.
func LimitOf(err error) *spotipie.RateLimitError {
	var limited *spotipie.RateLimitError
	if errors.As(err, &limited) {
		return limited
	}
	return nil
}

const ignoreAdvice = "; 'spotipie api --ignore-pause' sends it anyway"
