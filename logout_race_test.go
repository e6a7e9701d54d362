package spotipie_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestLoginOutlivesALogoutWhoseDeletionIsSlow: another process saves a login
// after the logout has looked into the store and before it deletes.
func TestLoginOutlivesALogoutWhoseDeletionIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		store.remove.set(fails)
		_ = s.Logout(t.Context()) // the store is away
		time.Sleep(time.Minute)
		other := offline(t, spotify, store, nil)
		begun := make(chan struct{})
		store.remove.set(func(context.Context) error { // it is back, and slow
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
