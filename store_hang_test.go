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

// newTokens are the ways in which a session gets a token to keep. Each ends with A1 and
// R1.
var newTokens = map[string]func(context.Context, *spotipie.AuthorizationCodeSession) error{
	"a renewal": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
		_, err := s.RefreshToken(ctx)
		return err
	},
	"a login": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
		_, state, err := s.AuthorizationURL(nil)
		if err == nil {
			_, err = s.FetchTokenGivenCode(ctx, "code", state)
		}
		return err
	},
	"a token that is set": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
		return s.SetToken(ctx, tokenOf("A1", "R1", time.Hour))
	},
}

// readers are the ways in which a session reads the store although no caller waits.
var readers = map[string]func(context.Context, *spotipie.AuthorizationCodeSession){
	"Load":  func(ctx context.Context, s *spotipie.AuthorizationCodeSession) { _, _ = s.Load(ctx) },
	"Watch": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) { _ = s.Watch(ctx) },
}

// TestHangingReadTakesNothingFromANewToken lets a read hang for longer than a save may
// take. It must neither delay later calls nor replace the newer token with the older
// record that it has read.
func TestHangingReadTakesNothingFromANewToken(t *testing.T) {
	for reader, read := range readers {
		for name, get := range newTokens {
			for _, looked := range []bool{false, true} {
				when := "before it has looked"
				if looked {
					when = "after it has looked"
				}
				t.Run(name+" while "+reader+" hangs "+when, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						store, spotify := newHookedStore(), &services{}
						s := offline(t, spotify, store, nil)
						set(t, s, time.Hour)
						change(t, store, func(*spotipie.Record) {}) // another process saves the same record again
						var hung atomic.Bool
						hang := func() {
							if !hung.Swap(true) {
								time.Sleep(30 * time.Second)
							}
						}
						if looked {
							store.loaded.set(hang)
						} else {
							store.load.set(func(context.Context) error { hang(); return nil })
						}
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						go read(ctx, s)
						time.Sleep(time.Second)

						started := time.Now()
						if err := get(t.Context(), s); err != nil {
							t.Errorf("got error %v", err)
						}
						if waited := time.Since(started); waited > time.Second {
							t.Errorf("it took %s", waited)
						}
						expectTokens(t, s, store, "A1", "R1")
						time.Sleep(time.Minute)
						expectTokens(t, s, store, "A1", "R1")
					})
				})
			}
		}
	}
}

// TestReadThatHangsDuringARequestTakesNothingFromTheAnswer begins the read while a token
// request runs.
func TestReadThatHangsDuringARequestTakesNothingFromTheAnswer(t *testing.T) {
	for reader, read := range readers {
		for name, get := range newTokens {
			if name == "a token that is set" {
				continue
			}
			t.Run(name+", "+reader, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store, spotify := newHookedStore(), &services{}
					s := offline(t, spotify, store, nil)
					set(t, s, time.Hour)
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					spotify.before = func(int) {
						change(t, store, func(*spotipie.Record) {})
						store.load.set(once(func() { time.Sleep(30 * time.Second) }))
						go read(ctx, s)
						time.Sleep(100 * time.Millisecond)
					}
					started := time.Now()
					if err := get(t.Context(), s); err != nil {
						t.Errorf("got error %v", err)
					}
					if waited := time.Since(started); waited > time.Second {
						t.Errorf("it took %s", waited)
					}
					time.Sleep(time.Minute)
					expectTokens(t, s, store, "A1", "R1")
					token(t, s)
					expectTokens(t, s, store, "A1", "R1")
				})
			})
		}
	}
}

// TestLoginDuringTheLookForATokenIsSavedFirst checks that a caller for whom the session
// reads the store gets no token of a login that comes meanwhile before it is saved.
func TestLoginDuringTheLookForATokenIsSavedFirst(t *testing.T) {
	for name, call := range renewingCalls() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newHookedStore()
				s := offline(t, &services{}, store, nil)
				store.swap.set(func(context.Context) error { time.Sleep(time.Second); return nil })
				store.load.set(once(func() {
					go func() { _ = s.SetToken(context.Background(), tokenOf("A0", "R0", time.Hour)) }()
					time.Sleep(time.Millisecond)
				}))
				if tok, err := call(t.Context(), s); err != nil || tok.AccessToken() != "A0" {
					t.Errorf("got %s, %v", tokenNames(tok), err)
				}
				expectTokens(t, s, store, "A0", "R0")
				time.Sleep(time.Minute) // until it is saved in any case
			})
		})
	}
}

// TestLoginDuringASlowSave signs the user in while a renewal is being saved. The renewal
// must not replace the login.
func TestLoginDuringASlowSave(t *testing.T) {
	for name, takes := range map[string]time.Duration{
		"in time":       5 * time.Second,
		"past its time": 30 * time.Second,
	} {
		for _, saved := range []bool{false, true} {
			when := " before it is saved"
			if saved {
				when = " after it is saved"
			}
			t.Run(name+when, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store, spotify := newHookedStore(), &services{}
					s := offline(t, spotify, store, nil)
					set(t, s, time.Hour)
					slow := once(func() { time.Sleep(takes) })
					if saved {
						store.swapped.set(func(spotipie.Record) { _ = slow(t.Context()) })
					} else {
						store.swap.set(slow)
					}
					go func() { _, _ = s.RefreshToken(context.Background()) }()
					time.Sleep(time.Second)
					tok, err := login(t, s)
					if tok == nil || tok.AccessToken() != "A2" {
						t.Errorf("the login: %s, %v", tokenNames(tok), err)
					}
					expectTokens(t, s, nil, "A2", "R2")
					time.Sleep(time.Minute)
					expectTokens(t, s, store, "A2", "R2")
				})
			})
		}
	}
}

// TestCloseDoesNotWaitForALoad checks this for a session that has nothing to save.
func TestCloseDoesNotWaitForALoad(t *testing.T) {
	for reader, read := range readers {
		t.Run(reader, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newHookedStore()
				s := offline(t, &services{}, store, nil)
				set(t, s, time.Hour)
				store.load.set(hangs)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go read(ctx, s)
				synctest.Wait()
				started := time.Now()
				if err := s.Close(t.Context()); err != nil || time.Since(started) != 0 {
					t.Errorf("Close took %s: %v", time.Since(started), err)
				}
			})
		})
	}
}

// TestTokenReadBackFromTheStoreIsNotNew uses a store that keeps microseconds; the clock
// counts nanoseconds.
func TestTokenReadBackFromTheStoreIsNotNew(t *testing.T) {
	for name, get := range newTokens {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newHookedStore()
				s := offline(t, &services{}, serializingStore{store}, nil)
				set(t, s, time.Hour)
				time.Sleep(1234567 * time.Nanosecond)
				if err := get(t.Context(), s); err != nil {
					t.Fatal(err)
				}
				held := s.CurrentToken()
				events := 0
				s.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error { events++; return nil })
				change(t, store, func(*spotipie.Record) {})
				tok, err := s.Load(t.Context())
				if err != nil || !tok.Equal(held) || events != 0 {
					t.Errorf("Load: the same token: %t, %d events, error %v", tok.Equal(held), events, err)
				}
			})
		})
	}
}

// TestDecisionsObeyTheirContext makes the store or a listener hang while a token is set or
// the user logs out. The caller must leave when its context ends, and the work must go on.
func TestDecisionsObeyTheirContext(t *testing.T) {
	for name, decide := range map[string]func(context.Context, *spotipie.AuthorizationCodeSession) error{
		"SetToken": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error {
			return s.SetToken(ctx, tokenOf("A1", "R1", time.Hour))
		},
		"Logout": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) error { return s.Logout(ctx) },
	} {
		for what, hang := range map[string]func(*spotipie.AuthorizationCodeSession, *hookedStore){
			"the store": func(_ *spotipie.AuthorizationCodeSession, store *hookedStore) {
				store.swap.set(hangs)
				store.remove.set(hangs)
			},
			"a listener": func(s *spotipie.AuthorizationCodeSession, _ *hookedStore) {
				s.OnTokenUpdated(func(ctx context.Context, _ spotipie.TokenUpdated) error { return hangs(ctx) })
				s.OnLoggedOut(func(ctx context.Context, _ spotipie.LoggedOut) error { return hangs(ctx) })
			},
		} {
			t.Run(name+", "+what+" hangs", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := newHookedStore()
					s := offline(t, &services{}, store, nil)
					set(t, s, time.Hour)
					hang(s, store)
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					started := time.Now()
					err := decide(ctx, s)
					if waited := time.Since(started); !errors.Is(err, context.DeadlineExceeded) || waited > 1100*time.Millisecond {
						t.Errorf("returned after %s: %v", waited, err)
					}
					store.swap.set(nil)
					store.remove.set(nil)
					time.Sleep(time.Minute)
					if name == "SetToken" {
						expectTokens(t, s, store, "A1", "R1")
					} else if _, found, _ := store.MemoryStore.Load(t.Context(), adaKey); found || s.IsAuthorized() {
						t.Error("still logged in")
					}
				})
			})
		}
	}
}
