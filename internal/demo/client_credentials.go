package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
)

func clientCredentials() chapter {
	return chapter{
		title: "Client credentials",
		about: "The app itself, without a user: for public data, such as search.",
		steps: func(s *stage) ([]step, error) {
			st, err := s.service(accounts.Options{})
			if err != nil {
				return nil, err
			}
			session, err := spotipie.NewClientCredentialsSession(st.credentials(), st.options())
			if err != nil {
				return nil, err
			}
			s.sessions = append(s.sessions, session)
			c := &clientCredentialsSteps{site: st, session: session}
			return []step{
				{"The first request fetches a token", c.search},
				{"The second uses the same token", c.again},
				{"An hour later a request fetches a new one", c.hourLater},
			}, nil
		},
	}
}

type clientCredentialsSteps struct {
	site    *site
	session *spotipie.ClientCredentialsSession
}

func (c *clientCredentialsSteps) search(ctx context.Context) (string, error) {
	return c.searchWith(ctx, 1)
}

func (c *clientCredentialsSteps) again(ctx context.Context) (string, error) {
	return c.searchWith(ctx, 0)
}

func (c *clientCredentialsSteps) hourLater(ctx context.Context) (string, error) {
	c.site.Advance(time.Hour)
	return c.searchWith(ctx, 1)
}

func (c *clientCredentialsSteps) searchWith(ctx context.Context, tokenRequests int) (string, error) {
	count := c.site.tally()
	if err := get(ctx, c.session, "/v1/search?q=a&type=artist", nil); err != nil {
		return "", fmt.Errorf("GET /v1/search: %w", err)
	}
	return counted(tokenRequests, "token request") + "; 200", errors.Join(
		count.expect(tokenRequests, 1),
		expect("a refresh token is there", c.session.CurrentToken().RefreshToken() != "", false),
	)
}
