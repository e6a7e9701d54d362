package spotipie_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
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
