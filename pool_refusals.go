package spotipie

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// MassRefusalError tells that the accounts service refuses many refresh tokens at
// once, which more likely is a fault of its own than the wish of so many users:
// it has happened. [Options].OnError of a pool hears of it once each time. Until
// it is over the pool asks for one token in a second. The refused tokens are
// kept: [Pool.RetryRefused] tries them again when the fault is mended.
type MassRefusalError struct {
	Refused int           // refresh tokens that were refused
	Asked   int           // requests with a refresh token
	Within  time.Duration // in which that was
	Words   string        // of the accounts service, at last
}

// Error implements error.
func (e *MassRefusalError) Error() string {
	return fmt.Sprintf("spotipie: the accounts service has refused %d of %d refresh tokens in %s (%q): this looks like a fault of the service. "+
		"The pool goes slowly until it is over and keeps the tokens; try them again with Pool.RetryRefused then", e.Refused, e.Asked, e.Within, e.Words)
}

const (
	// refusalWindow is how far back refusals are counted, in refusalParts parts.
	refusalWindow = time.Minute
	refusalParts  = 6
	// massRefusals is how many refusals are many, if they are half of all
	// answers.
	massRefusals = 20
	// slowRequests is the time between token requests while many are refused.
	slowRequests = time.Second
)

// refusals notices when many refresh tokens are refused at once. A nil *refusals
// notices nothing.
type refusals struct {
	report func(error)

	mu     sync.Mutex
	parts  [refusalParts]refusalPart
	isMass bool
	next   int64 // when the next request may be made, on the monotonic clock
}

type refusalPart struct {
	number         int64 // of the part since the app was made
	asked, refused int
}

// note counts an answer to a request with a refresh token. words are those of a
// refusal for good, or empty.
func (r *refusals) note(words string, now instant) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	number := now.monotonic / int64(refusalWindow/refusalParts)
	part := &r.parts[number%refusalParts]
	if part.number != number {
		*part = refusalPart{number: number}
	}
	part.asked++
	if words != "" {
		part.refused++
	}
	asked, refused := r.count(number)
	isMass := refused >= massRefusals && 2*refused >= asked
	if isMass && !r.isMass {
		r.report(&MassRefusalError{Refused: refused, Asked: asked, Within: refusalWindow, Words: words})
	}
	r.isMass = isMass
}

// count is called with the lock held.
func (r *refusals) count(number int64) (asked, refused int) {
	for _, part := range r.parts {
		if number-part.number < refusalParts {
			asked, refused = asked+part.asked, refused+part.refused
		}
	}
	return asked, refused
}

// wait waits before a request if many are refused.
func (r *refusals) wait(ctx context.Context, clock func() instant) error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	now := clock().monotonic
	if _, refused := r.count(now / int64(refusalWindow/refusalParts)); refused < massRefusals {
		r.isMass = false
	}
	wait := time.Duration(0)
	if r.isMass {
		wait = time.Duration(max(0, r.next-now))
		r.next = max(r.next, now) + int64(slowRequests)
	}
	r.mu.Unlock()
	if wait > 0 && !sleep(ctx, wait) {
		return fmt.Errorf("spotipie: going slowly, as the accounts service refuses many refresh tokens: %w", context.Cause(ctx))
	}
	return nil
}

// RetryReport is what [Pool.RetryRefused] has come to.
type RetryReport struct {
	Renewed int // whose refresh token works after all
	Refused int // refused once more
	Failed  int // that could not be tried; OnError has heard why
}

// RetryRefused tries the refresh tokens once more that were refused since a
// moment, for when the accounts service has refused many by a fault of its own.
// Those that work are the users' again, who need not sign in. It goes through
// all users once, no faster than the pool makes token requests, and returns when
// it is done, with ctx's error, [ErrClosed] or a [*StoreError] if it could not go
// on. It may be called again.
func (p *Pool) RetryRefused(ctx context.Context, since time.Time) (report RetryReport, err error) {
	query := SummaryQuery{Rejected: true}
	for {
		page, err := p.Summaries(ctx, query)
		if err != nil {
			return report, err
		}
		for _, user := range page.Summaries {
			if user.RejectedAt.Before(since) {
				continue
			}
			if err := p.retryRefused(ctx, user.Key.Profile, &report); err != nil {
				return report, err
			}
		}
		if page.Next == "" {
			return report, nil
		}
		query.After = page.Next
	}
}

func (p *Pool) retryRefused(ctx context.Context, user string, report *RetryReport) error {
	s, err := p.Session(ctx, user)
	if err == nil {
		s.apply(s.rules().doubted)
		_, err = s.RefreshToken(ctx)
	}
	switch {
	case ctx.Err() != nil || p.closed.Load():
		return err
	case err == nil:
		report.Renewed++
	case errors.Is(err, ErrReauthorizationRequired):
		report.Refused++
	default:
		report.Failed++
		p.app.reports.add(&BackgroundError{Key: Key{ClientID: p.app.clientID, Profile: user}, Err: err})
	}
	return nil
}
