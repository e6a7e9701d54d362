package spotipie_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

func TestUnsavedLoginIsNotLostToAnOlderRecordWhenItIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour) // an older login, saved
		store.load = fails
		if err := s.SetToken(t.Context(), tokenOf("login", "R-login", time.Hour)); err == nil {
			t.Fatal("no StoreError")
		}
		spotify.before = func(int) { store.load = nil } // the store is back while the token is renewed
		tok, err := s.RefreshToken(context.WithoutCancel(t.Context()))
		if tok == nil || tok.AccessToken() != "A1" {
			t.Errorf("RefreshToken: %s, %v", tokenNames(tok), err)
		}
		expectTokens(t, s, store, "A1", "R1") // of the login; now it holds A0 and R0
		_ = spotipie.ErrClosed
	})
}
