package storetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

func lock(t *testing.T, s spotipie.Store, k spotipie.Key) (unlock func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	release, err := s.Lock(ctx, k)
	if err != nil {
		t.Fatalf("Lock of %s: %v", k, err)
	}
	return func() {
		t.Helper()
		if err := release(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("unlock of %s: %v", k, err)
		}
	}
}

func lockExcludes(t *testing.T, s spotipie.Store) {
	var holders, most atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				unlock, err := s.Lock(ctx, key("ada"))
				cancel()
				if err != nil {
					t.Errorf("Lock: %v", err)
					return
				}
				most.Store(max(most.Load(), holders.Add(1)))
				_, _, _ = s.Load(t.Context(), key("ada")) // a short time in which others could overtake
				holders.Add(-1)
				if err := unlock(t.Context()); err != nil {
					t.Errorf("unlock: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if most.Load() != 1 {
		t.Errorf("%d holders at once", most.Load())
	}
}

func lockPerKey(t *testing.T, s spotipie.Store) {
	defer lock(t, s, key("ada"))()
	lock(t, s, key("grace"))()
}

func lockCancelled(t *testing.T, s spotipie.Store) {
	unlock := lock(t, s, key("ada"))
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := s.Lock(ctx, key("ada"))
		result <- err
	}()
	cancel()
	select {
	case err := <-result:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want context.Canceled", err)
		}
	case <-time.After(patience):
		t.Fatal("Lock does not return after its context has ended")
	}
	unlock()
	lock(t, s, key("ada"))()
}

func lockHoldsUpNothing(t *testing.T, s spotipie.Store) {
	defer lock(t, s, key("ada"))()
	version := swap(t, s, key("ada"), 0, record(t, "one"))
	expect(t, s, key("ada"), record(t, "one"), version)
}

func unlockTwice(t *testing.T, s spotipie.Store) {
	unlock := lock(t, s, key("ada"))
	unlock()
	next := lock(t, s, key("ada"))
	unlock() // must not release the next holder's lock
	ctx, cancel := context.WithTimeout(t.Context(), moment)
	defer cancel()
	if release, err := s.Lock(ctx, key("ada")); err == nil {
		t.Error("an old unlock released the lock of the next holder")
		_ = release(t.Context())
	}
	next()
}

func unlockAfterContext(t *testing.T, s spotipie.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	unlock, err := s.Lock(ctx, key("ada"))
	if err != nil {
		t.Fatalf("Lock: %v", err)
	}
	cancel()
	if err := unlock(t.Context()); err != nil {
		t.Errorf("unlock: %v", err)
	}
	lock(t, s, key("ada"))()
}

// lockQueue checks that callers who give up do not block others, and that all others get the
// lock.
func lockQueue(t *testing.T, s spotipie.Store) {
	unlock := lock(t, s, key("ada"))
	impatient, giveUp := context.WithCancel(t.Context())
	var gotIn, gaveUp atomic.Int32
	var wg sync.WaitGroup
	for i := range 400 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			if i%2 == 0 {
				ctx = impatient
			}
			defer cancel()
			unlock, err := s.Lock(ctx, key("ada"))
			switch {
			case err == nil:
				gotIn.Add(1)
				if err := unlock(t.Context()); err != nil {
					t.Errorf("unlock: %v", err)
				}
			case errors.Is(err, context.Canceled):
				gaveUp.Add(1)
			default:
				t.Errorf("Lock: %v", err)
			}
		})
	}
	time.AfterFunc(moment, giveUp)
	<-impatient.Done()
	for deadline := time.Now().Add(patience); gaveUp.Load() < 200 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	unlock()
	wg.Wait()
	if gotIn.Load() != 200 || gaveUp.Load() != 200 {
		t.Errorf("%d got in and %d gave up, want 200 each", gotIn.Load(), gaveUp.Load())
	}
	lock(t, s, key("ada"))()
}
