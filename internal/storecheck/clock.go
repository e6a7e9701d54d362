package storecheck

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
)

const day = 24 * time.Hour

// ClockIsSet tests stores on the same records while the server's clock is moved by a
// day. Nothing may be overwritten, and a holder must learn that it lost the lock. set
// sets how far off the clock is. The store dying is behind a proxy.
func ClockIsSet(t *testing.T, a spotipie.Checker, b spotipie.Store, dying spotipie.Store, proxy *testservices.Proxy, lease time.Duration, set func(off time.Duration)) {
	t.Helper()
	t.Run("versions go on", func(t *testing.T) {
		defer set(0)
		version := Swap(t, a, 0, "one")
		set(-day)
		next := Swap(t, a, version, "two")
		if err := a.Delete(t.Context(), Key()); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Swap(t.Context(), Key(), next, Record(t, "old")); !errors.Is(err, spotipie.ErrVersionConflict) {
			t.Errorf("Swap over what was deleted: %v", err)
		}
		again := Swap(t, b, 0, "three")
		if next <= version || again <= next {
			t.Errorf("version %d, then %d, then %d", version, next, again)
		}
		Expect(t, b, "three", again)
		if err := a.Delete(t.Context(), Key()); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("set ahead, a holder learns that the lock was lost", func(t *testing.T) {
		defer set(0)
		version := Swap(t, a, 0, "one")
		unlock := mustLockChecked(t, a)
		set(day)
		next := mustLock(t, b)
		newer := Swap(t, b, version, "two")
		if err := a.Check(t.Context(), Key()); err == nil {
			t.Error("Check of a lock that was lost returns no error")
		}
		if _, err := a.Swap(t.Context(), Key(), version, Record(t, "old")); !errors.Is(err, spotipie.ErrVersionConflict) {
			t.Errorf("Swap of who has lost the lock: %v", err)
		}
		Expect(t, a, "two", newer)
		next()
		_ = unlock(t.Context())
		if err := a.Delete(t.Context(), Key()); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("set back, a lock that is held is kept", func(t *testing.T) {
		defer set(0)
		set(day)
		unlock := mustLock(t, a)
		set(0)
		if _, err := lock(t, b, 3*lease); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Lock of one that is held: %v", err)
		}
		unlock()
		mustLock(t, b)()
	})
	t.Run("set back, a dead holder does not keep the lock for a day", func(t *testing.T) {
		defer set(0)
		set(day)
		unlock, err := lock(t, dying, Patience)
		if err != nil {
			t.Fatal(err)
		}
		proxy.Hang()
		set(0)
		start := time.Now()
		if next, err := lock(t, b, 8*lease); err != nil {
			t.Errorf("Lock: %v", err)
		} else if err := next(t.Context()); err != nil {
			t.Errorf("unlock: %v", err)
		}
		t.Logf("the lock of a dead holder was free after %s, with a lease of %s", time.Since(start).Round(time.Millisecond), lease)
		proxy.Cut()
		_ = unlock(t.Context())
		proxy.Pass()
	})
	t.Run("set back, a dead waiter keeps nobody out for a day", func(t *testing.T) {
		defer set(0)
		set(day)
		unlock := mustLock(t, a)
		waiting, leave := context.WithCancel(t.Context())
		waits := make(chan struct{})
		go func() {
			defer close(waits)
			if _, err := dying.Lock(waiting, Key()); err == nil {
				t.Error("a lock that is held was had")
			}
		}()
		time.Sleep(lease / 2) // it has asked by then
		proxy.Hang()
		set(0)
		leave()
		<-waits
		unlock()
		if next, err := lock(t, a, 8*lease); err != nil {
			t.Errorf("Lock: %v", err)
		} else if err := next(t.Context()); err != nil {
			t.Errorf("unlock: %v", err)
		}
		proxy.Cut()
		proxy.Pass()
	})
}

func mustLockChecked(t *testing.T, s spotipie.Checker) func(context.Context) error {
	t.Helper()
	unlock, err := lock(t, s, Patience)
	if err == nil {
		err = s.Check(t.Context(), Key())
	}
	if err != nil {
		t.Fatal(err)
	}
	return unlock
}
