package demo

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/adapter"
)

func apiAnswers() chapter {
	return chapter{
		title: "When the Web API refuses a request",
		about: "The retries come from package adapter, with short pauses here.",
		steps: func(s *stage) ([]step, error) {
			st, session, err := s.app(accounts.Options{})
			if err != nil {
				return nil, err
			}
			retry := adapter.NewRetry(s.transport, &adapter.RetryOptions{InitialBackoff: time.Millisecond})
			if err := session.Mount(st.url+"/v1/", retry); err != nil {
				return nil, err
			}
			a := &apiAnswersSteps{site: st, session: session}
			return []step{
				{"Token refused: renewed, and request repeated", a.unauthorized},
				{"Too many requests: repeated after a pause", a.rateLimited},
				{"Pause of an hour: an error, not a sleep", a.longPause},
				{"Server failure: repeated after a pause", a.serverError},
			}, nil
		},
	}
}

type apiAnswersSteps struct {
	site    *site
	session *spotipie.AuthorizationCodeSession
}

func (a *apiAnswersSteps) unauthorized(ctx context.Context) (string, error) {
	if err := a.site.login(ctx, a.session); err != nil {
		return "", err
	}
	a.site.ExpireAccessTokens() // by the session's clock it is fresh
	count := a.site.tally()
	_, err := profile(ctx, a.session)
	return "401, 1 token request, 200", errors.Join(err, count.expect(1, 2))
}

// rateLimited makes the service ask for a pause of 0 seconds: its own 429 asks
// for at least one second, which would take real time.
func (a *apiAnswersSteps) rateLimited(ctx context.Context) (string, error) {
	err := a.site.QueueFault(accounts.Fault{
		Kind: accounts.FaultRespond, Target: accounts.TargetAPI, Times: 2,
		Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"0"}}, Body: "Too many requests",
	})
	if err != nil {
		return "", err
	}
	count := a.site.tally()
	_, err = profile(ctx, a.session)
	return "429, 429, 200", errors.Join(err, count.expect(0, 3))
}

func (a *apiAnswersSteps) longPause(ctx context.Context) (string, error) {
	err := a.site.QueueFault(accounts.Fault{
		Kind: accounts.FaultRateLimited, Target: accounts.TargetAPI, RetryAfter: time.Hour,
	})
	if err != nil {
		return "", err
	}
	count := a.site.tally()
	_, err = profile(ctx, a.session)
	limit, err := expectType[*spotipie.RateLimitError](err, "*RateLimitError")
	if err != nil {
		return "", err
	}
	return "429, RateLimitError", errors.Join(
		expect("RetryAfter", limit.RetryAfter, time.Hour), count.expect(0, 1))
}

func (a *apiAnswersSteps) serverError(ctx context.Context) (string, error) {
	err := a.site.QueueFault(accounts.Fault{Kind: accounts.FaultServerError, Target: accounts.TargetAPI})
	if err != nil {
		return "", err
	}
	count := a.site.tally()
	_, err = profile(ctx, a.session)
	return "503, 200", errors.Join(err, count.expect(0, 2))
}
