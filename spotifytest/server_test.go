package spotifytest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeTB is a test that records its failures.
type fakeTB struct {
	testing.TB // nil: only the methods below may be called
	ctx        context.Context
	cleanups   []func()
	failures   []string
}

func (f *fakeTB) Helper()                  {}
func (f *fakeTB) Context() context.Context { return f.ctx }
func (f *fakeTB) Cleanup(c func())         { f.cleanups = append(f.cleanups, c) }
func (f *fakeTB) Errorf(format string, args ...any) {
	f.failures = append(f.failures, fmt.Sprintf(format, args...))
}

func (f *fakeTB) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	runtime.Goexit()
}

// run runs a test and its cleanups, and returns the test's failures.
func run(test func(t testing.TB)) (failures []string) {
	ctx, cancel := context.WithCancel(context.Background())
	f := &fakeTB{ctx: ctx}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(f)
	}()
	<-done
	cancel() // before the cleanups, like package testing
	for len(f.cleanups) > 0 {
		last := f.cleanups[len(f.cleanups)-1]
		f.cleanups = f.cleanups[:len(f.cleanups)-1]
		last()
	}
	return f.failures
}

// A whole test. In your own test, t is the parameter of the test function.
func ExampleNew() {
	failures := run(func(t testing.TB) { // func TestProfile(t *testing.T) {
		server := spotifytest.New(t)
		session := server.Session(t) // a user has already agreed

		server.Advance(time.Hour) // the access token is expired
		resp, err := session.Request(t.Context(), "GET", "/v1/me", nil)
		if err != nil {
			t.Fatalf("the profile: %v", err)
		}
		defer resp.Body.Close()
		fmt.Println(resp.Status)
		server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1, RefreshToken: 1})
	})
	fmt.Println(len(failures), "failures")
	// Output:
	// 200 OK
	// 0 failures
}

func profile(t testing.TB, s spotipie.Session) string {
	t.Helper()
	resp, err := s.Request(t.Context(), http.MethodGet, "/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET /v1/me: %s", resp.Status)
	}
	var body strings.Builder
	if err := resp.Write(&body); err != nil {
		t.Fatal(err)
	}
	return body.String()
}

func TestNewAgreesAsAda(t *testing.T) {
	server := spotifytest.New(t)
	if strings.HasSuffix(server.URL, "/") || !strings.HasPrefix(server.URL, "http://127.0.0.1:") {
		t.Errorf("URL %s", server.URL)
	}
	session := server.Session(t)
	if got := profile(t, session); !strings.Contains(got, `"id":"ada"`) {
		t.Errorf("signed in as %s", got)
	}
	if s := session.Scope(); !s.Equal(spotipie.AllScopes()) {
		t.Errorf("scope %s", s)
	}
	server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1})
}

func TestServerStopsWhenTheTestEnds(t *testing.T) {
	var server *spotifytest.Server
	var session spotipie.Session
	if failures := run(func(t testing.TB) {
		server = spotifytest.New(t)
		session = server.Session(t)
	}); failures != nil {
		t.Fatal(failures)
	}
	if _, err := session.Request(t.Context(), http.MethodGet, "/v1/me", nil); !errors.Is(err, spotipie.ErrClosed) {
		t.Errorf("the session: got error %v, want ErrClosed", err)
	}
	resp, err := http.Get(server.URL)
	if err == nil {
		_ = resp.Body.Close()
		t.Error("the server still answers")
	}
}

func TestNewWith(t *testing.T) {
	server := spotifytest.NewWith(t, &accounts.Options{
		AutoApprove: true, RotateAllRefreshTokens: true, TokenLifetime: time.Minute,
		Users: []accounts.User{{ID: "zoe"}},
		Apps:  []accounts.App{{ClientID: "mine", RedirectURIs: []string{"https://example.com/cb"}}},
	})
	if got, want := server.Credentials(), (spotipie.Credentials{ClientID: "mine", RedirectURI: "https://example.com/cb"}); got != want {
		t.Errorf("credentials %v, want %v", got, want)
	}
	session := server.Session(t)
	if got := profile(t, session); !strings.Contains(got, `"id":"zoe"`) || session.CurrentToken().ExpiresIn() != time.Minute {
		t.Errorf("got %s, %v", got, session.CurrentToken())
	}
	old := session.CurrentToken().RefreshToken()
	if next, err := session.RefreshToken(t.Context()); err != nil || next.RefreshToken() == old {
		t.Errorf("not rotated, or error %v", err)
	}
}

func TestNewWithOptionsThatCannotBe(t *testing.T) {
	failures := run(func(t testing.TB) {
		spotifytest.NewWith(t, &accounts.Options{TokenLifetime: -1})
		t.Errorf("went on")
	})
	if len(failures) != 1 || !strings.HasPrefix(failures[0], "spotifytest: ") {
		t.Errorf("failures %q", failures)
	}
}

func TestCredentialsOfAnAppWithoutRedirectURI(t *testing.T) {
	server := spotifytest.NewWith(t, &accounts.Options{Apps: []accounts.App{{ClientID: "id", ClientSecret: "secret"}}})
	session, err := spotipie.NewClientCredentialsSession(server.Credentials(), server.Options())
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, session)
	if _, err := session.FetchToken(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNewInMemory(t *testing.T) {
	for name, opts := range map[string]*accounts.Options{"defaults": nil, "own options": {AutoApprove: true, RotateAllRefreshTokens: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := spotifytest.NewInMemory(t, opts)
				session := server.Session(t)
				start := time.Now()
				time.Sleep(50 * time.Minute) // the bubble's clock
				profile(t, session)
				time.Sleep(20 * time.Minute)
				profile(t, session)
				if d := time.Since(start); d != 70*time.Minute || server.Now().Sub(start) != d {
					t.Errorf("%s went by, on the server %s", d, server.Now().Sub(start))
				}
				server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1, RefreshToken: 1})
			})
		})
	}
}

func TestNewInMemoryIsReachedByItsTransportOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, other := spotifytest.NewInMemory(t, nil), spotifytest.NewInMemory(t, nil)
		session := server.Session(t)
		opts := other.Options()
		stranger, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), opts)
		if err != nil {
			t.Fatal(err)
		}
		if err := stranger.SetToken(t.Context(), session.CurrentToken()); err != nil {
			t.Fatal(err)
		}
		resp, err := stranger.Request(t.Context(), http.MethodGet, "/v1/me", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("another server knows the token: %s", resp.Status)
		}
	})
}

func TestOptions(t *testing.T) {
	server := spotifytest.New(t)
	opts := server.Options()
	if opts.AccountsURL != server.URL || opts.APIURL != server.URL || opts.Transport != server.Transport() ||
		!opts.Scope.Equal(spotipie.AllScopes()) || opts.Store != nil {
		t.Errorf("options %+v", opts)
	}
	server.Advance(time.Hour)
	if d := time.Until(opts.Now()); d < 59*time.Minute {
		t.Errorf("the options' clock is %s ahead, want the server's", d)
	}
	opts.Scope = nil // must not change other options
	if again := server.Options(); again == opts || len(again.Scope) == 0 {
		t.Error("options are shared")
	}
}

func TestLogin(t *testing.T) {
	server := spotifytest.New(t)
	session := newSession(t, server)
	server.Login(t, session)
	first := session.CurrentToken()
	server.Login(t, session) // a second login
	if second := session.CurrentToken(); second == nil || second.Equal(first) {
		t.Errorf("got %v after %v", second, first)
	}
}

func newSession(t testing.TB, server *spotifytest.Server) *spotipie.AuthorizationCodeSession {
	t.Helper()
	session, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), server.Options())
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, session)
	return session
}

func TestConsent(t *testing.T) {
	server := spotifytest.New(t)
	session := newSession(t, server)
	for _, denied := range []bool{false, true} {
		if denied {
			server.DenyNext(1)
		}
		raw, state, err := session.AuthorizationURL(nil)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(server.Consent(t, raw))
		if err != nil || u.Query().Get("state") != state || u.Query().Has("error") != denied || u.Query().Has("code") == denied {
			t.Errorf("denied %t: %s, %v", denied, u, err)
		}
	}
}

func TestFailures(t *testing.T) {
	server := spotifytest.New(t)
	page := spotifytest.NewWith(t, nil) // shows the consent page
	session := newSession(t, server)
	raw, _, err := newSession(t, page).AuthorizationURL(nil)
	if err != nil {
		t.Fatal(err)
	}
	unknown := strings.Replace(raw, "client_id=", "client_id=x", 1)
	for name, test := range map[string]struct {
		fails func(testing.TB)
		words string // of the failure
	}{
		"consent page":      {func(t testing.TB) { page.Consent(t, raw) }, "got 200 OK instead of a redirect: does the server agree automatically?"},
		"error page":        {func(t testing.TB) { server.Consent(t, unknown) }, "got 400"},
		"not a URL":         {func(t testing.TB) { server.Consent(t, "http://%") }, "the authorization URL"},
		"server not there":  {func(t testing.TB) { server.Consent(t, "http://127.0.0.1:1/") }, "visiting the authorization URL"},
		"session on a page": {func(t testing.TB) { page.Session(t) }, "got 200 OK instead of a redirect"},
		"login denied": {func(t testing.TB) {
			server.DenyNext(1)
			server.Login(t, session)
		}, "access_denied"},
		"login of a closed session": {func(t testing.TB) {
			closed := newSession(t, server)
			_ = closed.Close(t.Context())
			server.Login(t, closed)
		}, spotipie.ErrClosed.Error()},
		"session without redirect URI": {func(t testing.TB) {
			spotifytest.NewWith(t, &accounts.Options{Apps: []accounts.App{{ClientID: "id"}}}).Session(t)
		}, "redirect URI"},
	} {
		t.Run(name, func(t *testing.T) {
			failures := run(func(t testing.TB) {
				test.fails(t)
				t.Errorf("went on")
			})
			if len(failures) != 1 || !strings.HasPrefix(failures[0], "spotifytest: ") || !strings.Contains(failures[0], test.words) {
				t.Errorf("failures %q, want one about %q", failures, test.words)
			}
		})
	}
}

func TestExpectTokenRequests(t *testing.T) {
	server := spotifytest.New(t)
	server.Session(t)
	failures := run(func(t testing.TB) {
		server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1})
		server.ExpectTokenRequests(t, accounts.TokenRequests{AuthorizationCode: 1, RefreshToken: 2})
	})
	if len(failures) != 1 || !strings.Contains(failures[0], "RefreshToken:0") || !strings.Contains(failures[0], "RefreshToken:2") {
		t.Errorf("failures %q, want one with both numbers", failures)
	}
}

// brokenStore cannot save.
type brokenStore struct{ spotipie.Store }

var errDisk = errors.New("the disk is full")

func (brokenStore) Swap(context.Context, spotipie.Key, uint64, spotipie.Record) (uint64, error) {
	return 0, errDisk
}

func TestCloseAtEnd(t *testing.T) {
	server := spotifytest.New(t)
	var sessions []spotipie.RefreshableSession
	failures := run(func(t testing.TB) {
		opts := server.Options()
		opts.Store, opts.Profile = brokenStore{spotipie.NewMemoryStore()}, "ada"
		for _, opts := range []*spotipie.Options{server.Options(), opts, server.Options()} {
			session, err := spotipie.NewClientCredentialsSession(server.Credentials(), opts)
			if err != nil {
				t.Fatalf("making a session: %v", err)
			}
			_, _ = session.FetchToken(t.Context()) // the broken store's error comes again at the end
			sessions = append(sessions, session)
		}
		spotifytest.CloseAtEnd(t, sessions[0], sessions[1], sessions[2])
		if sessions[0].CurrentToken() == nil || sessions[1].CurrentToken() == nil {
			t.Errorf("no token")
		}
	})
	if len(failures) != 1 || !strings.Contains(failures[0], errDisk.Error()) {
		t.Errorf("failures %q, want one about the store", failures)
	}
	for i, session := range sessions {
		if _, err := session.RefreshToken(t.Context()); !errors.Is(err, spotipie.ErrClosed) {
			t.Errorf("session %d: got error %v, want ErrClosed", i, err)
		}
	}
}
