package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
)

// site is an accounts service that listens.
type site struct {
	*accounts.Service
	url   string
	stage *stage

	mu       sync.Mutex
	exchange exchange
	gate     *gate
}

// exchange is how the last token request authenticated.
type exchange struct {
	verifier, secret bool
}

// gate holds token requests back until it is opened.
type gate struct {
	arrived chan struct{} // has a value when a request has come
	open    chan struct{}
}

const maxForm = 64 << 10

// watched records the token requests to service, and holds them at the gate if
// there is one.
func (s *site) watched(service http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/token" {
			service.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
		if err != nil {
			http.Error(w, "body too large", http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, _ := url.ParseQuery(string(body)) // the service answers a malformed one
		_, _, secret := r.BasicAuth()
		s.mu.Lock()
		s.exchange = exchange{verifier: form.Has("code_verifier"), secret: secret || form.Has("client_secret")}
		g := s.gate
		s.mu.Unlock()
		if g != nil {
			select {
			case g.arrived <- struct{}{}:
			default:
			}
			select {
			case <-g.open:
			case <-r.Context().Done():
				return
			}
		}
		service.ServeHTTP(w, r)
	})
}

func (s *site) lastExchange() exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exchange
}

// holdTokenRequests closes the gate. arrived waits for the first request at the
// gate; release opens it and may be called again. At the end the stage opens
// gates that are still closed.
func (s *site) holdTokenRequests() (arrived func(context.Context) error, release func()) {
	g := &gate{arrived: make(chan struct{}, 1), open: make(chan struct{})}
	s.mu.Lock()
	s.gate = g
	s.mu.Unlock()
	arrived = func(ctx context.Context) error { return receive(ctx, g.arrived, "a token request") }
	release = sync.OnceFunc(func() {
		s.mu.Lock()
		s.gate = nil
		s.mu.Unlock()
		close(g.open)
	})
	s.stage.releases = append(s.stage.releases, release)
	return arrived, release
}

// receive waits for a value of c.
func receive[T any](ctx context.Context, c <-chan T, what string) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("expected %s, and none came: %w", what, context.Cause(ctx))
	}
}

// options returns the options of a session that uses the site and its clock.
func (s *site) options() *spotipie.Options {
	return &spotipie.Options{
		Scope:          spotipie.Scopes{spotipie.ScopeUserReadPrivate, spotipie.ScopeUserLibraryRead},
		RefreshTimeout: s.stage.limit,
		Transport:      s.stage.transport,
		AccountsURL:    s.url,
		APIURL:         s.url,
		Now:            s.Now,
	}
}

func (s *site) credentials() spotipie.Credentials {
	app := s.Apps()[0]
	return spotipie.Credentials{
		ClientID: app.ClientID, ClientSecret: app.ClientSecret, RedirectURI: app.RedirectURIs[0],
	}
}

// session makes an authorization code session without a token.
func (s *site) session(opts *spotipie.Options) (*spotipie.AuthorizationCodeSession, error) {
	session, err := spotipie.NewAuthorizationCodeSession(s.credentials(), opts)
	if err == nil {
		s.stage.sessions = append(s.stage.sessions, session)
	}
	return session, err
}

// authorizer is a session whose user has to agree.
type authorizer interface {
	AuthorizationURL(*spotipie.AuthorizationURLOptions) (authorizationURL, state string, err error)
}

// consent visits the authorization URL as the user's browser would and returns
// the callback URL. Errors name no URL: it holds the state.
func (s *site) consent(ctx context.Context, a authorizer) (string, error) {
	authorizationURL, _, err := a.AuthorizationURL(nil)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, authorizationURL, nil)
	if err != nil {
		return "", errors.New("the authorization URL is not a URL")
	}
	resp, err := s.stage.transport.RoundTrip(req)
	if err != nil {
		return "", fmt.Errorf("visiting the authorization URL: %w", err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Location") == "" {
		return "", fmt.Errorf("visiting the authorization URL: expected a redirect, got %s", resp.Status)
	}
	return resp.Header.Get("Location"), nil
}

// login lets the user agree and the session fetch its token.
func (s *site) login(ctx context.Context, session *spotipie.AuthorizationCodeSession) error {
	callbackURL, err := s.consent(ctx, session)
	if err != nil {
		return err
	}
	_, err = session.FetchToken(ctx, callbackURL)
	return err
}

// maxAnswer is larger than any answer of the service.
const maxAnswer = 1 << 20

// get makes an API request and decodes the answer into v, which may be nil.
func get(ctx context.Context, session spotipie.Session, url string, v any) error {
	resp, err := session.Request(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if err := spotipie.CheckResponse(resp); err != nil {
		return err
	}
	defer resp.Body.Close()
	if v == nil {
		v = new(any)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(v)
}

// profile returns Ada's name from GET /v1/me.
func profile(ctx context.Context, session spotipie.Session) (string, error) {
	var me struct {
		DisplayName string `json:"display_name"`
	}
	if err := get(ctx, session, "/v1/me", &me); err != nil {
		return "", fmt.Errorf("GET /v1/me: %w", err)
	}
	return "GET /v1/me: 200, " + me.DisplayName, expect("the name in the profile", me.DisplayName, "Ada")
}

// tally counts the requests since a moment.
type tally struct {
	site  *site
	start accounts.Stats
}

func (s *site) tally() tally { return tally{site: s, start: s.Stats()} }

// expect compares how many requests were made since.
func (t tally) expect(tokenRequests, apiRequests int) error {
	now := t.site.Stats()
	return errors.Join(
		expect("token requests", sum(now.TokenRequests)-sum(t.start.TokenRequests), tokenRequests),
		expect("API requests", now.APIRequests-t.start.APIRequests, apiRequests),
	)
}

func sum(r accounts.TokenRequests) int {
	return r.AuthorizationCode + r.RefreshToken + r.ClientCredentials
}
