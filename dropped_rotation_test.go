package spotipie_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// A login set while R0 is being used up cannot be saved; the store must then not
// be left with R0: the next process would use it a second time.
func TestRotatedTokenIsSavedThoughALoginThatCouldNotBeSavedIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		spotify.before = func(int) {
			store.load = fails
			_ = s.SetToken(context.Background(), tokenOf("login", "R-login", time.Hour))
			store.load = nil
		}
		_, _ = s.RefreshToken(t.Context())
		rec, _, _ := store.MemoryStore.Load(t.Context(), adaKey)
		if rec.Token.RefreshToken() == "R0" {
			t.Error("the store still has R0, which is used up; R1 is dropped and R-login is not saved")
		}
		_ = spotipie.ErrClosed
	})
}
