package storecheck

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// LocksExclude lets goroutines take the lock of Key through several store values on
// the same records. It fails the test if two of them hold it at once.
func LocksExclude(t *testing.T, stores, goroutines, times int, open func() spotipie.Store) {
	t.Helper()
	var holders atomic.Int32
	var all sync.WaitGroup
	for range stores {
		s := open()
		for range goroutines {
			all.Go(func() {
				for range times {
					unlock, err := lock(t, s, Patience)
					if err != nil {
						t.Errorf("Lock: %v", err)
						return
					}
					if holders.Add(1) != 1 {
						t.Error("two holders at once")
					}
					_, _, _ = s.Load(t.Context(), Key()) // gives others time to take the lock too
					holders.Add(-1)
					if err := unlock(t.Context()); err != nil {
						t.Errorf("unlock: %v", err)
					}
				}
			})
		}
	}
	all.Wait()
}

// LocksUnderTrouble tests stores that are each behind their own proxy. Goroutines
// lock, check and unlock while the network fails. Each store value may have only one
// holder at a time, even if its lease has ended. No call may last much longer than
// its context. Afterwards the lock must be free again.
func LocksUnderTrouble(t *testing.T, open OpenUnreliable) {
	t.Helper()
	const lease = 300 * time.Millisecond
	stores, proxies := open(t, 3, lease)
	during, end := context.WithTimeout(t.Context(), 3*time.Second)
	defer end()
	var all, trouble sync.WaitGroup
	trouble.Go(func() { Unreliable(during, proxies) })
	var got, checked, lost atomic.Int32
	for _, s := range stores {
		var holders atomic.Int32
		for range 10 {
			all.Go(func() {
				for during.Err() == nil {
					lockUnderTrouble(t, s, &holders, &got, &checked, &lost)
				}
			})
		}
	}
	all.Wait()
	trouble.Wait()
	t.Logf("%d times locked, %d checked, %d unlocked with an error", got.Load(), checked.Load(), lost.Load())
	for _, s := range stores {
		start := time.Now()
		mustLock(t, s)()
		if waited := time.Since(start); waited > lease+3*time.Second {
			t.Errorf("the lock was free %s after the trouble, the lease is %s", waited, lease)
		}
	}
	if got.Load() == 0 || checked.Load() == 0 {
		t.Error("nobody has got the lock")
	}
}

func lockUnderTrouble(t *testing.T, s spotipie.Checker, holders, got, checked, lost *atomic.Int32) {
	patience := rand.N(300 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	start := time.Now()
	defer func() {
		if took := time.Since(start); took > 3*patience+2*time.Second {
			t.Errorf("it took %s with contexts of %s", took, patience)
		}
	}()
	unlock, err := s.Lock(ctx, Key())
	if err != nil {
		return
	}
	got.Add(1)
	if holders.Add(1) != 1 {
		t.Error("two holders at once through one store value")
	}
	if s.Check(ctx, Key()) == nil {
		checked.Add(1)
	}
	time.Sleep(rand.N(5 * time.Millisecond)) // holds the lock
	holders.Add(-1)
	ctx, cancel = context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := unlock(ctx); err != nil {
		lost.Add(1)
		if rand.IntN(2) == 0 {
			_ = unlock(ctx)
		}
	}
}
