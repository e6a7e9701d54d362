package spotipie_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

func tokenHangs(_ int, req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// TestRequestHasAllOfRefreshTimeoutAfterTheWaitForTheLock checks also that unlocking
// has its own time limit after the request.
func TestRequestHasAllOfRefreshTimeoutAfterTheWaitForTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{token: tokenHangs}
		s := offline(t, spotify, store, func(o *spotipie.Options) { o.RefreshTimeout = 3 * time.Second })
		set(t, s, time.Hour)
		time.Sleep(2 * time.Hour)
		store.lock.set(func(context.Context) error { time.Sleep(2 * time.Second); return nil })
		unlocked := 0
		store.unlock.set(func(ctx context.Context) error {
			unlocked++
			if _, limited := ctx.Deadline(); !limited {
				t.Error("unlocking has no limit")
			}
			return ctx.Err()
		})
		started := time.Now()
		if _, err := s.Token(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want a timeout", err)
		}
		if waited := time.Since(started); waited != 5*time.Second {
			t.Errorf("given up after %s, want the 2 s of the lock and the 3 s of the request", waited)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		unlock, err := store.MemoryStore.Lock(ctx, adaKey)
		if err != nil || unlocked != 1 {
			t.Fatalf("the lock was given back %d times; taking it: %v", unlocked, err)
		}
		_ = unlock(ctx)
		expectRequests(t, spotify, 1)
	})
}

func TestWaitForTheLockHasTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		s := offline(t, &services{}, store, func(o *spotipie.Options) { o.RefreshTimeout = 3 * time.Second })
		set(t, s, time.Hour)
		store.lock.set(hangs)
		started := time.Now()
		if _, err := s.RefreshToken(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want a timeout", err)
		}
		if waited := time.Since(started); waited != 3*time.Second {
			t.Errorf("given up after %s, want 3 s", waited)
		}
	})
}

// TestFailureIsRememberedForItsTokenOnly checks that another token gets its own attempt
// in the same second.
func TestFailureIsRememberedForItsTokenOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{token: statusOnce(http.StatusInternalServerError)}
		s := offline(t, spotify, nil, nil)
		set(t, s, time.Hour)
		time.Sleep(2 * time.Hour)
		for range 2 {
			if _, err := s.Token(t.Context()); err == nil {
				t.Error("no error in the second of the failure")
			}
		}
		expired, err := spotipie.NewToken(spotipie.TokenFields{
			AccessToken: "B0", RefreshToken: "RB", ExpiresIn: time.Hour, ExpiresAt: time.Now().Add(-time.Minute),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetToken(t.Context(), expired); err != nil {
			t.Fatal(err)
		}
		if tok, err := s.Token(t.Context()); err != nil || tok.AccessToken() != "A2" {
			t.Errorf("got %s, %v", tokenNames(tok), err)
		}
		expectRequests(t, spotify, 2)
	})
}

// TestSessionsStartedTogetherRenewApart checks that each session has its own early
// window, 5 minutes ± 20 %.
func TestSessionsStartedTogetherRenewApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 400
		spotify := &services{token: func(_ int, req *http.Request) (*http.Response, error) {
			return respond(req, http.StatusServiceUnavailable, ""), nil
		}}
		var sessions []*spotipie.AuthorizationCodeSession
		for range n {
			s := offline(t, spotify, nil, nil)
			if err := s.SetToken(t.Context(), withLife(t, time.Hour)); err != nil {
				t.Fatal(err)
			}
			sessions = append(sessions, s)
		}
		begun := func(left time.Duration) int {
			time.Sleep(time.Until(sessions[0].CurrentToken().ExpiresAt()) - left)
			before := spotify.requests()
			for _, s := range sessions {
				token(t, s)
			}
			synctest.Wait()
			return spotify.requests() - before
		}
		if got := begun(6*time.Minute + time.Second); got != 0 {
			t.Errorf("%d of %d renewals more than 6 minutes early", got, n)
		}
		// One in eight sessions begins in each 15 seconds. A failure delays a session,
		// so only the first attempts count.
		if got := begun(5*time.Minute + 45*time.Second); got < n/16 || got > n*3/16 {
			t.Errorf("%d of %d renewals in the first eighth of the window", got, n)
		}
	})
}

func withLife(t *testing.T, lifetime time.Duration) *spotipie.Token {
	t.Helper()
	tok, err := spotipie.NewToken(spotipie.TokenFields{
		AccessToken: "A0", RefreshToken: "R0", ExpiresIn: lifetime, ExpiresAt: time.Now().Add(lifetime),
	})
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// TestFailedRefreshOfAFreshTokenIsNotFollowedUp checks that the session does not try
// again before the token is due for renewal.
func TestFailedRefreshOfAFreshTokenIsNotFollowedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		spotify.token = statusOnce(http.StatusInternalServerError)
		s := offline(t, spotify, store, nil)
		old := set(t, s, time.Hour)
		if _, err := s.RefreshToken(t.Context()); err == nil {
			t.Error("no error")
		}
		locks := 0
		store.lock.set(func(context.Context) error { locks++; return nil })
		for range 50 {
			time.Sleep(time.Minute)
			if token(t, s) != old {
				t.Error("another token")
			}
			synctest.Wait()
		}
		if locks != 0 {
			t.Errorf("%d renewals were begun while the token was fresh", locks)
		}
		time.Sleep(7 * time.Minute)
		token(t, s)
		synctest.Wait()
		expectRequests(t, spotify, 2)
	})
}

func TestPauseAskedForWhileStaleIsKeptAtExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{token: statusOnce(http.StatusTooManyRequests, "Retry-After", "7200")}
		s := offline(t, spotify, nil, nil)
		set(t, s, time.Hour)
		time.Sleep(57 * time.Minute)
		token(t, s)
		synctest.Wait()
		until := time.Now().Add(2 * time.Hour)
		for time.Now().Before(until) {
			time.Sleep(4*time.Minute - time.Second)
			_, err := s.Token(t.Context())
			var answer *spotipie.TokenEndpointError
			if time.Now().Before(until) && (!errors.As(err, &answer) || answer.StatusCode != http.StatusTooManyRequests) {
				t.Fatalf("got error %v, want the 429", err)
			}
			if time.Now().Before(until) {
				expectRequests(t, spotify, 1)
			}
		}
		time.Sleep(2 * time.Second)
		if tok := token(t, s); tok.AccessToken() != "A2" {
			t.Errorf("after the pause got %s", tokenNames(tok))
		}
	})
}

func TestPauseDoesNotHideATokenThatAnotherProcessSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		spotify := &services{token: func(_ int, req *http.Request) (*http.Response, error) {
			return respond(req, http.StatusTooManyRequests, "", "Retry-After", "86400"), nil
		}}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		time.Sleep(2 * time.Hour)
		if _, err := s.Token(t.Context()); err == nil {
			t.Error("no error")
		}
		change(t, store, func(rec *spotipie.Record) { rec.Token = tokenOf("other", "R-other", 30*time.Hour) })
		time.Sleep(time.Second)
		if tok, err := s.Token(t.Context()); err != nil || tok.AccessToken() != "other" {
			t.Errorf("got %s, %v", tokenNames(tok), err)
		}
		expectRequests(t, spotify, 1)
	})
}

func TestEnablingAutoRefreshDoesNotPutOffSaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := unsavedRenewal(t, &services{})
		s.EnableAutoRefresh()
		time.Sleep(10 * time.Second)
		token(t, s)
		synctest.Wait()
		expectTokens(t, s, store, "A1", "R1")
	})
}

func TestRequestedScopeOfTheRecordIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		asked := spotipie.Scopes{spotipie.ScopeStreaming, spotipie.ScopeUserReadEmail}
		tok, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "A0", RefreshToken: "R0", ExpiresIn: time.Hour, Scope: asked})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.MemoryStore.Swap(t.Context(), adaKey, 0, spotipie.Record{Token: tok, ClientID: "id", RequestedScope: asked}); err != nil {
			t.Fatal(err)
		}
		s := offline(t, &services{}, store, func(o *spotipie.Options) { o.Scope = asked[1:] })
		for range 3 {
			if _, err := s.RefreshToken(t.Context()); err != nil {
				t.Fatal(err)
			}
			rec, _, _ := store.MemoryStore.Load(t.Context(), adaKey)
			if !rec.RequestedScope.Equal(asked) || !rec.Token.Scope().Equal(asked) {
				t.Errorf("requested scope %s, scope %s, want %s", rec.RequestedScope, rec.Token.Scope(), asked)
			}
		}
	})
}

func TestAppTokensAreNotHeldToAScope(t *testing.T) {
	store, spotify := newHookedStore(), &services{}
	rec := spotipie.Record{Token: tokenOf("A0", "", time.Hour), ClientID: "id"}
	if _, err := store.MemoryStore.Swap(t.Context(), adaKey, 0, rec); err != nil {
		t.Fatal(err)
	}
	s, err := spotipie.NewClientCredentialsSession(spotipie.Credentials{ClientID: "id", ClientSecret: "x"}, &spotipie.Options{
		Transport: spotify, Store: store, Profile: "ada", Scope: spotipie.Scopes{spotipie.ScopeStreaming},
	})
	if err != nil {
		t.Fatal(err)
	}
	if tok := token(t, s); tok.AccessToken() != "A0" {
		t.Errorf("got %s, want the stored token", tokenNames(tok))
	}
	expectRequests(t, spotify, 0)
}
