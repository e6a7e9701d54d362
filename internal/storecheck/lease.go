package storecheck

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
)

func lock(t *testing.T, s spotipie.Store, patience time.Duration) (unlock func(context.Context) error, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return s.Lock(ctx, Key())
}

func mustLock(t *testing.T, s spotipie.Store) (unlock func()) {
	t.Helper()
	release, err := lock(t, s, Patience)
	if err != nil {
		t.Fatalf("Lock: %v", err)
	}
	return func() {
		t.Helper()
		if err := release(t.Context()); err != nil {
			t.Errorf("unlock: %v", err)
		}
	}
}

// LeaseIsExtended tests two stores on the same records. While one holds the lock,
// the other must not get it, however long it waits.
func LeaseIsExtended(t *testing.T, a, b spotipie.Store, lease time.Duration) {
	t.Helper()
	unlock := mustLock(t, a)
	if _, err := lock(t, b, 3*lease); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Lock of one that is held: %v, want context.DeadlineExceeded", err)
	}
	unlock()
	mustLock(t, b)()
}

// LostLeaseIsTold tests two stores on the same records. lose takes the lock
// from its holder.
func LostLeaseIsTold(t *testing.T, a spotipie.Checker, b spotipie.Store, lease time.Duration, lose func()) {
	t.Helper()
	unlock, err := lock(t, a, Patience)
	if err != nil {
		t.Fatal(err)
	}
	lose()
	next := mustLock(t, b)
	if err := a.Check(t.Context(), Key()); err == nil || !strings.Contains(err.Error(), "lease was lost") {
		t.Errorf("Check: %v, want that the lease was lost", err)
	}
	time.Sleep(lease) // the first holder tries to extend its lease
	if err := unlock(t.Context()); err == nil || !strings.Contains(err.Error(), "lease was lost") {
		t.Errorf("unlock: %v, want that the lease was lost", err)
	}
	if _, err := lock(t, a, 50*time.Millisecond); err == nil {
		t.Error("an old unlock freed the lock of the next holder")
	}
	next()
}

// BusyHolderKeepsNobodyOut tests two stores on the same records. Many goroutines
// take the lock again and again through one store; the other must still get it.
func BusyHolderKeepsNobodyOut(t *testing.T, busy, outsider spotipie.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for ctx.Err() == nil {
				unlock, err := busy.Lock(ctx, Key())
				if err != nil {
					return
				}
				time.Sleep(5 * time.Millisecond) // holds the lock
				_ = unlock(context.WithoutCancel(ctx))
			}
		})
	}
	var longest time.Duration
	for range 10 {
		start := time.Now()
		mustLock(t, outsider)()
		longest = max(longest, time.Since(start))
	}
	cancel()
	all.Wait()
	t.Logf("let in after %s at most", longest.Round(time.Millisecond))
	if longest > 2*time.Second {
		t.Errorf("let in after %s", longest)
	}
}

// OutageDoesNotEndAWait tests a store behind a proxy. A caller who waits for the
// lock while the server is down must get it when the server works again. If the
// context ends first, the error must say why the caller did not get the lock.
func OutageDoesNotEndAWait(t *testing.T, s spotipie.Store, proxy *testservices.Proxy) {
	t.Helper()
	proxy.Cut()
	_, err := lock(t, s, 2*time.Second)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "last attempt") {
		t.Errorf("Lock without a server: %v, want that the context has ended and the last error", err)
	}
	time.AfterFunc(500*time.Millisecond, proxy.Pass)
	start := time.Now()
	unlock := mustLock(t, s)
	if waited := time.Since(start); waited < 400*time.Millisecond || waited > 5*time.Second {
		t.Errorf("let in after %s, and the server was back after 500ms", waited)
	}
	unlock()
}

// UnlockDoesNotHang tests a store behind a proxy. If the server does not answer,
// unlock must return when its context ends, and the next goroutine must not wait for
// the lease that its own process has left behind.
func UnlockDoesNotHang(t *testing.T, s spotipie.Store, proxy *testservices.Proxy) {
	t.Helper()
	unlock, err := lock(t, s, Patience)
	if err != nil {
		t.Fatal(err)
	}
	proxy.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := unlock(ctx); err == nil || time.Since(start) > time.Second {
		t.Errorf("unlock: %v after %s, want an error at once", err, time.Since(start))
	}
	proxy.Cut()
	proxy.Pass()
	start = time.Now()
	next := mustLock(t, s)
	if waited := time.Since(start); waited > 5*time.Second {
		t.Errorf("the next Lock took %s", waited)
	}
	if err := unlock(t.Context()); err != nil {
		t.Errorf("unlock again: %v", err)
	}
	next()
}

// LockTooLateIsGivenBack tests a store behind a proxy. A request may get the lock
// after its context has ended. Then the store must unlock it.
func LockTooLateIsGivenBack(t *testing.T, s spotipie.Store, proxy *testservices.Proxy) {
	t.Helper()
	if _, _, err := s.Load(t.Context(), Key()); err != nil { // opens a connection
		t.Fatal(err)
	}
	proxy.Hang()
	start := time.Now()
	_, err := lock(t, s, 50*time.Millisecond)
	if waited := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || waited > time.Second {
		t.Errorf("Lock: %v after %s, want context.DeadlineExceeded at once", err, waited)
	}
	proxy.Pass()
	mustLock(t, s)()
}

// RoundTrips counts the round trips of a renewal. The store is behind a proxy and
// has one connection, so the test would never end if the lock held a connection. If
// the store sends its notices separately, awaitNotices waits for them.
func RoundTrips(t *testing.T, s spotipie.Store, proxy *testservices.Proxy, awaitNotices func()) {
	t.Helper()
	notices := 0
	settle := func() int { return proxy.RoundTrips() }
	if awaitNotices != nil {
		notices = 1
		settle = func() int { awaitNotices(); return proxy.RoundTrips() }
	}
	renew := func() (lockAndLoad, save, all int) {
		start := settle()
		unlock := mustLock(t, s)
		rec, _, err := s.Load(t.Context(), Key())
		if err != nil {
			t.Fatal(err)
		}
		lockAndLoad = settle() - start
		Swap(t, s, rec.Version, "one")
		save = settle() - start - lockAndLoad - notices
		unlock()
		return lockAndLoad, save, settle() - start
	}
	renew() // opens the connection
	if lockAndLoad, save, all := renew(); lockAndLoad != 2 || save != 1 || all != 4+notices {
		t.Errorf("%d round trips to lock and load, %d to save, and %d in all, want 2, 1 and %d", lockAndLoad, save, all, 4+notices)
	}
}
