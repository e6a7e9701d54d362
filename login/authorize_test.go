package login_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/login"
)

// noTerminal returns an input that nobody can paste into.
func noTerminal(t testing.TB) *os.File {
	t.Helper()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = null.Close() })
	return null
}

func TestAuthorizeSignsIn(t *testing.T) {
	for _, redirectURI := range []string{"http://127.0.0.1/callback", "http://[::1]/callback"} {
		t.Run(redirectURI, func(t *testing.T) {
			surroundings(t, nil)
			server := newServer(t, nil)
			session := newSession(t, server, func(c *spotipie.Credentials, _ *spotipie.Options) { c.RedirectURI = redirectURI })
			b, out := newBrowser(t), newOutput()
			token, err := login.Authorize(t.Context(), session, &login.Options{
				AppName: "Tune Keeper", Browser: b.open, Input: noTerminal(t), Output: out,
			})
			if err != nil {
				t.Fatal(err)
			}
			if current := session.CurrentToken(); token == nil || !token.Equal(current) || token.RefreshToken() == "" {
				t.Errorf("returned %v, the session has %v", token, current)
			}
			p := b.shown()
			if p.status != http.StatusOK || !strings.Contains(p.body, "Hello, <bdi>Ada</bdi>") || !strings.Contains(p.body, "Tune Keeper") {
				t.Errorf("the page says %d %s", p.status, p.body)
			}
			if !strings.Contains(out.String(), "Signed in as Ada.") {
				t.Errorf("printed %q", out)
			}
			expectClosed(t, p.url)
		})
	}
}

// expectClosed fails the test if anything still listens at the page's address.
func expectClosed(t *testing.T, u *url.URL) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", u.Host)
	if err == nil {
		_ = conn.Close()
		t.Errorf("%s still answers after the login", u.Host)
	}
}

func TestAuthorizeSignsInByImplicitGrant(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, &accounts.Options{AutoApprove: true, Legacy: true})
	session := newImplicitSession(t, server)
	b := newBrowser(t)
	token, err := login.Authorize(t.Context(), session, &login.Options{Browser: b.open, Input: noTerminal(t), Output: newOutput()})
	if err != nil {
		t.Fatal(err)
	}
	if !token.Equal(session.CurrentToken()) {
		t.Errorf("returned %v, the session has %v", token, session.CurrentToken())
	}
	if p := b.shown(); !strings.Contains(p.body, "Hello, <bdi>Ada</bdi>") {
		t.Errorf("the page says %s", p.body)
	}
}

func TestATokenThatCoversTheScopesNeedsNoBrowser(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	store := spotipie.NewMemoryStore()
	stored := func(_ *spotipie.Credentials, o *spotipie.Options) { o.Store, o.Profile = store, "ada" }
	server.Login(t, newSession(t, server, stored))
	unused := &login.Options{
		Browser: func(string) error { t.Error("a browser was opened"); return nil },
		Input:   noTerminal(t), Output: newOutput(),
	}

	t.Run("in the store", func(t *testing.T) {
		token, err := login.Authorize(t.Context(), newSession(t, server, stored), unused)
		if err != nil || token == nil {
			t.Fatalf("token %v, error %v", token, err)
		}
	})
	t.Run("in the session, expired but renewable", func(t *testing.T) {
		session := newSession(t, server, nil)
		server.Login(t, session)
		old := session.CurrentToken()
		server.Advance(2 * time.Hour)
		token, err := login.Authorize(t.Context(), session, unused)
		if err != nil || token.AccessToken() == old.AccessToken() {
			t.Fatalf("token %v, error %v", token, err)
		}
	})
	t.Run("and no terminal either", func(t *testing.T) {
		if _, err := login.Prompt(t.Context(), newSession(t, server, stored), unused); err != nil {
			t.Fatal(err)
		}
	})
}

func TestABrowserIsNeededWhenTheTokenIsOfNoUse(t *testing.T) {
	narrow := spotipie.Scopes{spotipie.ScopeUserReadEmail}
	for name, prepare := range map[string]func(t *testing.T, server *server, store spotipie.Store) *login.Options{
		"too narrow": func(t *testing.T, server *server, store spotipie.Store) *login.Options {
			server.Login(t, newSession(t, server, func(_ *spotipie.Credentials, o *spotipie.Options) {
				o.Store, o.Profile, o.Scope = store, "ada", narrow
			}))
			return &login.Options{}
		},
		"revoked": func(t *testing.T, server *server, store spotipie.Store) *login.Options {
			server.Login(t, newSession(t, server, func(_ *spotipie.Credentials, o *spotipie.Options) {
				o.Store, o.Profile = store, "ada"
			}))
			server.RevokeUser(server.Credentials().ClientID, "ada")
			server.Advance(2 * time.Hour)
			return &login.Options{}
		},
		"valid, but never renewed again": func(t *testing.T, server *server, store spotipie.Store) *login.Options {
			session := newSession(t, server, func(_ *spotipie.Credentials, o *spotipie.Options) {
				o.Store, o.Profile = store, "ada"
			})
			server.Login(t, session)
			server.RevokeUser(server.Credentials().ClientID, "ada")
			if _, err := session.RefreshToken(t.Context()); !errors.Is(err, spotipie.ErrReauthorizationRequired) {
				t.Fatalf("error %v", err)
			}
			return &login.Options{}
		},
		"not wanted": func(t *testing.T, server *server, store spotipie.Store) *login.Options {
			server.Login(t, newSession(t, server, func(_ *spotipie.Credentials, o *spotipie.Options) {
				o.Store, o.Profile = store, "ada"
			}))
			return &login.Options{ForceDialog: true}
		},
	} {
		t.Run(name, func(t *testing.T) {
			surroundings(t, nil)
			server, store, b := newServer(t, nil), spotipie.NewMemoryStore(), newBrowser(t)
			opts := prepare(t, server, store)
			var address string
			opts.Browser = func(url string) error { address = url; return b.open(url) }
			opts.Input, opts.Output = noTerminal(t), newOutput()
			session := newSession(t, server, func(_ *spotipie.Credentials, o *spotipie.Options) { o.Store, o.Profile = store, "ada" })
			token, err := login.Authorize(t.Context(), session, opts)
			if err != nil {
				t.Fatal(err)
			}
			b.shown()
			if missing := token.Scope().Missing(spotipie.AllScopes()); len(missing) > 0 {
				t.Errorf("the new token lacks %v", missing)
			}
			if got := parameter(t, address, "show_dialog"); (got == "true") != opts.ForceDialog {
				t.Errorf("show_dialog=%s with ForceDialog %t", got, opts.ForceDialog)
			}
		})
	}
}

func TestTroubleWithTheServicesIsNoReasonToAskTheUser(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	session := newSession(t, server, nil)
	server.Login(t, session)
	server.Advance(2 * time.Hour)
	if err := server.QueueFault(accounts.Fault{Target: accounts.TargetToken, Kind: accounts.FaultServerError, Times: 3}); err != nil {
		t.Fatal(err)
	}
	_, err := login.Authorize(t.Context(), session, &login.Options{
		Browser: func(string) error { t.Error("a browser was opened"); return nil },
		Input:   noTerminal(t), Output: newOutput(),
	})
	expectError[*spotipie.TokenEndpointError](t, err)
}

func TestDenialIsToldToProgramAndUser(t *testing.T) {
	for _, legacy := range []bool{false, true} {
		surroundings(t, nil)
		server := newServer(t, &accounts.Options{AutoApprove: true, Legacy: legacy})
		var session spotipie.Session = newSession(t, server, nil)
		if legacy {
			session = newImplicitSession(t, server)
		}
		b := newBrowser(t)
		deny := func(address string) error { server.DenyNext(1); return b.open(address) }
		token, err := login.Authorize(t.Context(), session, &login.Options{Browser: deny, Input: noTerminal(t), Output: newOutput()})
		if token != nil || !errors.Is(err, spotipie.ErrAccessDenied) {
			t.Errorf("token %v, error %v", token, err)
		}
		if p := b.shown(); !strings.Contains(p.body, "You did not agree") {
			t.Errorf("the page says %s", p.body)
		}
	}
}

func TestFailureOfTheExchangeIsToldToProgramAndUser(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	if err := server.QueueFault(accounts.Fault{Target: accounts.TargetToken, Kind: accounts.FaultHTML}); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	_, err := login.Authorize(t.Context(), newSession(t, server, nil), &login.Options{
		Browser: b.open, Input: noTerminal(t), Output: newOutput(),
	})
	expectError[*spotipie.TokenEndpointError](t, err)
	if p := b.shown(); !strings.Contains(p.body, "The sign-in failed") || !strings.Contains(p.body, "the accounts service answered") {
		t.Errorf("the page says %s", p.body)
	}
}

func TestATokenThatCannotBeSavedIsReturnedWithTheError(t *testing.T) {
	surroundings(t, nil)
	server, b := newServer(t, nil), newBrowser(t)
	session := newSession(t, server, func(_ *spotipie.Credentials, o *spotipie.Options) {
		o.Store, o.Profile = fullStore{spotipie.NewMemoryStore()}, "ada"
	})
	token, err := login.Authorize(t.Context(), session, &login.Options{Browser: b.open, Input: noTerminal(t), Output: newOutput()})
	if token == nil {
		t.Error("no token")
	}
	expectError[*spotipie.StoreError](t, err)
	if p := b.shown(); !strings.Contains(p.body, "Hello") {
		t.Errorf("the page says %s", p.body)
	}
}

type fullStore struct{ spotipie.Store }

func (fullStore) Swap(context.Context, spotipie.Key, uint64, spotipie.Record) (uint64, error) {
	return 0, errors.New("no space left")
}

func TestAClosedTabEndsByTimeout(t *testing.T) {
	surroundings(t, nil)
	r := start(t, newSession(t, newServer(t, nil), nil), &login.Options{Timeout: 50 * time.Millisecond})
	timeout := expectError[*login.TimeoutError](t, r.wait().err)
	if timeout.After != 50*time.Millisecond || !strings.Contains(timeout.Error(), "http://127.0.0.1/callback to the letter") {
		t.Errorf("%v", timeout)
	}
}

func TestCancellationEndsTheLogin(t *testing.T) {
	surroundings(t, nil)
	r := start(t, newSession(t, newServer(t, nil), nil), nil)
	address := r.address()
	r.cancel()
	if err := r.wait().err; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	u, _ := url.Parse(parameter(t, address, "redirect_uri"))
	expectClosed(t, u)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := login.Authorize(ctx, newSession(t, newServer(t, nil), nil), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("begun when canceled: error %v", err)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	for name, test := range map[string]struct {
		opts   login.Options
		denied int
		answer func(r *running, keyboard io.Writer)
	}{
		"success": {answer: func(r *running, _ io.Writer) { _ = newBrowser(t).open(r.address()) }},
		"pasted":  {answer: func(r *running, keyboard io.Writer) { typeLine(t, keyboard, server.Consent(t, r.address())) }},
		"denial":  {denied: 1, answer: func(r *running, _ io.Writer) { _ = newBrowser(t).open(r.address()) }},
		"timeout": {opts: login.Options{Timeout: 20 * time.Millisecond}, answer: func(r *running, _ io.Writer) { r.address() }},
		"cancellation": {answer: func(r *running, _ io.Writer) {
			r.address()
			r.cancel()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			session := newSession(t, server, nil)
			tty, keyboard := terminal(t)
			server.DenyNext(test.denied)
			before := goleak.IgnoreCurrent()
			test.opts.Input = tty
			r := start(t, session, &test.opts)
			test.answer(r, keyboard)
			r.wait()
			server.Transport().(*http.Transport).CloseIdleConnections()
			goleak.VerifyNone(t, before)
		})
	}
}

func TestTwoLoginsAtOnce(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	first, second := start(t, newSession(t, server, nil), nil), start(t, newSession(t, server, nil), nil)
	b := newBrowser(t)
	for _, r := range []*running{second, first} {
		if err := b.open(r.address()); err != nil {
			t.Fatal(err)
		}
		r.token()
	}
	if a, b := first.output.authorizationURL(t, 1), second.output.authorizationURL(t, 1); parameter(t, a, "redirect_uri") == parameter(t, b, "redirect_uri") {
		t.Error("both listened at the same address")
	}
}

func TestASessionWithoutAUserIsRefused(t *testing.T) {
	server := newServer(t, nil)
	session, err := spotipie.NewClientCredentialsSession(server.Credentials(), server.Options())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := login.Authorize(t.Context(), session, nil); err == nil || !strings.Contains(err.Error(), "no user can agree") {
		t.Errorf("error %v", err)
	}
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	session := newSession(t, newServer(t, nil), nil)
	for name, opts := range map[string]*login.Options{
		"colour":       {AccentColor: "red;} body{display:none"},
		"port":         {Ports: []int{70000}},
		"bind address": {BindAddress: "127.0.0.1:http"},
	} {
		opts.Browser = func(string) error { t.Error("a browser was opened"); return nil }
		if _, err := login.Authorize(t.Context(), session, opts); err == nil || !strings.Contains(err.Error(), "login: Options.") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
