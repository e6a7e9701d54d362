package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// fallbacks are states of a store that has fallen back. Each lacks the newest token, A1
// with R1, for which R0 was used up.
var fallbacks = map[string]func(beforeLogin, beforeRenewal contents) contents{
	"to the record before the renewal": func(_, beforeRenewal contents) contents { return beforeRenewal },
	"to an older deletion":             func(beforeLogin, _ contents) contents { return beforeLogin },
	"to nothing":                       func(_, _ contents) contents { return contents{} },
}

// fallBackSession returns a session with A1 and R1, its store, and a function that
// restores an earlier state of the store.
func fallBackSession(t *testing.T, spotify *services, fallback func(beforeLogin, beforeRenewal contents) contents, change func(*spotipie.Options)) (*spotipie.AuthorizationCodeSession, *restorableStore, func()) {
	t.Helper()
	store := newRestorableStore()
	s := offline(t, spotify, store, change)
	_ = store.Delete(t.Context(), adaKey)
	beforeLogin := store.contents()
	time.Sleep(time.Minute)
	set(t, s, time.Hour)
	beforeRenewal := store.contents()
	time.Sleep(time.Minute)
	if _, err := s.RefreshToken(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, store, func() { store.restore(fallback(beforeLogin, beforeRenewal)) }
}

func expectStored(t *testing.T, store *restorableStore, access, refresh string) {
	t.Helper()
	if tok := store.contents().rec.Token; tok == nil || tok.AccessToken() != access || tok.RefreshToken() != refresh {
		t.Errorf("the store has %s, want %s and %s", tokenNames(tok), access, refresh)
	}
}

// TestStoreThatFallsBackCostsNoToken checks that the session keeps its token and saves
// it again.
func TestStoreThatFallsBackCostsNoToken(t *testing.T) {
	type session = *spotipie.AuthorizationCodeSession
	tokens := func(n int) func(*testing.T, session) {
		return func(t *testing.T, s session) { expectTokens(t, s, nil, fmt.Sprint("A", n), fmt.Sprint("R", n)) }
	}
	for name, fallback := range fallbacks {
		for noticed, test := range map[string]struct {
			by   func(*testing.T, session)
			then func(*testing.T, session)
			n    int // of the newest token
		}{
			"by Load":         {meetings["Load"], tokens(1), 1},
			"by Watch":        {meetings["Watch"], tokens(1), 1},
			"by RefreshToken": {meetings["RefreshToken"], tokens(2), 2},
			"by Token": {func(t *testing.T, s session) {
				time.Sleep(2 * time.Hour)
				token(t, s)
			}, tokens(2), 2},
			"in the background": {func(t *testing.T, s session) {
				time.Sleep(57 * time.Minute)
				token(t, s)
			}, tokens(2), 2},
			"by Load, long expired": {func(t *testing.T, s session) {
				time.Sleep(48 * time.Hour)
				meetings["Load"](t, s)
			}, tokens(1), 1},
		} {
			t.Run(name+", noticed "+noticed, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					spotify := &services{}
					spotify.singleUse(0)
					s, store, fallBack := fallBackSession(t, spotify, fallback, nil)
					fallBack()
					test.by(t, s)
					time.Sleep(time.Second)
					test.then(t, s)
					expectStored(t, store, fmt.Sprint("A", test.n), fmt.Sprint("R", test.n))
					time.Sleep(2 * time.Hour)
					token(t, s) // and the refresh token works
				})
			})
		}
	}
}

// TestStoreThatFallsBackDuringARenewal checks that a token that was just issued is not
// lost either.
func TestStoreThatFallsBackDuringARenewal(t *testing.T) {
	for name, fallback := range fallbacks {
		for when, at := range map[string]func(*services, *restorableStore, func()){
			"while the token is asked for": func(spotify *services, _ *restorableStore, fallBack func()) {
				spotify.before = func(int) { fallBack() }
			},
			"while it is saved": func(_ *services, store *restorableStore, fallBack func()) {
				first := once(fallBack)
				store.swapping.set(func() { _ = first(context.Background()) })
			},
		} {
			t.Run(name+" "+when, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					spotify := &services{}
					spotify.singleUse(0)
					s, store, fallBack := fallBackSession(t, spotify, fallback, nil)
					time.Sleep(2 * time.Hour)
					at(spotify, store, fallBack)
					token(t, s)
					time.Sleep(time.Second)
					expectTokens(t, s, nil, "A2", "R2")
					expectStored(t, store, "A2", "R2")
				})
			})
		}
	}
}

// TestVersionsGoOnAfterAFallback checks that the next save has a higher version than any
// before, so that other processes know that it is newer.
func TestVersionsGoOnAfterAFallback(t *testing.T) {
	for name, fallback := range fallbacks {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store, fallBack := fallBackSession(t, &services{}, fallback, nil)
				before := store.contents().rec.Version
				fallBack()
				meetings["Load"](t, s)
				time.Sleep(time.Second)
				if after := store.contents().rec.Version; after <= before {
					t.Errorf("version %d follows %d", after, before)
				}
			})
		})
	}
}

// TestDeletionIsALogout checks this for every way in which a session learns of the
// deletion.
func TestDeletionIsALogout(t *testing.T) {
	for name, learn := range meetings {
		if name == "RefreshToken" || name == "Close" {
			continue
		}
		for _, fallenBack := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, after a fallback %t", name, fallenBack), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, store, fallBack := fallBackSession(t, &services{}, fallbacks["to the record before the renewal"], nil)
					if fallenBack {
						fallBack()
						meetings["Load"](t, s)
						time.Sleep(time.Second)
					}
					if err := store.Delete(t.Context(), adaKey); err != nil {
						t.Fatal(err)
					}
					learn(t, s)
					time.Sleep(time.Minute)
					if s.IsAuthorized() || store.contents().found {
						t.Errorf("authorized: %t, record found: %t", s.IsAuthorized(), store.contents().found)
					}
				})
			})
		}
	}
}

// TestOlderConsentDoesNotComeBack lets a store lose the newer of two logins. A process
// that knows only the older one renews it. That record has the highest version, but it
// is still the older login.
func TestOlderConsentDoesNotComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newRestorableStore(), &services{}
		older, newer := offline(t, spotify, store, nil), offline(t, spotify, store, nil)
		if _, err := login(t, older); err != nil { // A1
			t.Fatal(err)
		}
		before := store.contents()
		time.Sleep(time.Minute)
		if _, err := login(t, newer); err != nil { // A2
			t.Fatal(err)
		}
		store.restore(before)
		time.Sleep(time.Minute)
		if _, err := older.RefreshToken(t.Context()); err != nil { // A3
			t.Fatal(err)
		}
		meetings["Load"](t, newer)
		time.Sleep(time.Second)
		expectTokens(t, newer, nil, "A2", "R2")
		expectStored(t, store, "A2", "R2")
		meetings["Load"](t, older)
		expectTokens(t, older, nil, "A2", "R2")
	})
}

// TestFallbackIsTold checks that a fallback is observed once.
func TestFallbackIsTold(t *testing.T) {
	for name, fallback := range fallbacks {
		for noticed, notice := range map[string]func(*testing.T, *spotipie.AuthorizationCodeSession, *restorableStore, func()){
			"by Load": func(t *testing.T, s *spotipie.AuthorizationCodeSession, _ *restorableStore, fallBack func()) {
				fallBack()
				meetings["Load"](t, s)
			},
			"while a token is saved": func(t *testing.T, s *spotipie.AuthorizationCodeSession, store *restorableStore, fallBack func()) {
				first := once(fallBack)
				store.swapping.set(func() { _ = first(context.Background()) })
				meetings["RefreshToken"](t, s)
			},
		} {
			t.Run(name+", noticed "+noticed, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var told observations
					s, store, fallBack := fallBackSession(t, &services{}, fallback, func(o *spotipie.Options) { o.Observe = told.add })
					if n := len(told.take(spotipie.ObservedFallback)); n != 0 {
						t.Errorf("told %d times before", n)
					}
					notice(t, s, store, fallBack)
					time.Sleep(time.Minute)
					meetings["Load"](t, s)
					if n := len(told.take(spotipie.ObservedFallback)); n != 1 {
						t.Errorf("told %d times, want once", n)
					}
				})
			})
		}
	}
}

// TestSlowReadIsNoFallback checks that a read that began before a newer token was saved
// does not count as a fallback.
func TestSlowReadIsNoFallback(t *testing.T) {
	for name, get := range newTokens {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told observations
				store := newHookedStore()
				s := offline(t, &services{}, store, func(o *spotipie.Options) { o.Observe = told.add })
				set(t, s, time.Hour)
				slow := once(func() { time.Sleep(time.Second) })
				store.loaded.set(func() { _ = slow(t.Context()) })
				go func() { _, _ = s.Load(context.Background()) }()
				synctest.Wait()
				if err := get(t.Context(), s); err != nil {
					t.Fatal(err)
				}
				before, _, _ := store.MemoryStore.Load(t.Context(), adaKey)
				time.Sleep(time.Minute)
				after, _, _ := store.MemoryStore.Load(t.Context(), adaKey)
				if n := len(told.take(spotipie.ObservedFallback)); n != 0 || after.Version != before.Version {
					t.Errorf("told %d times; saved again: %t", n, after.Version != before.Version)
				}
			})
		})
	}
}

// TestFallbackDuringASave lets the store lose a token again during a read that began
// before the token was saved.
func TestFallbackDuringASave(t *testing.T) {
	for name, fallback := range fallbacks {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store, fallBack := fallBackSession(t, &services{}, fallback, nil)
				lose := once(func() {
					if err := s.SetToken(t.Context(), tokenOf("A9", "R9", time.Hour)); err != nil {
						t.Errorf("SetToken: %v", err)
					}
					fallBack()
				})
				store.loading.set(func() { _ = lose(t.Context()) })
				if _, err := s.Load(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				expectStored(t, store, "A9", "R9")
			})
		})
	}
}

// TestSlowSaveAfterAFallbackUndoesNothing lets a save wait in the store until the session
// has loaded something newer and the store has lost that. Then the save succeeds.
func TestSlowSaveAfterAFallbackUndoesNothing(t *testing.T) {
	for name, news := range map[string]struct {
		change  func(*testing.T, *restorableStore)
		access  string
		refresh string
	}{
		"a logout": {change: func(t *testing.T, store *restorableStore) {
			if err := store.Delete(t.Context(), adaKey); err != nil {
				t.Error(err)
			}
		}},
		"a login": {change: func(t *testing.T, store *restorableStore) {
			if err := offline(t, &services{}, store, nil).SetToken(t.Context(), tokenOf("B", "R-B", 24*time.Hour)); err != nil {
				t.Error(err)
			}
		}, access: "B", refresh: "R-B"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newRestorableStore(), &services{}
				s := offline(t, spotify, store, nil)
				set(t, s, time.Hour)
				before := store.contents()
				time.Sleep(time.Minute)
				first := once(func() {
					store.swapping.set(nil)
					news.change(t, store)
					meetings["Load"](t, s)
					store.restore(before)
					time.Sleep(time.Second)
				})
				store.swapping.set(func() { _ = first(t.Context()) })
				_, _ = s.RefreshToken(t.Context())
				time.Sleep(time.Minute)
				meetings["Load"](t, s)
				tok, saved := s.CurrentToken(), store.contents().rec.Token
				if news.access == "" {
					if tok != nil || saved != nil {
						t.Errorf("the session has %s and the store %s, want nothing", tokenNames(tok), tokenNames(saved))
					}
					return
				}
				expectTokens(t, s, nil, news.access, news.refresh)
				expectStored(t, store, news.access, news.refresh)
			})
		})
	}
}

// TestLogoutThatTheStoreHasLostIsSavedAgain lets the store fall back after a logout. A
// session that knows of the logout must delete again, or another that does not know of
// it would save its token again.
func TestLogoutThatTheStoreHasLostIsSavedAgain(t *testing.T) {
	for name := range fallbacks {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, store, fallBack := fallBackSession(t, &services{}, fallbacks[name], nil)
				b := offline(t, &services{}, store, nil)
				token(t, b)
				time.Sleep(time.Minute)
				if err := a.Logout(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				fallBack()
				meetings["Load"](t, a)
				time.Sleep(time.Second)
				meetings["Load"](t, b)
				time.Sleep(time.Second)
				meetings["Load"](t, a)
				if a.IsAuthorized() || b.IsAuthorized() || store.contents().found {
					t.Errorf("the user is signed in again: %s, %s, and in the store %s",
						tokenNames(a.CurrentToken()), tokenNames(b.CurrentToken()), tokenNames(store.contents().rec.Token))
				}
			})
		})
	}
}

// TestLogoutIsSavedAgainOnce lets a store fall back after a logout whose version came
// from a clock that was ahead. The new deletion has a lower version, and must do.
func TestLogoutIsSavedAgainOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newRestorableStore()
		s := offline(t, &services{}, store, nil)
		set(t, s, time.Hour)
		store.restore(contents{deleted: uint64(time.Now().Add(time.Hour).UnixMicro())})
		meetings["Load"](t, s)
		store.restore(contents{deleted: uint64(time.Now().Add(-time.Hour).UnixMicro())})
		deletions := 0
		store.deleting.set(func() { deletions++ })
		for range 5 {
			meetings["Load"](t, s)
			time.Sleep(time.Minute)
		}
		if deletions != 1 || s.IsAuthorized() {
			t.Errorf("%d deletions, want 1; signed in: %t", deletions, s.IsAuthorized())
		}
	})
}

// TestRefusalOutlivesAFallback lets another process, which does not know of a refusal,
// save the refused token again.
func TestRefusalOutlivesAFallback(t *testing.T) {
	saveAgain := func(rec *spotipie.Record) { rec.Rejected, rec.RejectedAt = "", time.Time{} }
	for _, when := range []string{"during the request", "after it"} {
		t.Run(when, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newHookedStore(), &services{}
				spotify.token = func(_ int, req *http.Request) (*http.Response, error) {
					if when == "during the request" {
						change(t, store, saveAgain)
					}
					return respond(req, http.StatusBadRequest, `{"error":"invalid_grant","error_description":"Refresh token revoked"}`), nil
				}
				s := offline(t, spotify, store, nil)
				set(t, s, time.Hour)
				time.Sleep(2 * time.Hour)
				for range 2 {
					if _, err := s.Token(t.Context()); !errors.Is(err, spotipie.ErrReauthorizationRequired) {
						t.Errorf("got error %v", err)
					}
					time.Sleep(time.Hour)
					if rec, _, _ := store.MemoryStore.Load(t.Context(), adaKey); rec.Rejected == "" {
						t.Error("the store does not have the refusal")
					}
					change(t, store, saveAgain)
					meetings["Load"](t, s)
				}
				expectRequests(t, spotify, 1)
			})
		})
	}
}
