package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// endingNow is a context that ends right after somebody has read its error.
type endingNow struct {
	context.Context
	looked bool
}

func (e *endingNow) Err() error {
	if !e.looked {
		e.looked = true
		return nil
	}
	return context.Canceled
}

func (e *endingNow) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

// TestMemoryStoreForgetsLocksThatNobodyHolds checks this for locks that were unlocked
// and for locks whose waiters have left.
func TestMemoryStoreForgetsLocksThatNobodyHolds(t *testing.T) {
	store := spotipie.NewMemoryStore()
	const keys = 20_000
	use := func(from int) {
		for i := range keys {
			key := spotipie.Key{ClientID: "app", Profile: fmt.Sprint("user-", from+i)}
			unlock, err := store.Lock(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := store.Lock(&endingNow{Context: t.Context()}, key); !errors.Is(err, context.Canceled) {
				t.Fatalf("a waiter that left: %v", err)
			}
			if err := unlock(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	use(0)
	before := heap()
	use(keys)
	if grown := heap() - before; grown > keys*20 { // a kept lock takes more than 100 bytes
		t.Errorf("%d keys later the store is %d bytes larger", keys, grown)
	}
	runtime.KeepAlive(store)
}

func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func TestMemoryStoreWaiterThatLeavesTakesNothingAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := spotipie.NewMemoryStore()
		unlock, err := store.Lock(t.Context(), adaKey)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		started := time.Now()
		if _, err := store.Lock(ctx, adaKey); !errors.Is(err, context.DeadlineExceeded) || time.Since(started) != time.Second {
			t.Errorf("after %s: %v, want to leave after a second", time.Since(started), err)
		}
		got := make(chan error)
		go func() {
			again, err := store.Lock(t.Context(), adaKey)
			if err == nil {
				err = again(t.Context())
			}
			got <- err
		}()
		synctest.Wait()
		if err := unlock(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := unlock(t.Context()); err != nil { // a second call succeeds and does not free another holder's lock
			t.Fatal(err)
		}
		if err := <-got; err != nil {
			t.Errorf("the next who wanted the lock: %v", err)
		}
		if time.Since(started) != time.Second {
			t.Errorf("the next got it only after %s", time.Since(started))
		}
	})
}

func TestMemoryStoreRecordsAreCopies(t *testing.T) {
	store := spotipie.NewMemoryStore()
	scribble := func(scopes spotipie.Scopes) { scopes[0] = "scribbled" }
	given := spotipie.Record{Token: tokenOf("A0", "R0", time.Hour), ClientID: "id", RequestedScope: spotipie.Scopes{"a", "b"}}
	if _, err := store.Swap(t.Context(), adaKey, 0, given); err != nil {
		t.Fatal(err)
	}
	scribble(given.RequestedScope)
	for _, whose := range []string{"the one given to Swap", "the one that Load returned"} {
		rec, found, err := store.Load(t.Context(), adaKey)
		if err != nil || !found || rec.RequestedScope[0] != "a" {
			t.Errorf("a change to %s shows in the store: %v, %v", whose, rec.RequestedScope, err)
		}
		scribble(rec.RequestedScope)
	}
}
