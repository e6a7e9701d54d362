package spotipie

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// failure is the reason why a session could not get a new token. The session
// remembers it for a while, so that callers in a loop do not flood the accounts
// service with requests. Times are on the monotonic clock.
type failure struct {
	token *Token // the token to replace; nil: none
	err   error
	count int // how many failures in a row
	// Callers who need a token get this failure until then.
	until instant
	// background is when the next attempt is made while the token is still valid,
	// unless the token endpoint asks for a longer pause (see app.paused).
	background instant
}

const (
	// expiredRetry is how soon after a failed renewal of an expired token, or a
	// failed login, the next attempt is made.
	expiredRetry = time.Second
	minBackoff   = 5 * time.Second
	maxBackoff   = 60 * time.Second
)

// isOf reports whether the failure was about the token of s.
func (f *failure) isOf(s *state) bool {
	return f != nil && f.token == s.tokenOrNil()
}

// isRecent reports whether callers still get the failure for s.
func (f *failure) isRecent(s *state, now instant) bool {
	return f.isOf(s) && now.isBefore(f.until)
}

// putsOff reports whether the next attempt in the background must wait.
func (f *failure) putsOff(s *state, now instant) bool {
	return f.isOf(s) && now.isBefore(f.background)
}

// after returns the failure that follows f, which may be nil.
func (f *failure) after(s *state, err error, now instant) *failure {
	next := &failure{token: s.tokenOrNil(), err: err, count: 1, until: now.add(expiredRetry)}
	if f.isOf(s) {
		next.count = f.count
		if !errors.Is(err, f.err) { // otherwise the error only repeats a pause, without a request
			next.count++
		}
	}
	next.background = now.add(backoff(next.count - 1))
	return next
}

// isFailure reports whether an error comes from an attempt, and not from a
// check that prevented one.
func isFailure(err error) bool {
	return !errors.Is(err, ErrNotAuthorized) && !errors.Is(err, ErrTokenExpired) && !errors.Is(err, ErrNoRefreshToken) && !errors.Is(err, ErrClosed)
}

// retryAfter returns how long the token endpoint asks to wait, in its own
// answer or in the error of a retry adapter that sends the requests.
func retryAfter(err error) time.Duration {
	var answer *TokenEndpointError
	var limited *RateLimitError
	switch {
	case errors.As(err, &answer):
		return answer.RetryAfter
	case errors.As(err, &limited):
		return limited.RetryAfter
	}
	return 0
}

// renewed is when a session got its last token, and how often in a row it has
// renewed long before that was due. Processes whose clocks disagree would renew
// each other's tokens forever.
type renewed struct {
	at       instant
	lifetime time.Duration
	early    int
}

const (
	// earlyRenewals is how many renewals in a row may come long before they are
	// due without being slowed down.
	earlyRenewals = 3
	// earlyRenewalWait is the time between the renewals after these.
	earlyRenewalWait = 10 * time.Second
)

// after returns the value that follows r, which may be nil, when a token is
// received.
func (r *renewed) after(token *Token, now instant) *renewed {
	next := &renewed{at: now, lifetime: token.expiresIn}
	if r.isEarly(now) {
		next.early = r.early + 1
	}
	return next
}

// isEarly reports whether a renewal now is long before it is due, by both clocks.
func (r *renewed) isEarly(now instant) bool {
	return r != nil && now.isBefore(r.at.add(r.lifetime/4))
}

// wait returns how long the next renewal must wait.
func (r *renewed) wait(now instant) time.Duration {
	if !r.isEarly(now) || r.early < earlyRenewals {
		return 0
	}
	return max(0, earlyRenewalWait-now.since(r.at.monotonic))
}

// pause means that the token endpoint has asked the app to wait until a time on
// the monotonic clock.
type pause struct {
	until int64
	err   error
}

// paused returns the error of the last answer if the token endpoint has asked
// for a pause that is not over.
func (a *app) paused() error {
	if p := a.pause.Load(); p != nil && a.clock().monotonic < p.until {
		return p.err
	}
	return nil
}

// waitForPause waits until the token endpoint may be asked again, if that is
// soon.
func (a *app) waitForPause(ctx context.Context, soon time.Duration) {
	p := a.pause.Load()
	if p == nil {
		return
	}
	if wait := time.Duration(p.until - a.clock().monotonic); wait > 0 && wait <= soon {
		sleep(ctx, wait)
	}
}

// maxPause is the longest pause that the app keeps, whatever the token endpoint asks
// for. It is the longest that Spotify is known to ask for.
const maxPause = 24 * time.Hour

// heed remembers the pause that an error asks for, unless it already remembers
// a longer one.
func (a *app) heed(err error) {
	wait := min(retryAfter(err), maxPause)
	if wait <= 0 {
		return
	}
	next := &pause{until: a.clock().monotonic + int64(wait), err: err}
	for {
		last := a.pause.Load()
		if last != nil && last.until >= next.until || a.pause.CompareAndSwap(last, next) {
			return
		}
	}
}

// backoff returns how long to wait after so many failures before: 5 s, 10 s,
// 20 s, 40 s, then 60 s, give or take 20 %.
func backoff(failures int) time.Duration {
	return jitter(min(minBackoff<<min(failures, 10), maxBackoff))
}

// jitter returns d give or take 20 %, so that many sessions started together
// do not act together.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}
