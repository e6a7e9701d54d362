package spotifytest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
)

// Server is a running accounts service. It stops when the test ends.
type Server struct {
	*accounts.Service
	// URL replaces both of Spotify's hosts. It has no slash at the end.
	URL string

	transport http.RoundTripper
}

// New starts a server on the loopback interface that behaves as Spotify does today and
// agrees to every consent automatically, as the user "ada".
func New(t testing.TB) *Server {
	t.Helper()
	return NewWith(t, &accounts.Options{AutoApprove: true})
}

// NewWith starts a server on the loopback interface with the given options.
func NewWith(t testing.TB, opts *accounts.Options) *Server {
	t.Helper()
	service := newService(t, opts)
	server := httptest.NewServer(service)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	return &Server{Service: service, URL: server.URL, transport: transport}
}

// NewInMemory starts a server without a network, for bubbles of
// testing/synctest: only [Server.Transport] reaches it, so other clients cannot
// use URL. What a session mounts, such as a RoundTripper of package adapter, has to
// have it as its base. If opts is nil, the server has the options of [New].
func NewInMemory(t testing.TB, opts *accounts.Options) *Server {
	t.Helper()
	if opts == nil {
		opts = &accounts.Options{AutoApprove: true}
	}
	service := newService(t, opts)
	listener := newPipeListener()
	server := &http.Server{Handler: service}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("spotifytest: serving: %v", err)
		}
	}()
	transport := &http.Transport{DialContext: listener.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-done
	})
	return &Server{Service: service, URL: "http://spotify.test", transport: transport}
}

func newService(t testing.TB, opts *accounts.Options) *accounts.Service {
	t.Helper()
	service, err := accounts.New(opts)
	if err != nil {
		t.Fatalf("spotifytest: %v", err)
	}
	return service
}

// Transport returns a RoundTripper that reaches the server. It may not reach
// other servers or the network.
func (s *Server) Transport() http.RoundTripper { return s.transport }

// Credentials returns the credentials of the server's first app.
func (s *Server) Credentials() spotipie.Credentials {
	app := s.Apps()[0]
	c := spotipie.Credentials{ClientID: app.ClientID, ClientSecret: app.ClientSecret}
	if len(app.RedirectURIs) > 0 {
		c.RedirectURI = app.RedirectURIs[0]
	}
	return c
}

// Options returns new options for a session that uses the server and its
// clock and asks for all scopes. Change them as you like.
func (s *Server) Options() *spotipie.Options {
	return &spotipie.Options{
		Scope:       spotipie.AllScopes(),
		AccountsURL: s.URL,
		APIURL:      s.URL,
		// The name of an in-memory server is not a loopback address.
		AllowPlainHTTP: true,
		Transport:      s.transport,
		Now:            s.Now,
	}
}

// Session returns an authorization code session with a user's consent and a fresh
// token. It is closed when the test ends.
func (s *Server) Session(t testing.TB) *spotipie.AuthorizationCodeSession {
	t.Helper()
	session := s.newSession(t)
	s.Login(t, session)
	return session
}

func (s *Server) newSession(t testing.TB) *spotipie.AuthorizationCodeSession {
	t.Helper()
	session, err := spotipie.NewAuthorizationCodeSession(s.Credentials(), s.Options())
	if err != nil {
		t.Fatalf("spotifytest: %v", err)
	}
	CloseAtEnd(t, session)
	return session
}

// Login logs an authorization code session in: the user agrees, and the session gets
// its token.
func (s *Server) Login(t testing.TB, session *spotipie.AuthorizationCodeSession) {
	t.Helper()
	authorizationURL, _, err := session.AuthorizationURL(nil)
	if err != nil {
		t.Fatalf("spotifytest: %v", err)
	}
	if _, err := session.FetchToken(t.Context(), s.Consent(t, authorizationURL)); err != nil {
		t.Fatalf("spotifytest: %v", err)
	}
}

// SessionAs is [Server.Session] for the given user, for tests with several
// users. It may be called by several goroutines at once.
func (s *Server) SessionAs(t testing.TB, userID string) *spotipie.AuthorizationCodeSession {
	t.Helper()
	session := s.newSession(t)
	s.LoginAs(t, session, userID)
	return session
}

// LoginAs is [Server.Login] as the given user, who agrees; see
// [accounts.Service.ConsentAs].
func (s *Server) LoginAs(t testing.TB, session *spotipie.AuthorizationCodeSession, userID string) {
	t.Helper()
	authorizationURL, _, err := session.AuthorizationURL(nil)
	if err != nil {
		t.Fatalf("spotifytest: %v", err)
	}
	callbackURL, err := s.ConsentAs(authorizationURL, userID)
	if err != nil {
		t.Fatalf("spotifytest: %v", err)
	}
	if _, err := session.FetchToken(t.Context(), callbackURL); err != nil {
		t.Fatalf("spotifytest: %v", err)
	}
}

// Consent visits an authorization URL like the user's browser, and returns the
// callback URL to which the server redirects. The server must agree automatically, or
// deny (see DenyNext).
func (s *Server) Consent(t testing.TB, authorizationURL string) (callbackURL string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, authorizationURL, nil)
	if err != nil {
		t.Fatalf("spotifytest: the authorization URL: %v", err)
	}
	resp, err := s.transport.RoundTrip(req)
	if err != nil {
		t.Fatalf("spotifytest: visiting the authorization URL: %v", err)
	}
	defer resp.Body.Close()
	callbackURL = resp.Header.Get("Location")
	if callbackURL != "" {
		return callbackURL
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
	t.Fatalf("spotifytest: got %s instead of a redirect: does the server agree automatically? It says: %q", resp.Status, body)
	return ""
}

// ExpectTokenRequests fails the test unless the token endpoint got exactly
// these requests.
func (s *Server) ExpectTokenRequests(t testing.TB, want accounts.TokenRequests) {
	t.Helper()
	if got := s.Stats().TokenRequests; got != want {
		t.Errorf("token requests: got %+v, want %+v", got, want)
	}
}

// CloseAtEnd closes sessions when the test ends and fails the test if that
// fails.
func CloseAtEnd(t testing.TB, sessions ...spotipie.Session) {
	t.Helper()
	t.Cleanup(func() {
		for _, session := range slices.Backward(sessions) {
			if err := session.Close(context.Background()); err != nil {
				t.Errorf("spotifytest: closing a session: %v", err)
			}
		}
	})
}
