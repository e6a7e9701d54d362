package spotipie_test

import (
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newSession returns an authorization code session without a token.
func newSession(t *testing.T, server *spotifytest.Server, change func(*spotipie.Options)) *spotipie.AuthorizationCodeSession {
	t.Helper()
	opts := server.Options()
	if change != nil {
		change(opts)
	}
	s, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	return s
}

// signedIn returns an authorization code session that has a user's consent.
func signedIn(t *testing.T, server *spotifytest.Server, change func(*spotipie.Options)) *spotipie.AuthorizationCodeSession {
	t.Helper()
	s := newSession(t, server, change)
	server.Login(t, s)
	return s
}

// rotating returns options for a service with single-use refresh tokens.
func rotating() *accounts.Options {
	return &accounts.Options{AutoApprove: true, RotateAllRefreshTokens: true}
}

func queue(t *testing.T, server *spotifytest.Server, f accounts.Fault) {
	t.Helper()
	if err := server.QueueFault(f); err != nil {
		t.Fatal(err)
	}
}

func token(t *testing.T, s spotipie.Session) *spotipie.Token {
	t.Helper()
	tok, err := s.Token(t.Context())
	if err != nil {
		t.Fatalf("Token: %v", err)
	}
	return tok
}

func expectRefreshes(t *testing.T, server *spotifytest.Server, n int) {
	t.Helper()
	if got := server.Stats().TokenRequests.RefreshToken; got != n {
		t.Errorf("%d refresh requests, want %d", got, n)
	}
}

// errorLog collects the errors that OnError gets.
type errorLog struct {
	mu   sync.Mutex
	list []error
}

func (l *errorLog) add(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, err)
}

func (l *errorLog) all() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.list)
}
