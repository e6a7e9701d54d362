package spotipie_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// holdLock lets another process hold the lock for d.
func holdLock(t *testing.T, store *hookedStore, d time.Duration) {
	t.Helper()
	unlock, err := store.MemoryStore.Lock(t.Context(), adaKey)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		time.Sleep(d)
		_ = unlock(context.Background())
	}()
}

// TestRequestHasItsWholeTimeWheneverItBegins checks that a request has its full
// timeout or is not sent, however long the session waited for the lock: a request that
// is cut off has used up the refresh token.
func TestRequestHasItsWholeTimeWheneverItBegins(t *testing.T) {
	for name, wait := range map[string]time.Duration{
		"after no wait":          0,
		"after a short wait":     time.Second,
		"after almost 15 s":      14700 * time.Millisecond,
		"after the lease of 30s": 30 * time.Second,
		"after almost 45 s":      44990 * time.Millisecond,
		"after too long a wait":  46 * time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newHookedStore(), &services{}
				spotify.singleUse(10 * time.Second)
				answer := spotify.token
				spotify.token = func(n int, req *http.Request) (*http.Response, error) {
					if deadline, ok := req.Context().Deadline(); !ok || time.Until(deadline) != 15*time.Second {
						t.Errorf("the request has %s", time.Until(deadline))
					}
					return answer(n, req)
				}
				s := offline(t, spotify, store, nil)
				set(t, s, time.Hour)
				time.Sleep(2 * time.Hour)
				holdLock(t, store, wait)
				_, err := s.Token(t.Context())
				if tooLong := wait > 45*time.Second; (err != nil) != tooLong {
					t.Errorf("got error %v", err)
				}
				time.Sleep(time.Minute)
				token(t, s)
				expectTokens(t, s, store, "A1", "R1")
			})
		})
	}
}

// TestDeadHolderMakesNobodyFail checks that with the defaults the lease of a dead
// holder (30 s) ends before others stop waiting.
func TestDeadHolderMakesNobodyFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newLeaseStore(30*time.Second), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		time.Sleep(2 * time.Hour)
		if _, err := store.Lock(t.Context(), adaKey); err != nil { // the holder never unlocks
			t.Fatal(err)
		}
		token(t, s)
		expectRequests(t, spotify, 1)
	})
}

// TestSlowListenerHoldsUpNoOtherProcess checks that the token is in the store and the
// lock is free before the listeners are called.
func TestSlowListenerHoldsUpNoOtherProcess(t *testing.T) {
	for name, test := range map[string]struct {
		answer, after time.Duration
	}{
		"that asks afterwards": {0, 10 * time.Millisecond},
		"that waits already":   {300 * time.Millisecond, 10 * time.Millisecond},
	} {
		for listener, listen := range map[string]func(context.Context){
			"a listener that takes its time": func(context.Context) { time.Sleep(10 * time.Second) },
			"a listener that hangs":          func(ctx context.Context) { <-ctx.Done() },
		} {
			t.Run(listener+", and a process "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store, spotify := newHookedStore(), &services{}
					spotify.singleUse(test.answer)
					a, b := offline(t, spotify, store, nil), offline(t, spotify, store, nil)
					set(t, a, time.Hour)
					token(t, b)
					a.OnTokenUpdated(func(ctx context.Context, _ spotipie.TokenUpdated) error { listen(ctx); return nil })
					time.Sleep(2 * time.Hour)
					go func() { _, _ = a.Token(context.Background()) }()
					time.Sleep(test.after)
					started := time.Now()
					if tok := token(t, b); tok.AccessToken() != "A1" || time.Since(started) > time.Second {
						t.Errorf("after %s: %s", time.Since(started), tokenNames(tok))
					}
					expectRequests(t, spotify, 1)
					time.Sleep(time.Minute)
				})
			})
		}
	}
}

// TestNobodyFailsWhoseTokenIsInTheStore checks that a caller gets a token from the
// store even if nobody can get the lock.
func TestNobodyFailsWhoseTokenIsInTheStore(t *testing.T) {
	for name, lock := range map[string]func(context.Context) error{
		"the lock fails": fails,
		"the lock hangs": hangs,
		"the lock fails after a while": func(context.Context) error {
			time.Sleep(time.Second)
			return errStore
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newHookedStore(), &services{}
				s := offline(t, spotify, unwatched{store}, nil)
				set(t, s, time.Hour)
				time.Sleep(2 * time.Hour)
				store.lock.set(func(ctx context.Context) error {
					change(t, store, func(rec *spotipie.Record) { rec.Token = tokenOf("other", "R-other", time.Hour) })
					return lock(ctx)
				})
				if tok, err := s.Token(t.Context()); err != nil || tok.AccessToken() != "other" {
					t.Errorf("got %s, %v; want the token in the store", tokenNames(tok), err)
				}
				expectRequests(t, spotify, 0)
				time.Sleep(time.Minute)
			})
		})
	}
}

// watching is a store whose Watch calls watch.
type watching struct {
	*hookedStore
	watch func(context.Context) error
}

func (w watching) Watch(ctx context.Context, key spotipie.Key) (<-chan struct{}, error) {
	if err := w.watch(ctx); err != nil {
		return nil, err
	}
	return w.hookedStore.Watch(ctx, key)
}

// TestLockIsUsedAtOnce checks that a renewal goes on as soon as it has the lock, even if
// a look at the store meanwhile hangs. Others wait for the lock, and its lease may end.
func TestLockIsUsedAtOnce(t *testing.T) {
	works := func(context.Context) error { return nil }
	for name, test := range map[string]struct {
		watch func(context.Context) error
		hook  func(*hookedStore)
	}{
		"Watch hangs":               {hangs, func(*hookedStore) {}},
		"Watch ignores its context": {func(context.Context) error { time.Sleep(time.Minute); return nil }, func(*hookedStore) {}},
		"the first Load hangs": {works, func(store *hookedStore) {
			var loads atomic.Int32
			store.load.set(func(ctx context.Context) error {
				if loads.Add(1) == 1 {
					return hangs(ctx)
				}
				return nil
			})
		}},
	} {
		for how, call := range renewingCalls() {
			t.Run(name+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store, spotify := newHookedStore(), &services{}
					s := offline(t, spotify, watching{store, test.watch}, nil)
					set(t, s, time.Hour)
					store.lock.set(func(context.Context) error { time.Sleep(100 * time.Millisecond); return nil })
					time.Sleep(2 * time.Hour)
					test.hook(store)
					started := time.Now()
					if _, err := call(t.Context(), s); err != nil || time.Since(started) != 100*time.Millisecond {
						t.Errorf("took %s, error %v, want the 100 ms of the lock", time.Since(started), err)
					}
					expectRequests(t, spotify, 1)
					time.Sleep(time.Minute)
				})
			})
		}
	}
}

// TestLockThatFailsSaysSo checks that the error of Lock is returned if the store has
// no newer token either.
func TestLockThatFailsSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		s := offline(t, &services{}, store, nil)
		set(t, s, time.Hour)
		time.Sleep(2 * time.Hour)
		store.lock.set(fails)
		_, err := s.Token(t.Context())
		var storeErr *spotipie.StoreError
		if !errors.As(err, &storeErr) || storeErr.Op != "lock" {
			t.Errorf("got error %v, want a StoreError of the lock", err)
		}
	})
}

// unwatched is a store that cannot tell of changes.
type unwatched struct{ spotipie.Store }
