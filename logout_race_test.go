package spotipie_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// TestLoginOutlivesALogoutWhoseDeletionIsSlow lets another process save a login after
// the logout has read the store and before it deletes the record.
func TestLoginOutlivesALogoutWhoseDeletionIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		store.remove.set(fails)
		_ = s.Logout(t.Context()) // the store is down
		time.Sleep(time.Minute)
		other := offline(t, spotify, store, nil)
		begun := make(chan struct{})
		store.remove.set(func(context.Context) error { // the store works again but is slow
			store.remove.set(nil)
			close(begun)
			time.Sleep(2 * time.Second)
			return nil
		})
		<-begun
		if _, err := login(t, other); err != nil {
			t.Errorf("the login: %v", err)
		}
		time.Sleep(time.Minute)
		expectTokens(t, other, store, "A1", "R1")
	})
}

// TestTokenAfterALogoutDuringARenewal calls Token after a logout, while a listener still
// holds up the renewal that began before it.
func TestTokenAfterALogoutDuringARenewal(t *testing.T) {
	for name, get := range renewingCalls() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := offline(t, &services{}, spotipie.NewMemoryStore(), nil)
				release := make(chan struct{})
				set(t, s, time.Second)
				time.Sleep(time.Minute)
				s.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error {
					<-release
					return nil
				})
				go func() { _, _ = s.Token(t.Context()) }()
				synctest.Wait() // the listener is called
				go func() { _ = s.Logout(t.Context()) }()
				synctest.Wait()
				if tok := s.CurrentToken(); tok != nil {
					t.Fatalf("after the logout the session still has %s", tokenNames(tok))
				}
				time.AfterFunc(time.Second, func() { close(release) })
				if tok, err := get(t.Context(), s); tok != nil || !errors.Is(err, spotipie.ErrNotAuthorized) {
					t.Errorf("%s and %v after a logout, want ErrNotAuthorized", tokenNames(tok), err)
				}
			})
		})
	}
}

// TestExpiredTokenIsSetAfterALogoutDuringARenewal logs out during the request, and sets a
// token that must be renewed as the renewal ends.
func TestExpiredTokenIsSetAfterALogoutDuringARenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{}
		var s *spotipie.AuthorizationCodeSession
		var isSet atomic.Bool
		s = offline(t, spotify, newHookedStore(), func(o *spotipie.Options) {
			o.Observe = func(ctx context.Context, o spotipie.Observation) {
				if o.Kind == spotipie.ObservedRenewal && !isSet.Swap(true) {
					_ = s.SetToken(ctx, tokenOf("A9", "R9", 0))
				}
			}
		})
		set(t, s, time.Hour)
		time.Sleep(2 * time.Hour)
		spotify.before = func(n int) {
			if n == 1 {
				_ = s.Logout(t.Context())
			}
		}
		for range 2 {
			if tok, err := s.Token(t.Context()); err != nil || tok.AccessToken() != "A2" {
				t.Errorf("Token: %s, %v", tokenNames(tok), err)
			}
		}
	})
}
