package storecheck

import (
	"context"
	"errors"
	"strings"
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

// LeaseIsExtended tests two stores on the same records: while one holds the
// lock, the other does not get it however long it waits.
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
func LostLeaseIsTold(t *testing.T, a, b spotipie.Store, lease time.Duration, lose func()) {
	t.Helper()
	unlock, err := lock(t, a, Patience)
	if err != nil {
		t.Fatal(err)
	}
	lose()
	next := mustLock(t, b)
	time.Sleep(lease) // in which the first holder looks after its lease
	if err := unlock(t.Context()); err == nil || !strings.Contains(err.Error(), "lease was lost") {
		t.Errorf("unlock: %v, want that the lease was lost", err)
	}
	if _, err := lock(t, a, 50*time.Millisecond); err == nil {
		t.Error("an old unlock freed the lock of the next holder")
	}
	next()
}

// LockTooLateIsGivenBack tests a store behind a proxy: a request that is
// overtaken by the end of its context may still get the lock.
func LockTooLateIsGivenBack(t *testing.T, s spotipie.Store, proxy *testservices.Proxy) {
	t.Helper()
	if _, _, err := s.Load(t.Context(), Key()); err != nil { // connected
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

// RoundTrips tests what a renewal costs with a store behind a proxy that has
// one connection: with it the test would never end if the lock held one. If the
// store sends its notices by themselves, awaitNotices waits for them.
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
	renew() // connects
	if lockAndLoad, save, all := renew(); lockAndLoad != 2 || save != 1 || all != 4+notices {
		t.Errorf("%d round trips to lock and load, %d to save, and %d in all, want 2, 1 and %d", lockAndLoad, save, all, 4+notices)
	}
}
