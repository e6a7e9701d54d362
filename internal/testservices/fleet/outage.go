package fleet

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// patience is how long the tests wait for something that must happen.
const patience = 40 * time.Second

// Outage is a store whose server can be made to fail.
type Outage struct {
	// StoreName is the name that errors must contain.
	StoreName string
	// Begin makes the server fail, and End makes it work again. Both may be
	// called more than once.
	Begin, End func()
}

// TestOutage makes a store fail twice: once while the token is valid, and once in
// the middle of a refresh. The session must serve valid tokens all the time, its
// errors must name the store, and it must save an unsaved token when the store
// works again.
func (f *Fleet) TestOutage(t *testing.T, o Outage) {
	t.Helper()
	defer o.End()
	w := &outageWatch{}
	session := f.outageSession(t, w)
	old := mustToken(t, session)

	o.Begin()
	f.Server.Advance(57 * time.Minute) // time to renew in the background
	for w.error(o.StoreName) == nil {
		if !mustToken(t, session).Equal(old) {
			t.Fatal("another token than the valid one")
		}
		w.pause(t)
	}
	o.End()

	w.reset(o.Begin)
	f.Server.Advance(2 * time.Hour)
	fresh := f.eventually(t, session, func(token *spotipie.Token) bool { return !token.Equal(old) })
	for w.error(o.StoreName) == nil {
		w.pause(t)
	}
	if !mustToken(t, session).Equal(fresh) {
		t.Error("the token that could not be saved is not used")
	}
	o.End()
	f.eventually(t, session, func(*spotipie.Token) bool {
		rec, found, err := f.Store.Load(t.Context(), f.Config.key())
		return err == nil && found && digest(rec.Token) == digest(fresh)
	})
	if n := f.Server.Stats().TokenRequests.RefreshToken; n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
	if err := session.Close(t.Context()); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// outageSession returns a session that reports to w. At the next token request it
// calls the function in w, once.
func (f *Fleet) outageSession(t *testing.T, w *outageWatch) *spotipie.AuthorizationCodeSession {
	t.Helper()
	w.deadline = time.Now().Add(patience)
	opts := f.Server.Options()
	opts.Scope, opts.Store, opts.Profile = nil, f.Store, profile
	opts.RefreshTimeout = 2 * time.Second
	opts.OnError = w.hear
	opts.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
		w.asked()
		return f.Server.Transport().RoundTrip(req)
	})
	session, err := spotipie.NewAuthorizationCodeSession(f.Server.Credentials(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return session
}

// eventually moves the clock on and asks for the token, until the condition holds.
func (f *Fleet) eventually(t *testing.T, session spotipie.Session, holds func(*spotipie.Token) bool) *spotipie.Token {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var token *spotipie.Token
		if token, err = session.Token(t.Context()); err == nil && holds(token) {
			return token
		}
		f.Server.Advance(time.Second)
	}
	t.Fatalf("the token is not as expected after %s; the last error is %v", patience, err)
	return nil
}

func mustToken(t *testing.T, session spotipie.Session) *spotipie.Token {
	t.Helper()
	start := time.Now()
	token, err := session.Token(t.Context())
	if err != nil {
		t.Fatalf("Token: %v", err)
	}
	if waited := time.Since(start); waited > time.Second {
		t.Errorf("Token took %s, but there is a valid token", waited)
	}
	return token
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// outageWatch collects what a session reports.
type outageWatch struct {
	deadline time.Time

	mu     sync.Mutex
	errors []error
	onAsk  func()
}

func (w *outageWatch) hear(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errors = append(w.errors, err)
}

func (w *outageWatch) reset(onAsk func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errors, w.onAsk = nil, onAsk
}

func (w *outageWatch) asked() {
	w.mu.Lock()
	onAsk := w.onAsk
	w.onAsk = nil
	w.mu.Unlock()
	if onAsk != nil {
		onAsk()
	}
}

// error returns the first error that is a StoreError and names the store.
func (w *outageWatch) error(storeName string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, err := range w.errors {
		var storeErr *spotipie.StoreError
		if errors.As(err, &storeErr) && strings.Contains(err.Error(), storeName) {
			return err
		}
	}
	return nil
}

func (w *outageWatch) pause(t *testing.T) {
	t.Helper()
	if time.Now().After(w.deadline) {
		t.Fatalf("no error of the store; got %v", w.errors)
	}
	time.Sleep(10 * time.Millisecond)
}
