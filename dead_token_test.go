package spotipie_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// TestDeadTokenFromTheStoreIsNotHandedOut checks that no caller gets an expired token
// from the store, even if the caller read the clock before the token was loaded.
func TestDeadTokenFromTheStoreIsNotHandedOut(t *testing.T) {
	for n := range int32(8) {
		t.Run(fmt.Sprint("the clock is read for the ", n+1, ". time"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newHookedStore(), &services{}
				set(t, offline(t, spotify, store, nil), time.Hour)
				time.Sleep(2 * time.Hour)
				var s *spotipie.AuthorizationCodeSession
				var reads atomic.Int32
				asked := false
				s = offline(t, spotify, store, func(o *spotipie.Options) {
					o.Now = func() time.Time {
						now := time.Now()
						if asked && reads.Add(1) == n+1 { // another goroutine is faster
							time.Sleep(time.Millisecond)
							if _, err := s.Load(t.Context()); err != nil {
								t.Errorf("Load: %v", err)
							}
						}
						return now
					}
				})
				asked = true
				if tok := token(t, s); tok.AccessToken() != "A1" {
					t.Errorf("Token: %s, which is dead", tokenNames(tok))
				}
			})
		})
	}
}
