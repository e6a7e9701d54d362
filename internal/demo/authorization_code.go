package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
)

func publicApp() chapter {
	return chapter{
		title: "Authorization code with PKCE, without a client secret",
		about: "For programs on people's own machines, which cannot keep a secret.",
		steps: func(s *stage) ([]step, error) {
			st, session, err := s.app(accounts.Options{Apps: []accounts.App{{
				ClientID: "demo-app", RedirectURIs: []string{"http://127.0.0.1/callback"},
			}}})
			if err != nil {
				return nil, err
			}
			p := &publicAppSteps{site: st, session: session}
			return []step{
				{"A stolen code gets no token", p.steal},
				{"Ada agrees: the code is swapped for a token", p.fetchToken},
				{"An API request brings her profile", func(ctx context.Context) (string, error) {
					return profile(ctx, session)
				}},
				{"The same callback again is refused", p.replayCallback},
				{"Ada presses Cancel", p.deny},
			}, nil
		},
	}
}

type publicAppSteps struct {
	site        *site
	session     *spotipie.AuthorizationCodeSession
	callbackURL string
}

func (p *publicAppSteps) steal(ctx context.Context) (string, error) {
	var err error
	if p.callbackURL, err = p.site.consent(ctx, p.session); err != nil {
		return "", err
	}
	u, err := url.Parse(p.callbackURL)
	if err != nil {
		return "", errors.New("the callback URL is not a URL")
	}
	count := p.site.tally()
	refusal, err := p.site.postToken(ctx, url.Values{
		"grant_type": {"authorization_code"}, "code": u.Query()["code"],
		"client_id": {p.session.ClientID()}, "redirect_uri": {"http://127.0.0.1/callback"},
		"code_verifier": {rand.Text() + rand.Text()}, // the thief has to guess
	})
	if err != nil {
		return "", err
	}
	return refusal, errors.Join(
		expect("answer to a guessed PKCE verifier", refusal, "invalid_grant"), count.expect(1, 0))
}

// postToken makes a token request without a session, and returns the error code
// of the answer, or the status if it has none.
func (s *site) postToken(ctx context.Context, form url.Values) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/api/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := s.stage.transport.RoundTrip(req)
	if err != nil {
		return "", fmt.Errorf("making a token request: %w", err)
	}
	defer resp.Body.Close()
	var answer struct {
		Error string `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&answer); err != nil || answer.Error == "" {
		return resp.Status, nil
	}
	return answer.Error, nil
}

func (p *publicAppSteps) fetchToken(ctx context.Context) (string, error) {
	count := p.site.tally()
	if _, err := p.session.FetchToken(ctx, p.callbackURL); err != nil {
		return "", err
	}
	return "sent: verifier, no secret", errors.Join(
		count.expect(1, 0),
		expect("what the token request proved itself with", p.site.lastExchange(), exchange{verifier: true}),
		expect("the session is authorized", p.session.IsAuthorized(), true),
	)
}

func (p *publicAppSteps) replayCallback(ctx context.Context) (string, error) {
	count := p.site.tally()
	_, err := p.session.FetchToken(ctx, p.callbackURL)
	return "ErrStateMismatch", errors.Join(
		expectError(err, spotipie.ErrStateMismatch, "ErrStateMismatch"), count.expect(0, 0))
}

func (p *publicAppSteps) deny(ctx context.Context) (string, error) {
	p.site.DenyNext(1)
	count := p.site.tally()
	err := p.site.login(ctx, p.session)
	return "ErrAccessDenied", errors.Join(
		expectError(err, spotipie.ErrAccessDenied, "ErrAccessDenied"), count.expect(0, 0))
}

func confidentialApp() chapter {
	return chapter{
		title: "Authorization code with a client secret",
		about: "For programs on your own server. PKCE protects the code here too.",
		steps: func(s *stage) ([]step, error) {
			st, session, err := s.app(accounts.Options{})
			if err != nil {
				return nil, err
			}
			c := &confidentialAppSteps{site: st, session: session}
			return []step{
				{"Ada agrees: the code is swapped for a token", c.fetchToken},
				{"An API request brings her saved tracks", c.savedTracks},
				{"A missing scope is named before the request", c.missingScope},
			}, nil
		},
	}
}

type confidentialAppSteps struct {
	site    *site
	session *spotipie.AuthorizationCodeSession
}

func (c *confidentialAppSteps) fetchToken(ctx context.Context) (string, error) {
	count := c.site.tally()
	if err := c.site.login(ctx, c.session); err != nil {
		return "", err
	}
	return "sent: verifier and secret", errors.Join(
		count.expect(1, 0),
		expect("what the token request proved itself with", c.site.lastExchange(), exchange{verifier: true, secret: true}),
	)
}

func (c *confidentialAppSteps) savedTracks(ctx context.Context) (string, error) {
	var saved struct {
		Items []struct{} `json:"items"`
	}
	if err := get(ctx, c.session, "/v1/me/tracks?limit=10", &saved); err != nil {
		return "", fmt.Errorf("GET /v1/me/tracks: %w", err)
	}
	return fmt.Sprintf("200, %d tracks", len(saved.Items)), expect("tracks on the first page", len(saved.Items), 10)
}

func (c *confidentialAppSteps) missingScope(context.Context) (string, error) {
	count := c.site.tally()
	err := spotipie.RequireScope(c.session, spotipie.ScopeStreaming)
	missing, err := expectType[*spotipie.InsufficientScopeError](err, "*InsufficientScopeError")
	if err != nil {
		return "", err
	}
	return "InsufficientScopeError", errors.Join(
		expect("the scope that is missing", missing.Missing.String(), string(spotipie.ScopeStreaming)), count.expect(0, 0))
}
