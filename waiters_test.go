package spotipie_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// countingStore counts calls, and how often the lock was taken.
type countingStore struct {
	spotipie.Store
	loads, locks, locked atomic.Int32
}

func (c *countingStore) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	c.loads.Add(1)
	return c.Store.Load(ctx, key)
}

func (c *countingStore) Lock(ctx context.Context, key spotipie.Key) (func(context.Context) error, error) {
	c.locks.Add(1)
	unlock, err := c.Store.Lock(ctx, key)
	if err == nil {
		c.locked.Add(1)
	}
	return unlock, err
}

// watchedCountingStore can also be watched.
type watchedCountingStore struct {
	*countingStore
	watcher spotipie.Watcher
}

func (w watchedCountingStore) Watch(ctx context.Context, key spotipie.Key) (<-chan struct{}, error) {
	return w.watcher.Watch(ctx, key)
}

// TestManySessionsWaitForOneRenewal checks that one session renews, all get the token,
// and each calls the store only a few times.
func TestManySessionsWaitForOneRenewal(t *testing.T) {
	const sessions = 200
	for name, test := range map[string]struct {
		watched bool
		answer  time.Duration
		// What each session costs at most.
		loads, locks int32
	}{
		"a store that tells of changes, a quick answer":           {true, 10 * time.Millisecond, 2, 1},
		"a store that tells of changes, a slow answer":            {true, 12 * time.Second, 5, 1},
		"a store that cannot tell of changes, a quick answer":     {false, 10 * time.Millisecond, 2, 1},
		"a store that cannot tell of changes, an answer in 1.5 s": {false, 1500 * time.Millisecond, 5, 1},
		"a store that cannot tell of changes, an answer in 12 s":  {false, 12 * time.Second, 17, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				memory, spotify := newHookedStore(), &services{}
				spotify.singleUse(test.answer)
				counted := &countingStore{Store: memory}
				var store spotipie.Store = counted
				if test.watched {
					store = watchedCountingStore{counted, memory}
				}
				all := sessionsOfOneKey(t, sessions, spotify, store)
				time.Sleep(2 * time.Hour)
				counted.loads.Store(0)
				counted.locks.Store(0)
				counted.locked.Store(0)
				started := time.Now()
				var wg sync.WaitGroup
				for _, s := range all {
					wg.Go(func() {
						if tok, err := s.Token(t.Context()); err != nil || tok.AccessToken() != "A1" {
							t.Errorf("got %s, %v", tokenNames(tok), err)
						}
					})
				}
				wg.Wait()
				if late := time.Since(started) - test.answer; late > 100*time.Millisecond {
					t.Errorf("the last got it %s after it was there", late)
				}
				expectRequests(t, spotify, 1)
				loads, locks, locked := counted.loads.Load(), counted.locks.Load(), counted.locked.Load()
				t.Logf("%d calls of Load, %d of Lock, of which %d got it", loads, locks, locked)
				if loads > test.loads*sessions || locks > test.locks*sessions {
					t.Errorf("%d calls of Load and %d of Lock, want at most %d and %d for each of %d sessions", loads, locks, test.loads, test.locks, sessions)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// TestWaitersLeaveWithoutTheLock lets the holder keep the lock after the token is in the
// store. The waiters must leave with the token.
func TestWaitersLeaveWithoutTheLock(t *testing.T) {
	for name, test := range map[string]struct {
		watched bool
		soon    time.Duration
	}{
		"a store that tells of changes":       {true, 0},
		"a store that cannot tell of changes": {false, 1200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				memory, spotify := newHookedStore(), &services{}
				counted := &countingStore{Store: memory}
				var store spotipie.Store = counted
				if test.watched {
					store = watchedCountingStore{counted, memory}
				}
				sessions := sessionsOfOneKey(t, 50, spotify, store)
				time.Sleep(2 * time.Hour)
				holdLock(t, memory, 40*time.Second)
				var wg sync.WaitGroup
				began := time.Now()
				for _, s := range sessions {
					wg.Go(func() { token(t, s) })
				}
				time.Sleep(3 * time.Second)
				change(t, memory, func(rec *spotipie.Record) { rec.Token = tokenOf("other", "R-other", time.Hour) })
				wg.Wait()
				if waited := time.Since(began); waited > 3*time.Second+test.soon {
					t.Errorf("the last left after %s", waited)
				}
				if n := counted.locked.Load(); n != 0 {
					t.Errorf("%d got the lock, want none", n)
				}
				expectRequests(t, spotify, 0)
				time.Sleep(time.Minute)
			})
		})
	}
}

// TestWaitersGoOnWhenTheHolderFails checks that the next waiter renews.
func TestWaitersGoOnWhenTheHolderFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		spotify.token = func(n int, req *http.Request) (*http.Response, error) {
			time.Sleep(100 * time.Millisecond)
			if n == 1 {
				return respond(req, http.StatusInternalServerError, ""), nil
			}
			return respond(req, http.StatusOK, renewed(n)), nil
		}
		sessions := sessionsOfOneKey(t, 50, spotify, store)
		time.Sleep(2 * time.Hour)
		var failed atomic.Int32
		var wg sync.WaitGroup
		for _, s := range sessions {
			wg.Go(func() {
				if _, err := s.Token(t.Context()); err != nil {
					failed.Add(1)
				}
			})
		}
		wg.Wait()
		if failed.Load() != 1 {
			t.Errorf("%d sessions failed, want the one that asked in vain", failed.Load())
		}
		expectRequests(t, spotify, 2)
	})
}

// sessionsOfOneKey returns n sessions with the same token, which lives for an hour.
func sessionsOfOneKey(t *testing.T, n int, spotify *services, store spotipie.Store) []*spotipie.AuthorizationCodeSession {
	t.Helper()
	all := make([]*spotipie.AuthorizationCodeSession, n)
	for i := range all {
		all[i] = offline(t, spotify, store, nil)
		if i == 0 {
			set(t, all[i], time.Hour)
		}
		token(t, all[i])
	}
	return all
}
