package login_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/login"
)

// tokenFault prepares a fault of the token endpoint.
func tokenFault(t *testing.T, server *server, fault accounts.Fault) {
	t.Helper()
	fault.Target = accounts.TargetToken
	if err := server.QueueFault(fault); err != nil {
		t.Fatal(err)
	}
}

// passing returns faults of the token endpoint that end soon. After a 503 the session itself
// tries again twice.
func passing() map[string]accounts.Fault {
	return map[string]accounts.Fault{
		"503":                                  {Kind: accounts.FaultServerError, Times: 3},
		"500":                                  {Kind: accounts.FaultServerError, Status: http.StatusInternalServerError},
		"503 that names a time":                {Kind: accounts.FaultRespond, Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"1"}}},
		"429":                                  {Kind: accounts.FaultRateLimited, RetryAfter: time.Second},
		"429 that names no time":               {Kind: accounts.FaultRespond, Status: http.StatusTooManyRequests},
		"a connection that is cut":             {Kind: accounts.FaultCut},
		"a connection that is cut three times": {Kind: accounts.FaultCut, Times: 3},
	}
}

func TestPassingTroubleDoesNotEndTheLogin(t *testing.T) {
	surroundings(t, nil)
	for name, fault := range passing() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, b := newServer(t, nil), newBrowser(t)
			tokenFault(t, server, fault)
			r := start(t, newSession(t, server, nil), &login.Options{AppName: "Tune Keeper", Browser: b.open})
			r.token()
			if text := r.output.String(); !strings.Contains(text, "is asked again") || strings.Contains(text, "nobody") {
				t.Errorf("printed %s", text)
			}
			if p := b.shown(); !strings.Contains(p.body, "Hello") {
				t.Errorf("the page says %s", p.body)
			}
			delayed := b.passed()
			if len(delayed) == 0 || !strings.Contains(delayed[0].body, "Tune Keeper") || !strings.Contains(delayed[0].body, "You agreed") {
				t.Errorf("meanwhile the page said %v", delayed)
			}
			for _, p := range delayed {
				if q := p.url.Query(); q.Has("code") || q.Has("state") {
					t.Error("the address of the page has a secret in it")
				}
			}
		})
	}
}

func TestPassingTroubleDoesNotEndAPastedLogin(t *testing.T) {
	surroundings(t, nil)
	for name, fault := range passing() {
		t.Run(name, func(t *testing.T) {
			server := newServer(t, nil)
			tokenFault(t, server, fault)
			tty, keyboard := terminal(t)
			r := start(t, newSession(t, server, nil), &login.Options{Input: tty})
			typeLine(t, keyboard, server.Consent(t, r.address()))
			r.token()
			if text := r.output.String(); !strings.Contains(text, "is asked again") {
				t.Errorf("printed %s", text)
			}
		})
	}
}

// TestTroubleThatLastsEndsTheLoginInTime checks that the error is the service's: the user has
// agreed.
func TestTroubleThatLastsEndsTheLoginInTime(t *testing.T) {
	surroundings(t, nil)
	for name, test := range map[string]struct {
		fault   accounts.Fault
		timeout time.Duration
		atOnce  bool
	}{
		"503":                           {accounts.Fault{Kind: accounts.FaultServerError, Every: 1}, 2 * time.Second, false},
		"429 longer than the time left": {accounts.Fault{Kind: accounts.FaultRateLimited, RetryAfter: time.Hour}, time.Minute, true},
		"503 longer than the time left": {accounts.Fault{
			Kind: accounts.FaultRespond, Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"3600"}},
		}, time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			server, b := newServer(t, nil), newBrowser(t)
			tokenFault(t, server, test.fault)
			begun := time.Now()
			r := start(t, newSession(t, server, nil), &login.Options{Browser: b.open, Timeout: test.timeout})
			err := r.wait().err
			if e := expectError[*spotipie.TokenEndpointError](t, err); !e.Temporary() {
				t.Errorf("error %v", e)
			}
			var timeout *login.TimeoutError
			if errors.As(err, &timeout) {
				t.Errorf("error %v", err)
			}
			if took := time.Since(begun); test.atOnce && took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
			if p := b.shown(); !strings.Contains(p.body, "The sign-in failed") {
				t.Errorf("the page says %s", p.body)
			}
		})
	}
}

// TestTroubleDoesNotHoldUpTheEnd checks that a login does not wait for the next try at the
// token endpoint when it is cancelled or its session is closed.
func TestTroubleDoesNotHoldUpTheEnd(t *testing.T) {
	surroundings(t, nil)
	for name, test := range map[string]struct {
		end  func(*running, spotipie.Session)
		want error
	}{
		"cancelled": {func(r *running, _ spotipie.Session) { r.cancel() }, context.Canceled},
		"closed":    {func(_ *running, s spotipie.Session) { _ = s.Close(context.Background()) }, spotipie.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			server, b := newServer(t, nil), newBrowser(t)
			tokenFault(t, server, accounts.Fault{Kind: accounts.FaultRateLimited, RetryAfter: time.Minute})
			session := newSession(t, server, nil)
			r := start(t, session, &login.Options{Browser: b.open, Timeout: time.Hour})
			r.output.waitFor(t, "is asked again", 1)
			test.end(r, session)
			if err := r.wait().err; !errors.Is(err, test.want) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestAClosedSessionEndsTheLoginAtOnce(t *testing.T) {
	surroundings(t, nil)
	tty, _ := terminal(t)
	for name, begin := range map[string]func(context.Context, spotipie.Session, *login.Options) (*spotipie.Token, error){
		"Authorize": login.Authorize, "Prompt": login.Prompt,
	} {
		t.Run(name, func(t *testing.T) {
			session, out, done := newSession(t, newServer(t, nil), nil), newOutput(), make(chan error, 1)
			go func() {
				_, err := begin(t.Context(), session, &login.Options{NoBrowser: true, Input: tty, Output: out, Timeout: time.Hour})
				done <- err
			}()
			out.authorizationURL(t, 1)
			if err := session.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-done:
				if !errors.Is(err, spotipie.ErrClosed) || !strings.Contains(err.Error(), "login: ") {
					t.Errorf("error %v", err)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("the login goes on")
			}
		})
	}
	t.Run("closed before", func(t *testing.T) {
		session := newSession(t, newServer(t, nil), nil)
		if err := session.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, force := range []bool{false, true} {
			opts := quiet(t)
			opts.ForceDialog = force
			if _, err := login.Authorize(t.Context(), session, opts); !errors.Is(err, spotipie.ErrClosed) {
				t.Errorf("error %v", err)
			}
		}
	})
}

// TestATimeoutAboveAnHourKeepsTheStateThatLong checks this because a session forgets a state
// after an hour by default.
func TestATimeoutAboveAnHourKeepsTheStateThatLong(t *testing.T) {
	surroundings(t, nil)
	for _, legacy := range []bool{false, true} {
		server := newServer(t, &accounts.Options{AutoApprove: true, Legacy: legacy})
		var session spotipie.Session = newSession(t, server, nil)
		if legacy {
			session = newImplicitSession(t, server)
		}
		r := start(t, session, &login.Options{Timeout: 3 * time.Hour})
		address := r.address()
		server.Advance(2*time.Hour + 59*time.Minute)
		if _, err := newBrowser(t).get(address); err != nil {
			t.Fatal(err)
		}
		r.token()
	}
	r := start(t, newSession(t, newServer(t, nil), nil), &login.Options{Timeout: 1<<63 - 1})
	r.address()
	r.cancel()
	if err := r.wait().err; !errors.Is(err, context.Canceled) {
		t.Errorf("the longest timeout there is: %v", err)
	}
}

func TestScopesThatSpotifyDoesNotKnowAreWarnedOf(t *testing.T) {
	surroundings(t, nil)
	for asked, want := range map[string]string{
		"user-libary-read user-read-email":                 "Spotify is not known to have the scope user-libary-read",
		"user-libary-read\x20playlists user-library-read ": "Spotify is not known to have the scopes playlists, user-libary-read",
		"user-library-read":                                "",
	} {
		session := newSession(t, newServer(t, nil), func(_ *spotipie.Credentials, o *spotipie.Options) {
			o.Scope = spotipie.ParseScopes(asked)
		})
		r := start(t, session, nil)
		r.address()
		r.cancel()
		r.wait()
		text := strings.Join(strings.Fields(r.output.String()), " ")
		if warned := strings.Contains(text, "not known to have"); warned != (want != "") || !strings.Contains(text, want) {
			t.Errorf("%q: printed %s", asked, text)
		}
	}
}

// TestAUserWhoGrantsLessIsTold checks also that the token is kept.
func TestAUserWhoGrantsLessIsTold(t *testing.T) {
	surroundings(t, nil)
	server, store, b := newServer(t, nil), spotipie.NewMemoryStore(), newBrowser(t)
	stored := func(_ *spotipie.Credentials, o *spotipie.Options) {
		o.Store, o.Profile = store, "ada"
		o.Scope = spotipie.Scopes{spotipie.ScopeUserReadEmail, spotipie.ScopeUserLibraryRead, spotipie.ScopeUserTopRead}
	}
	less := func(address string) error {
		u, err := url.Parse(address)
		if err != nil {
			return err
		}
		query := u.Query()
		query.Set("scope", "user-read-email")
		u.RawQuery = query.Encode()
		return b.open(u.String())
	}
	r := start(t, newSession(t, server, stored), &login.Options{Browser: less})
	o := r.wait()
	if e := expectError[*spotipie.InsufficientScopeError](t, o.err); o.token == nil || e.Missing.String() != "user-library-read user-top-read" {
		t.Errorf("token %v, error %v", o.token, o.err)
	}
	text := strings.Join(strings.Fields(r.output.String()), " ")
	if want := "Signed in as Ada. Not granted: user-library-read, user-top-read."; !strings.Contains(text, want) {
		t.Errorf("printed %s", text)
	}
	p := b.shown()
	for _, want := range []string{"Hello, <bdi>Ada</bdi>", "user-library-read", "user-top-read"} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page lacks %q: %s", want, p.body)
		}
	}
	if token, err := newSession(t, server, stored).Load(t.Context()); err != nil || !token.Equal(o.token) {
		t.Errorf("the store has %v, %v", token, err)
	}
}

// TestTheGreetingComesFromTheSession checks that login asks the session who the user is, and
// does not read the profile itself.
func TestTheGreetingComesFromTheSession(t *testing.T) {
	surroundings(t, nil)
	for name, test := range map[string]struct{ profile, want string }{
		"a name":     {`{"id": "ada", "display_name": "Ada"}`, "Signed in as Ada."},
		"an id only": {`{"id": "ada"}`, "Signed in as ada."},
		"nobody":     {`{"display_name": "Mallory"}`, "Signed in.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			server, b := newServer(t, nil), newBrowser(t)
			err := server.QueueFault(accounts.Fault{
				Target: accounts.TargetAPI, Kind: accounts.FaultRespond, Status: http.StatusOK,
				Header: http.Header{"Content-Type": {"application/json"}}, Body: test.profile,
			})
			if err != nil {
				t.Fatal(err)
			}
			r := start(t, newSession(t, server, nil), &login.Options{Browser: b.open})
			r.token()
			if text := r.output.String(); !strings.Contains(text, test.want) {
				t.Errorf("printed %s", text)
			}
		})
	}
}
