package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// TestAnswerThatComesTooLateIsKept uses a RoundTripper that ignores its context. It
// returns the token when nobody waits for it any more.
func TestAnswerThatComesTooLateIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		spotify.before = func(int) { time.Sleep(20 * time.Second) }
		time.Sleep(2 * time.Hour)
		if _, err := s.Token(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want a timeout after 15 s", err)
		}
		time.Sleep(time.Minute)
		expectTokens(t, s, store, "A1", "R1")
		expectRequests(t, spotify, 1)
	})
}

// TestSavingIsTriedAgainByItself checks that the session tries again without any call
// after the store has failed.
func TestSavingIsTriedAgainByItself(t *testing.T) {
	for name, get := range newTokens {
		for method, fail := range map[string]func(*hookedStore, func(context.Context) error){
			"Load":          func(store *hookedStore, how func(context.Context) error) { store.load.set(how) },
			"Swap":          func(store *hookedStore, how func(context.Context) error) { store.swap.set(how) },
			"every call of": func(store *hookedStore, how func(context.Context) error) { store.load.set(how); store.swap.set(how) },
		} {
			for after, limit := range map[time.Duration]time.Duration{
				50 * time.Millisecond: time.Second,
				10 * time.Second:      15 * time.Second,
				24 * time.Hour:        15 * time.Second,
			} {
				t.Run(fmt.Sprintf("%s, %s the store fails for %s", name, method, after), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						store, spotify := newHookedStore(), &services{}
						s := offline(t, spotify, store, func(o *spotipie.Options) { o.EarlyRefresh = time.Millisecond })
						set(t, s, time.Hour)
						spotify.before = func(int) { fail(store, fails) }
						if name == "a token that is set" {
							fail(store, fails)
						}
						_ = get(t.Context(), s) // may not need a Load
						time.Sleep(after)
						fail(store, nil)
						time.Sleep(limit)
						expectTokens(t, s, store, "A1", "R1")
					})
				})
			}
		}
	}
}

// TestRefusalIsSavedByItself checks that the session saves a refusal without any call,
// so that no other process sends the same refresh token.
func TestRefusalIsSavedByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		spotify.token = func(_ int, req *http.Request) (*http.Response, error) {
			store.swap.set(fails)
			return respond(req, http.StatusBadRequest, `{"error":"invalid_grant","error_description":"Refresh token revoked"}`), nil
		}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		if _, err := s.RefreshToken(t.Context()); !errors.Is(err, spotipie.ErrReauthorizationRequired) {
			t.Errorf("RefreshToken: %v, want ErrReauthorizationRequired", err)
		}
		store.swap.set(nil)
		time.Sleep(time.Second)
		rec, _, err := store.MemoryStore.Load(t.Context(), adaKey)
		if err != nil || rec.Rejected != "Refresh token revoked" {
			t.Errorf("the store has %v, %v; want the refusal", rec, err)
		}
	})
}

// TestOneErrorDoesNotEndASave resets a connection during a save, before or after the
// store has saved. The session must try again.
func TestOneErrorDoesNotEndASave(t *testing.T) {
	for name, get := range newTokens {
		for when, done := range map[string]bool{"before the store has saved": false, "after the store has saved": true} {
			t.Run(name+", reset "+when, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store, spotify := newHookedStore(), &services{}
					var reported errorLog
					s := offline(t, spotify, &resettingStore{hookedStore: store, done: done}, func(o *spotipie.Options) { o.OnError = reported.add })
					if err := get(t.Context(), seed(t, s, store)); err != nil {
						t.Errorf("got error %v", err)
					}
					expectTokens(t, s, store, "A1", "R1")
					time.Sleep(time.Minute)
					expectTokens(t, s, store, "A1", "R1")
					if len(reported.all()) != 0 {
						t.Errorf("OnError heard %v", reported.all())
					}
				})
			})
		}
	}
}

// resettingStore fails in the first Swap, before or after it has saved.
type resettingStore struct {
	*hookedStore
	done  bool
	reset atomic.Bool
}

func (r *resettingStore) Swap(ctx context.Context, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	if r.reset.Swap(true) {
		return r.hookedStore.Swap(ctx, key, version, rec)
	}
	if r.done {
		_, _ = r.hookedStore.Swap(ctx, key, version, rec)
	}
	return 0, errors.New("connection reset by peer")
}

// seed saves A0 and R0 in the store and makes the session load them.
func seed(t *testing.T, s *spotipie.AuthorizationCodeSession, store *hookedStore) *spotipie.AuthorizationCodeSession {
	t.Helper()
	rec := spotipie.Record{ClientID: "id", Token: tokenOf("A0", "R0", time.Hour), AuthorizedAt: time.Now()}
	if _, err := store.MemoryStore.Swap(t.Context(), adaKey, 0, rec); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestStoreThatIsAwayForAMomentCostsNoLogin takes the store down when the token
// endpoint's answer arrives, so that both saving and unlocking fail. Two processes go on
// asking for tokens.
func TestStoreThatIsAwayForAMomentCostsNoLogin(t *testing.T) {
	for _, lease := range []time.Duration{3 * time.Second, 30 * time.Second} {
		for _, away := range []time.Duration{50 * time.Millisecond, 300 * time.Millisecond, 2 * time.Second} {
			t.Run(fmt.Sprintf("for %s, with leases of %s", away, lease), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store, spotify := newLeaseStore(lease), &services{}
					spotify.singleUse(100 * time.Millisecond)
					a, b := offline(t, spotify, store, nil), offline(t, spotify, store, nil)
					set(t, a, time.Hour)
					token(t, b)
					time.Sleep(2 * time.Hour)
					spotify.before = func(n int) {
						if n == 1 {
							time.AfterFunc(90*time.Millisecond, func() { store.goAway(away) })
						}
					}
					var wg sync.WaitGroup
					for _, s := range []*spotipie.AuthorizationCodeSession{a, b} {
						wg.Go(func() {
							for range 100 {
								_, err := s.Token(context.Background())
								if errors.Is(err, spotipie.ErrReauthorizationRequired) {
									t.Errorf("the authorization is lost: %v", err)
									return
								}
								time.Sleep(50 * time.Millisecond)
							}
						})
					}
					wg.Wait()
					time.Sleep(time.Minute)
					expectTokens(t, a, store.hookedStore, "A1", "R1")
					token(t, b)
					expectTokens(t, b, nil, "A1", "R1")
					expectRequests(t, spotify, 1)
				})
			})
		}
	}
}

// TestUnsavedTokenIsSavedWhoeverHoldsTheLock checks that a session saves without the
// lock. The version protects the record; the lock only avoids needless work.
func TestUnsavedTokenIsSavedWhoeverHoldsTheLock(t *testing.T) {
	for name, call := range map[string]func(context.Context, *spotipie.AuthorizationCodeSession){
		"nobody calls":                    func(context.Context, *spotipie.AuthorizationCodeSession) {},
		"Token is called":                 func(ctx context.Context, s *spotipie.AuthorizationCodeSession) { _, _ = s.Token(ctx) },
		"RefreshToken waits for the lock": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) { _, _ = s.RefreshToken(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := unsavedRenewal(t, &services{})
				unlock, err := store.MemoryStore.Lock(t.Context(), adaKey) // like another process
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = unlock(context.Background()) }()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				call(ctx, s)
				time.Sleep(2 * time.Second)
				expectTokens(t, s, store, "A1", "R1")
			})
		})
	}
}

// TestUnlockThatFailsIsTriedAgain checks that the session tries again to unlock, because
// others wait for the lock.
func TestUnlockThatFailsIsTriedAgain(t *testing.T) {
	for _, failures := range []int32{1, 2} {
		for how, fail := range map[string]func(context.Context) error{"fails": fails, "hangs": hangs} {
			t.Run(fmt.Sprintf("%s %d times", how, failures), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store, spotify := newHookedStore(), &services{}
					s := offline(t, spotify, store, nil)
					set(t, s, time.Hour)
					var tries atomic.Int32
					store.unlock.set(func(ctx context.Context) error {
						if tries.Add(1) <= failures {
							return fail(ctx)
						}
						return nil
					})
					started := time.Now()
					if _, err := s.RefreshToken(t.Context()); err != nil || time.Since(started) != 0 {
						t.Errorf("RefreshToken took %s: %v", time.Since(started), err)
					}
					unlock, err := store.MemoryStore.Lock(t.Context(), adaKey)
					if waited := time.Since(started); err != nil || waited > 15*time.Second {
						t.Errorf("the lock was free after %s: %v", waited, err)
					}
					if err := unlock(t.Context()); err != nil {
						t.Fatal(err)
					}
				})
			})
		}
	}
}

// TestUnlockThatHangsHoldsNobodyUp checks that callers wait only until the token is
// saved, not until the lock is unlocked.
func TestUnlockThatHangsHoldsNobodyUp(t *testing.T) {
	for name, ask := range renewingCalls() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newHookedStore(), &services{}
				s := offline(t, spotify, store, nil)
				set(t, s, time.Hour)
				store.unlock.set(hangs)
				time.Sleep(2 * time.Hour)
				started := time.Now()
				if tok, err := ask(t.Context(), s); err != nil || tok.AccessToken() != "A1" || time.Since(started) != 0 {
					t.Errorf("it took %s: %s, %v", time.Since(started), tokenNames(tok), err)
				}
				store.unlock.set(nil)
				time.Sleep(time.Minute) // until the lock is unlocked
			})
		})
	}
}

// TestCloseThatWaitsInVainGoesOnSaving lets a slow listener use up the time of Close. A
// token that could not be saved before must still be saved.
func TestCloseThatWaitsInVainGoesOnSaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := unsavedRenewal(t, &services{})
		s.OnTokenExpired(func(context.Context, spotipie.TokenExpired) error { time.Sleep(5 * time.Second); return nil })
		store.swap.set(fails)
		time.Sleep(2 * time.Hour)
		go func() { _, _ = s.Token(t.Context()) }()
		synctest.Wait()
		store.swap.set(nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: %v, want that of its context", err)
		}
		time.Sleep(time.Minute)
		expectTokens(t, s, store, "A1", "R1")
	})
}
