package demo

import (
	"context"
	"errors"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
)

func implicitGrant() chapter {
	return chapter{
		title: "Implicit grant",
		about: "Spotify ended it on 2025-11-27; it works where a service still offers it.",
		steps: func(s *stage) ([]step, error) {
			today, err := s.service(accounts.Options{})
			if err != nil {
				return nil, err
			}
			legacy, err := s.service(accounts.Options{Legacy: true})
			if err != nil {
				return nil, err
			}
			refused, err := today.implicitSession()
			if err != nil {
				return nil, err
			}
			session, err := legacy.implicitSession()
			if err != nil {
				return nil, err
			}
			i := &implicitGrantSteps{site: legacy, session: session, refused: refused}
			return []step{
				{"Today's rules: it is refused at once", i.refusedToday},
				{"Old rules: the callback has a token", i.readToken},
				{"An API request brings Ada's profile", func(ctx context.Context) (string, error) {
					return profile(ctx, session)
				}},
				{"Expired: an error, since it has no refresh", i.expire},
				{"A token_expired listener authorizes again", i.authorizeAgain},
			}, nil
		},
	}
}

func (s *site) implicitSession() (*spotipie.ImplicitGrantSession, error) {
	session, err := spotipie.NewImplicitGrantSession(s.credentials(), s.options())
	if err == nil {
		s.stage.sessions = append(s.stage.sessions, session)
	}
	return session, err
}

type implicitGrantSteps struct {
	site             *site
	session, refused *spotipie.ImplicitGrantSession
}

func (i *implicitGrantSteps) refusedToday(ctx context.Context) (string, error) {
	err := i.refused.CheckAuthorization(ctx, nil)
	refusal, err := expectType[*spotipie.AuthorizationError](err, "*AuthorizationError")
	if err != nil {
		return "", err
	}
	return "AuthorizationError", expect("the service's words", refusal.Description, "response_type must be code")
}

func (i *implicitGrantSteps) readToken(ctx context.Context) (string, error) {
	count := i.site.tally()
	if err := i.login(ctx); err != nil {
		return "", err
	}
	return "0 token requests", count.expect(0, 0)
}

func (i *implicitGrantSteps) login(ctx context.Context) error {
	callbackURL, err := i.site.consent(ctx, i.session)
	if err != nil {
		return err
	}
	_, err = i.session.ReadTokenFromCallbackURL(ctx, callbackURL)
	return err
}

func (i *implicitGrantSteps) expire(ctx context.Context) (string, error) {
	i.site.Advance(time.Hour)
	count := i.site.tally()
	_, err := i.session.Token(ctx)
	return "ErrTokenExpired", errors.Join(
		expectError(err, spotipie.ErrTokenExpired, "ErrTokenExpired"), count.expect(0, 0))
}

func (i *implicitGrantSteps) authorizeAgain(ctx context.Context) (string, error) {
	heard := newEvents(i.session)
	defer heard.stop()
	remove := i.session.OnTokenExpired(func(ctx context.Context, _ spotipie.TokenExpired) error {
		return i.login(ctx)
	})
	defer remove()
	i.site.Advance(2 * time.Second) // the session waits a second after a failure
	if _, err := profile(ctx, i.session); err != nil {
		return "", err
	}
	return "1 event; GET /v1/me: 200", expect("events", heard.String(), "token_expired, token_updated")
}
