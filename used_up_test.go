package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// meetings are the ways in which a session finds what another process has saved.
var meetings = map[string]func(*testing.T, *spotipie.AuthorizationCodeSession){
	"Load": func(t *testing.T, s *spotipie.AuthorizationCodeSession) {
		if _, err := s.Load(t.Context()); err != nil {
			t.Errorf("Load: %v", err)
		}
	},
	"Watch": func(t *testing.T, s *spotipie.AuthorizationCodeSession) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = s.Watch(ctx)
	},
	"RefreshToken": func(t *testing.T, s *spotipie.AuthorizationCodeSession) {
		if _, err := s.RefreshToken(t.Context()); err != nil {
			t.Errorf("RefreshToken: %v", err)
		}
	},
	"Close": func(t *testing.T, s *spotipie.AuthorizationCodeSession) {
		if err := s.Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
	},
}

// TestUsedUpRefreshTokensAreNotTakenBack makes several renewals that cannot be saved. A
// record that another process saves with a used-up refresh token must not replace the
// latest token. Records of earlier versions have no consent number, so the number of
// their renewals does not tell which is newer.
func TestUsedUpRefreshTokensAreNotTakenBack(t *testing.T) {
	records := map[string]func(*spotipie.Record){
		"a record":                       func(*spotipie.Record) {},
		"a record of an earlier version": func(rec *spotipie.Record) { rec.Consent, rec.Renewals = 0, 0 },
	}
	for name, edit := range records {
		for _, renewals := range []int{1, 2, 3, 12} {
			for meeting, meet := range meetings {
				t.Run(fmt.Sprintf("%s, %d renewals, then %s", name, renewals, meeting), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						store, spotify := newHookedStore(), &services{}
						spotify.singleUse(0)
						s := offline(t, spotify, store, nil)
						set(t, s, time.Hour)
						change(t, store, edit)
						if _, err := s.Load(t.Context()); err != nil {
							t.Fatalf("Load: %v", err)
						}
						store.swap.set(fails)
						for range renewals {
							if _, err := s.RefreshToken(t.Context()); !errors.Is(err, errStore) {
								t.Fatalf("RefreshToken: %v, want the store's error", err)
							}
						}
						synctest.Wait() // until the latest attempt to save has ended
						store.swap.set(nil)
						change(t, store, func(*spotipie.Record) {}) // R0 once more
						meet(t, s)
						time.Sleep(time.Minute)
						want := max(renewals, spotify.requests()) // RefreshToken may have made one more
						expectTokens(t, s, store, fmt.Sprint("A", want), fmt.Sprint("R", want))
					})
				})
			}
		}
	}
}

// TestUsedUpRefreshTokenIsRememberedWhen lets other things happen to the session before
// its renewal is saved.
func TestUsedUpRefreshTokenIsRememberedWhen(t *testing.T) {
	for name, happens := range map[string]func(*testing.T, *spotipie.AuthorizationCodeSession, *clock){
		"the clock is set right": func(t *testing.T, s *spotipie.AuthorizationCodeSession, wall *clock) {
			wall.ahead(0)
			token(t, s)
		},
		"the clock is set right and Load looks": func(t *testing.T, s *spotipie.AuthorizationCodeSession, wall *clock) {
			wall.ahead(0)
			_, _ = s.Load(t.Context())
		},
		"the token is set once more": func(t *testing.T, s *spotipie.AuthorizationCodeSession, _ *clock) {
			_ = s.SetToken(t.Context(), s.CurrentToken())
		},
		"the token that was used up is set": func(t *testing.T, s *spotipie.AuthorizationCodeSession, _ *clock) {
			_ = s.SetToken(t.Context(), tokenOf("A0", "R0", time.Hour))
		},
		"it expires": func(*testing.T, *spotipie.AuthorizationCodeSession, *clock) { time.Sleep(3 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newHookedStore(), &services{}
				spotify.singleUse(0)
				var wall clock
				wall.ahead(2 * time.Hour)
				s := offline(t, spotify, store, func(o *spotipie.Options) { o.Now = wall.now })
				set(t, s, time.Hour)
				store.swap.set(fails)
				_, _ = s.RefreshToken(t.Context())
				happens(t, s, &wall)
				synctest.Wait()
				store.swap.set(nil)
				change(t, store, func(rec *spotipie.Record) { rec.Token = tokenOf("A0", "R0", time.Minute) })
				if _, err := s.Load(t.Context()); err != nil {
					t.Errorf("Load: %v", err)
				}
				time.Sleep(2 * time.Hour)
				token(t, s)
				synctest.Wait()
				n := spotify.requests()
				expectTokens(t, s, store, fmt.Sprint("A", n), fmt.Sprint("R", n))
			})
		})
	}
}

// TestRecordOfASiblingIsNotTakenBack shows a session two records with as many renewals:
// one answer kept the refresh token, and the other replaced it. When a process that
// knows only the first saves that again, the session must keep the second.
func TestRecordOfASiblingIsNotTakenBack(t *testing.T) {
	for _, meeting := range []string{"Load", "Watch"} {
		t.Run(meeting, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newHookedStore()
				s := offline(t, &services{}, store, nil)
				set(t, s, time.Hour)
				renewed := func(access, refresh string) func(*spotipie.Record) {
					return func(rec *spotipie.Record) { rec.Token, rec.Renewals = tokenOf(access, refresh, time.Hour), 1 }
				}
				for _, edit := range []func(*spotipie.Record){renewed("kept", "R0"), renewed("replaced", "R9"), renewed("kept", "R0")} {
					change(t, store, edit)
					meetings[meeting](t, s)
					time.Sleep(time.Second)
				}
				expectTokens(t, s, store, "replaced", "R9")
			})
		})
	}
}

// TestSessionsThatDisagreeAboutALoginComeToAnEnd lets a store lose a logout. One session
// then keeps an older login, because it has used up the refresh token of the newer one.
// Another session knows only that the login is newer. They must not save over each other
// without end.
func TestSessionsThatDisagreeAboutALoginComeToAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newRestorableStore(), &services{}
		spotify.singleUse(0)
		user := offline(t, spotify, store, nil)
		older, newer := offline(t, spotify, store, nil), offline(t, spotify, store, nil)
		login := func(access, refresh string, knows *spotipie.AuthorizationCodeSession) {
			time.Sleep(time.Minute)
			if err := user.SetToken(t.Context(), tokenOf(access, refresh, time.Hour)); err != nil {
				t.Fatal(err)
			}
			meetings["Load"](t, knows)
		}
		login("older", "R-older", older)
		login("newer", "R0", newer)
		meetings["RefreshToken"](t, user)
		if err := store.Delete(t.Context(), adaKey); err != nil {
			t.Fatal(err)
		}
		meetings["Load"](t, user)
		time.Sleep(time.Minute)
		store.restore(contents{})

		swaps := 0
		store.swapping.set(func() { swaps++ })
		for range 20 {
			for _, s := range []*spotipie.AuthorizationCodeSession{older, user, newer} {
				meetings["Load"](t, s)
				time.Sleep(time.Second)
			}
		}
		if swaps > 6 { // three saves, and as many that met another version first
			t.Errorf("the sessions tried to save %d times", swaps)
		}
		want := user.CurrentToken()
		for _, s := range []*spotipie.AuthorizationCodeSession{older, newer} {
			if tok := s.CurrentToken(); !tok.Equal(want) {
				t.Errorf("one session has %s, another %s", tokenNames(tok), tokenNames(want))
			}
		}
	})
}
