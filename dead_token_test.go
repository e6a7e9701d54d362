package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
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

// TestRenewalThatOutlivesItsToken lets each save take longer than the new token lasts.
// The user need not authorize again, so the error must not say so.
func TestRenewalThatOutlivesItsToken(t *testing.T) {
	saves := map[string]func(context.Context) error{
		"saves succeed": func(context.Context) error { time.Sleep(6 * time.Second); return nil },
		"saves fail":    func(context.Context) error { time.Sleep(6 * time.Second); return errStore },
	}
	shortLived := func(n int, req *http.Request) (*http.Response, error) {
		return respond(req, 200, strings.Replace(renewed(n), "3600", "5", 1)), nil
	}
	for save, swap := range saves {
		for name, call := range renewingCalls() {
			t.Run(name+", "+save, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store, spotify := newHookedStore(), &services{token: shortLived}
					s := offline(t, spotify, store, nil)
					set(t, s, time.Hour)
					time.Sleep(2 * time.Hour)
					store.swap.set(swap)
					tok, err := call(t.Context(), s)
					if tok != nil || err == nil || errors.Is(err, spotipie.ErrTokenExpired) {
						t.Errorf("got %s and error %v, want an error that does not ask for a login", tokenNames(tok), err)
					}
					if failed := (*spotipie.StoreError)(nil); errors.As(err, &failed) != (save == "saves fail") {
						t.Errorf("got error %v", err)
					}
					store.swap.set(nil)
					time.Sleep(time.Minute)
					token(t, s)
				})
			})
		}
	}
}
