package spotipie_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// tellingStore is a store that sends a notice for each change, like the stores with a
// server. If the channel is full, it sends one notice that stands for any change.
type tellingStore struct {
	*hookedStore
	changes chan spotipie.Change
}

func newTellingStore(room int) *tellingStore {
	return &tellingStore{hookedStore: newHookedStore(), changes: make(chan spotipie.Change, room)}
}

func (s *tellingStore) WatchChanges(context.Context) (<-chan spotipie.Change, error) {
	return s.changes, nil
}

// tell sends a notice for a change of a user, without a version.
func (s *tellingStore) tell(user string) {
	change := spotipie.Change{Key: spotipie.Key{ClientID: "id", Profile: user}}
	switch room := cap(s.changes) - len(s.changes); {
	case room > 1:
		s.changes <- change
	case room == 1:
		s.changes <- spotipie.Change{}
	}
}

func runPool(t *testing.T, pool *spotipie.Pool) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- pool.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) && !errors.Is(err, spotipie.ErrClosed) {
			t.Errorf("Run returned %v", err)
		}
	})
}

// TestPoolSaysGoodbyeAtOnce checks that Close takes only as long as the store needs to
// save the unsaved tokens.
func TestPoolSaysGoodbyeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		all := users(640)
		addUsers(t, store, time.Hour, all...)
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
		store.swap.set(func(context.Context) error { return errAway })
		for _, user := range all {
			if err := sessionOf(t, pool, user).SetToken(t.Context(), tokenOf("A1", "R1", time.Hour)); !errors.Is(err, errAway) {
				t.Fatalf("setting a token that cannot be saved: %v", err)
			}
		}
		store.swap.set(func(context.Context) error { time.Sleep(10 * time.Millisecond); return nil })
		start := time.Now()
		if err := pool.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 110*time.Millisecond { // 64 at a time
			t.Errorf("to close 640 sessions, each of which takes 10 ms to save, took %s", took)
		}
	})
}

// TestPoolCatchesUp checks that all sessions load once after the store may have lost
// notices, while other processes renew all the time.
func TestPoolCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTellingStore(16)
		all := users(2000)
		addUsers(t, store, 12*time.Hour, all...)
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}, MaxIdle: 12 * time.Hour})
		for _, user := range all {
			sessionOf(t, pool, user)
		}
		var loads atomic.Int64
		store.load.set(func(context.Context) error {
			loads.Add(1)
			time.Sleep(4 * time.Millisecond)
			return nil
		})
		runPool(t, pool) // 2,000 loads of 4 ms, 8 at a time, are a second
		const told = 1200
		for i := range told {
			time.Sleep(50 * time.Millisecond)
			store.tell(all[i])
		}
		time.Sleep(time.Minute)
		if got := loads.Load(); got > int64(len(all)+told) {
			t.Errorf("%d loads for %d sessions and %d changes", got, len(all), told)
		}
	})
}

// TestPoolDoesNotReadAgainAfterRun ends Run while a load that has failed is to be tried
// again. The store must not be asked for that any more.
func TestPoolDoesNotReadAgainAfterRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTellingStore(16)
		addUsers(t, store, time.Hour, "ada")
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
		sessionOf(t, pool, "ada")
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- pool.Run(ctx) }()
		synctest.Wait()
		var loads atomic.Int32
		store.load.set(func(context.Context) error {
			loads.Add(1)
			return errStore
		})
		store.tell("ada")
		synctest.Wait()
		stop()
		<-ended
		time.Sleep(time.Minute)
		if n := loads.Load(); n != 1 {
			t.Errorf("the store was asked %d times, want once, before Run has ended", n)
		}
	})
}

// TestPoolLearnsOfAChangeAfterALoadThatFailed logs a user out elsewhere while the store
// cannot be read for a while. The store reports that only once.
func TestPoolLearnsOfAChangeAfterALoadThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, reported := newTellingStore(16), errorLog{}
		addUsers(t, store, time.Hour, "ada")
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store, OnError: reported.add}})
		ada := sessionOf(t, pool, "ada")
		runPool(t, pool)
		synctest.Wait()
		store.load.set(fails)
		if err := store.MemoryStore.Delete(t.Context(), ada.Key()); err != nil {
			t.Fatal(err)
		}
		store.tell("ada")
		time.Sleep(time.Minute)
		store.load.set(nil)
		time.Sleep(time.Minute)
		if ada.IsAuthorized() {
			t.Error("still signed in")
		}
		if heard := reported.all(); len(heard) != 1 || !isStoreError(heard[0], "load") {
			t.Errorf("OnError heard of %v, want one failed load", heard)
		}
	})
}

// TestEvictedSessionLearnsOfALogout logs a user out elsewhere while a request uses the
// user's evicted session.
func TestEvictedSessionLearnsOfALogout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTellingStore(16)
		addUsers(t, store, time.Hour, "ada", "grace")
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}, MaxSessions: 1})
		runPool(t, pool)
		ada := sessionOf(t, pool, "ada")
		sessionOf(t, pool, "grace")
		if err := store.Delete(t.Context(), ada.Key()); err != nil {
			t.Fatal(err)
		}
		store.tell("ada")
		synctest.Wait()
		if again := sessionOf(t, pool, "ada"); again != ada || ada.IsAuthorized() {
			t.Errorf("ada, who has logged out elsewhere, is signed in: %v", again)
		}
		runtime.KeepAlive(ada)
	})
}

// TestChangeWhileASessionIsLoaded changes a record during a load, which may return the
// record from before the change.
func TestChangeWhileASessionIsLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTellingStore(16)
		addUsers(t, store, time.Hour, "ada")
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
		runPool(t, pool)
		synctest.Wait()
		store.loaded.set(func() {
			store.loaded.set(nil)
			if err := store.Delete(t.Context(), spotipie.Key{ClientID: "id", Profile: "ada"}); err != nil {
				t.Error(err)
			}
			store.tell("ada")
			time.Sleep(time.Second)
		})
		ada := sessionOf(t, pool, "ada")
		time.Sleep(time.Second)
		if ada.IsAuthorized() {
			t.Error("ada, who has logged out elsewhere meanwhile, is signed in")
		}
	})
}
