package spotipie

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// MassRefusalError means that the accounts service refuses many refresh tokens
// at once. This is more likely a fault of the service than the wish of so many
// users. A pool calls [Options].OnError with it once each time. Until it is
// over, the pool makes one token request a second. The refused tokens are kept:
// [Pool.RetryRefused] tries them again when the service works again.
type MassRefusalError struct {
	Refused int           // refresh tokens that were refused
	Asked   int           // requests that were made with a refresh token
	Within  time.Duration // the time in which it happened
	Words   string        // what the accounts service said last
}

// Error implements error.
func (e *MassRefusalError) Error() string {
	return fmt.Sprintf("spotipie: the accounts service has refused %d of %d refresh tokens in %s (%q): this looks like a fault of the service. "+
		"The pool slows down until it is over and keeps the tokens; call Pool.RetryRefused then to try them again", e.Refused, e.Asked, e.Within, e.Words)
}

const (
	// refusalWindow is the time in which refusals are counted. It has refusalParts
	// parts.
	refusalWindow = time.Minute
	refusalParts  = 6
	// massRefusals is the number of refusals that counts as many, if they are at
	// least half of all answers.
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
	number         int64 // counts the parts since the app was made
	asked, refused int
}

// note counts an answer to a request with a refresh token. words is the text of a final
// refusal, or empty.
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

// count returns the answers and refusals in the window. The lock is held.
func (r *refusals) count(number int64) (asked, refused int) {
	for _, part := range r.parts {
		if number-part.number < refusalParts {
			asked, refused = asked+part.asked, refused+part.refused
		}
	}
	return asked, refused
}

// errSlow means that the turn of a request would come too late.
var errSlow = errors.New("spotipie: no token was requested: the accounts service refuses many refresh tokens, and this request would have to wait too long")

// turn returns how long a request must wait while many are refused. A request that cannot
// wait that long gets errSlow and takes no turn, so that others can have it.
func (r *refusals) turn(ctx context.Context, clock func() instant) (wait time.Duration, err error) {
	if r == nil {
		return 0, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := clock().monotonic
	if _, refused := r.count(now / int64(refusalWindow/refusalParts)); refused < massRefusals {
		r.isMass = false
	}
	if !r.isMass {
		return 0, nil
	}
	wait = time.Duration(max(0, r.next-now))
	if end, limited := ctx.Deadline(); limited && time.Until(end) < wait {
		return 0, errSlow
	}
	r.next = max(r.next, now) + int64(slowRequests)
	return wait, nil
}

// takeTurn waits for the turn of a request with a refresh token among all token requests
// of the app. While it waits because of many refusals it holds no slot, so that users can
// sign in.
func (a *app) takeTurn(ctx context.Context) (giveBack func(), err error) {
	if giveBack, err = a.takeSlot(ctx); err != nil {
		return nil, err
	}
	wait, err := a.refusals.turn(ctx, a.clock)
	if wait == 0 && err == nil {
		return giveBack, nil
	}
	giveBack()
	if err != nil {
		return nil, err
	}
	sleep(ctx, wait)
	return a.takeSlot(ctx)
}

// RetryReport is the result of [Pool.RetryRefused]: numbers of users.
type RetryReport struct {
	Renewed int // the refresh token works after all
	Refused int // the refresh token was refused again
	Failed  int // could not be tried; OnError was called with the error
}

// RetryRefused tries again all refresh tokens that were refused since the given
// time. Call it when the accounts service has refused many by mistake. Users
// whose refresh token works need not sign in again. It goes through all users
// once, no faster than the pool makes token requests. If it cannot go on it
// returns ctx's error, [ErrClosed] or a [*StoreError]. It may be called again.
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
		_, err = s.Load(ctx) // another process may have been refused
	}
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
		p.app.report(Key{ClientID: p.app.clientID, Profile: user}, err)
	}
	return nil
}
