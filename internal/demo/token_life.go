package demo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
)

// How far the clock is moved for a token of an hour to be stale: it is renewed
// early by 5 minutes, give or take 20 %.
const untilStale = 57 * time.Minute

func tokenLife() chapter {
	return chapter{
		title: "A token's life",
		about: "Fresh for about 55 minutes, then stale: renewed before anybody has to wait.",
		steps: func(s *stage) ([]step, error) {
			st, err := s.service(accounts.Options{})
			if err != nil {
				return nil, err
			}
			l := &tokenLifeSteps{site: st, failures: make(chan error, 1)}
			return []step{
				{"Fresh: it comes from memory", l.fresh},
				{"Stale: it is returned, and renewed meanwhile", l.stale},
				{"Listeners are told of the new token", l.renewed},
				{"Expired: callers wait for the next one", l.expired},
				{"All who wait share one renewal", l.manyCallers},
				{"One gives up waiting, the other is served", l.giveUp},
				{"If a renewal fails, the token is still used", l.serviceDown},
			}, nil
		},
	}
}

type tokenLifeSteps struct {
	site     *site
	session  *spotipie.AuthorizationCodeSession
	failures chan error // the errors of OnError
	// What stale leaves to renewed: the renewal is then still held back.
	events  *events
	release func()
	old     *spotipie.Token
	count   tally
}

// newSession replaces the session by one with a fresh token. After a renewal in
// the background the old session is not used again, because nothing shows when
// the renewal has completely ended.
func (l *tokenLifeSteps) newSession(ctx context.Context) error {
	opts := l.site.options()
	opts.OnError = func(err error) {
		select {
		case l.failures <- err:
		default:
		}
	}
	var err error
	if l.session, err = l.site.session(opts); err != nil {
		return err
	}
	return l.site.login(ctx, l.session)
}

func (l *tokenLifeSteps) fresh(ctx context.Context) (string, error) {
	if err := l.newSession(ctx); err != nil {
		return "", err
	}
	const calls = 1000
	count, first := l.site.tally(), l.session.CurrentToken()
	for range calls {
		token, err := l.session.Token(ctx)
		if err := errors.Join(err, expectSame("what Token returns", token, first)); err != nil {
			return "", err
		}
	}
	return "1,000 calls, 0 requests", count.expect(0, 0)
}

func (l *tokenLifeSteps) stale(ctx context.Context) (string, error) {
	l.old, l.count, l.events = l.session.CurrentToken(), l.site.tally(), newEvents(l.session)
	arrived, release := l.site.holdTokenRequests()
	l.release = release
	l.site.Advance(untilStale)
	token, err := l.session.Token(ctx) // returns although nobody answers the renewal yet
	if err = errors.Join(err, arrived(ctx), expectSame("what Token returns", token, l.old)); err != nil {
		release()
		return "", err
	}
	return "answered before the renewal", nil
}

func (l *tokenLifeSteps) renewed(ctx context.Context) (string, error) {
	defer l.events.stop()
	l.release()
	if err := receive(ctx, l.events.updated, "a token_updated event"); err != nil {
		return "", err
	}
	token, err := l.session.Token(ctx)
	return "token_updated, 1 request", errors.Join(err,
		expectOther("what Token returns", token, l.old),
		expect("events", l.events.String(), "token_updated"),
		l.count.expect(1, 0))
}

func (l *tokenLifeSteps) expired(ctx context.Context) (string, error) {
	if err := l.newSession(ctx); err != nil {
		return "", err
	}
	heard := newEvents(l.session)
	defer heard.stop()
	count, old := l.site.tally(), l.session.CurrentToken()
	l.site.Advance(time.Hour)
	token, err := l.session.Token(ctx)
	return heard.String(), errors.Join(err,
		expectOther("what Token returns", token, old),
		expect("events", heard.String(), "token_expired, token_updated"),
		count.expect(1, 0))
}

// manyCallers opens the gate only when all callers are there.
func (l *tokenLifeSteps) manyCallers(ctx context.Context) (string, error) {
	const callers = 1000
	count, old := l.site.tally(), l.session.CurrentToken()
	arrived, release := l.site.holdTokenRequests()
	defer release()
	l.site.Advance(time.Hour)
	var started, done sync.WaitGroup
	tokens, errs := make([]*spotipie.Token, callers), make([]error, callers)
	started.Add(callers)
	for i := range callers {
		done.Go(func() {
			started.Done()
			tokens[i], errs[i] = l.session.Token(ctx)
		})
	}
	started.Wait()
	err := arrived(ctx)
	release()
	done.Wait()
	if err := errors.Join(err, firstError(errs)); err != nil {
		return "", err
	}
	for _, token := range tokens {
		err = errors.Join(err, expectOther("what a caller gets", token, old), expectSame("what a caller gets", token, tokens[0]))
		if err != nil {
			return "", err
		}
	}
	return "1,000 callers, 1 request", count.expect(1, 0)
}

func firstError(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *tokenLifeSteps) giveUp(ctx context.Context) (string, error) {
	count, old := l.site.tally(), l.session.CurrentToken()
	arrived, release := l.site.holdTokenRequests()
	defer release()
	l.site.Advance(time.Hour)

	impatient, cancel := context.WithCancel(ctx)
	defer cancel()
	gaveUp := make(chan error, 1)
	go func() {
		_, err := l.session.Token(impatient)
		gaveUp <- err
	}()
	var token *spotipie.Token
	served := make(chan error, 1)
	go func() {
		var err error
		token, err = l.session.Token(ctx)
		served <- err
	}()
	err := arrived(ctx)
	cancel()
	err = errors.Join(err, expectError(<-gaveUp, context.Canceled, "context.Canceled"))
	release()
	if err := errors.Join(err, <-served); err != nil {
		return "", err
	}
	return "2 callers, 1 request", errors.Join(expectOther("what the patient one gets", token, old), count.expect(1, 0))
}

func (l *tokenLifeSteps) serviceDown(ctx context.Context) (string, error) {
	if err := l.newSession(ctx); err != nil {
		return "", err
	}
	count, old := l.site.tally(), l.session.CurrentToken()
	err := l.site.QueueFault(accounts.Fault{Kind: accounts.FaultServerError, Target: accounts.TargetToken})
	if err != nil {
		return "", err
	}
	l.site.Advance(untilStale)
	first, err := l.session.Token(ctx)
	if err := errors.Join(err, l.hearOf503(ctx)); err != nil {
		return "", err
	}
	second, secondErr := l.session.Token(ctx)
	return "503, nobody notices", errors.Join(secondErr,
		expectSame("what Token returns before the failure", first, old),
		expectSame("what Token returns after the failure", second, old),
		count.expect(1, 0))
}

func (l *tokenLifeSteps) hearOf503(ctx context.Context) error {
	select {
	case err := <-l.failures:
		answer, err := expectType[*spotipie.TokenEndpointError](err, "*TokenEndpointError")
		if err != nil {
			return err
		}
		return expect("status", answer.StatusCode, 503)
	case <-ctx.Done():
		return fmt.Errorf("expected OnError to be called: %w", context.Cause(ctx))
	}
}
