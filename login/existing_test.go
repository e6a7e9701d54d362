package login_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/login"
)

// quiet returns options for a login that must not open a browser.
func quiet(t *testing.T) *login.Options {
	return &login.Options{Browser: noBrowser(t), Input: noTerminal(t), Output: newOutput(), Timeout: time.Second}
}

// loadFails is a store that cannot be read.
type loadFails struct {
	spotipie.Store
	err error
}

func (s loadFails) Load(context.Context, spotipie.Key) (spotipie.Record, bool, error) {
	return spotipie.Record{}, false, s.err
}

// TestTroubleBesideAGoodTokenIsReturnedWithIt protects users who have a token from being
// asked again.
func TestTroubleBesideAGoodTokenIsReturnedWithIt(t *testing.T) {
	surroundings(t, nil)
	server, store := newServer(t, nil), spotipie.NewMemoryStore()
	stored := func(_ *spotipie.Credentials, o *spotipie.Options) { o.Store, o.Profile = store, "ada" }
	server.Login(t, newSession(t, server, stored))
	boom := errors.New("boom")
	fails := func(context.Context, spotipie.TokenUpdated) error { return boom }

	t.Run("a listener fails on the stored token", func(t *testing.T) {
		session := newSession(t, server, stored)
		session.OnTokenUpdated(fails)
		token, err := login.Authorize(t.Context(), session, quiet(t))
		if expectError[*spotipie.ListenerError](t, err); token == nil {
			t.Error("no token")
		}
	})
	t.Run("a listener fails on the renewed token", func(t *testing.T) {
		session := newSession(t, server, nil)
		server.Login(t, session)
		session.OnTokenUpdated(fails)
		server.Advance(2 * time.Hour)
		token, err := login.Authorize(t.Context(), session, quiet(t))
		if token == nil {
			t.Errorf("no token, error %v", err)
		}
	})
	t.Run("the store fails, memory has a token", func(t *testing.T) {
		broken := &switchStore{Store: spotipie.NewMemoryStore()}
		session := newSession(t, server, func(_ *spotipie.Credentials, o *spotipie.Options) { o.Store, o.Profile = broken, "ada" })
		server.Login(t, session)
		broken.err = boom
		token, err := login.Authorize(t.Context(), session, quiet(t))
		if expectError[*spotipie.StoreError](t, err); token == nil || !errors.Is(err, boom) {
			t.Errorf("token %v, error %v", token, err)
		}
	})
	t.Run("the store fails, memory has nothing", func(t *testing.T) {
		session := newSession(t, server, func(_ *spotipie.Credentials, o *spotipie.Options) {
			o.Store, o.Profile = loadFails{store, boom}, "ada"
		})
		token, err := login.Authorize(t.Context(), session, quiet(t))
		if token != nil || !errors.Is(err, boom) {
			t.Errorf("token %v, error %v", token, err)
		}
	})
}

// switchStore fails once it has been told to.
type switchStore struct {
	spotipie.Store
	err error
}

func (s *switchStore) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	if s.err != nil {
		return spotipie.Record{}, false, s.err
	}
	return s.Store.Load(ctx, key)
}

// TestARecordThatTheStoreCannotReadIsToldAtOnce protects users from agreeing to a token
// that cannot be saved, because the store has a record of a newer version.
func TestARecordThatTheStoreCannotReadIsToldAtOnce(t *testing.T) {
	surroundings(t, nil)
	newer := &spotipie.RecordMismatchError{Reason: `the key has format "2"`}
	session := newSession(t, newServer(t, nil), func(_ *spotipie.Credentials, o *spotipie.Options) {
		o.Store, o.Profile = loadFails{spotipie.NewMemoryStore(), newer}, "ada"
	})
	_, err := login.Authorize(t.Context(), session, quiet(t))
	expectError[*spotipie.RecordMismatchError](t, err)
}

func TestAnExpiredTokenOfTheImplicitGrantNeedsTheUser(t *testing.T) {
	surroundings(t, nil)
	server, b := newServer(t, &accounts.Options{AutoApprove: true, Legacy: true}), newBrowser(t)
	session := newImplicitSession(t, server)
	opts := &login.Options{Browser: b.open, Input: noTerminal(t), Output: newOutput()}
	old, err := login.Authorize(t.Context(), session, opts)
	if err != nil {
		t.Fatal(err)
	}
	server.Advance(2 * time.Hour)
	token, err := login.Authorize(t.Context(), session, opts)
	if err != nil || token.Equal(old) {
		t.Errorf("token %v, error %v", token, err)
	}
}

// TestATokenThatGetsNarrowerWhenItIsRenewedNeedsTheUser has a listener of the app set the
// narrower token.
func TestATokenThatGetsNarrowerWhenItIsRenewedNeedsTheUser(t *testing.T) {
	surroundings(t, nil)
	server, b := newServer(t, nil), newBrowser(t)
	session := newSession(t, server, nil)
	server.Login(t, session)
	narrow := newSession(t, server, func(_ *spotipie.Credentials, o *spotipie.Options) {
		o.Scope = spotipie.Scopes{spotipie.ScopeUserReadEmail}
	})
	server.Advance(2 * time.Hour)
	server.Login(t, narrow)
	session.OnTokenExpired(func(ctx context.Context, _ spotipie.TokenExpired) error {
		return session.SetToken(ctx, narrow.CurrentToken())
	})
	token, err := login.Authorize(t.Context(), session, &login.Options{Browser: b.open, Input: noTerminal(t), Output: newOutput()})
	if err != nil {
		t.Fatal(err)
	}
	if missing := token.Scope().Missing(spotipie.AllScopes()); len(missing) > 0 {
		t.Errorf("the token lacks %v", missing)
	}
}

// TestLookingForATokenLeavesOtherLoginsAlone protects the unfinished logins of a web
// server's users. A session remembers only the latest hundred.
func TestLookingForATokenLeavesOtherLoginsAlone(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	session := newSession(t, server, nil)
	server.Login(t, session)
	address := mustURL(t, session)
	for range 101 {
		if _, err := login.Authorize(t.Context(), session, quiet(t)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := session.FetchToken(t.Context(), server.Consent(t, address)); err != nil {
		t.Error(err)
	}
}

// TestAServiceWithoutTheImplicitGrantIsToldBeforeABrowserOpens protects from waiting for
// an answer that the service shows only in the browser.
func TestAServiceWithoutTheImplicitGrantIsToldBeforeABrowserOpens(t *testing.T) {
	surroundings(t, nil)
	session := newImplicitSession(t, newServer(t, nil))
	_, err := login.Authorize(t.Context(), session, quiet(t))
	expectError[*spotipie.AuthorizationError](t, err)
	tty, _ := terminal(t)
	_, err = login.Prompt(t.Context(), session, &login.Options{Input: tty, Output: newOutput(), Timeout: time.Second})
	expectError[*spotipie.AuthorizationError](t, err)
}
