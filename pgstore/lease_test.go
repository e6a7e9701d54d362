package pgstore_test

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
	return s.Lock(ctx, someKey())
}

func TestLeaseIsExtendedWhileItIsHeld(t *testing.T) {
	t.Parallel()
	pool, opts := connect(t, services.Postgres(t)), fresh(500*time.Millisecond)
	a, b := open(t, pool, opts), open(t, pool, opts)
	unlock, err := lock(t, a, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(t, b, 3*opts.Lease); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Lock of one that is held: %v, want context.DeadlineExceeded", err)
	}
	if err := unlock(t.Context()); err != nil {
		t.Errorf("unlock: %v", err)
	}
	unlock, err = lock(t, b, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock(t.Context()); err != nil {
		t.Errorf("unlock: %v", err)
	}
}

func TestUnlockTellsThatTheLeaseWasLost(t *testing.T) {
	t.Parallel()
	pool, opts := connect(t, services.Postgres(t)), fresh(150*time.Millisecond)
	a, b := open(t, pool, opts), open(t, pool, opts)
	unlock, err := lock(t, a, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	do(t, pool, "UPDATE {table} SET lock_owner = NULL, lock_until = NULL", opts)
	next, err := lock(t, b, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(opts.Lease) // in which the first holder looks after its lease
	if err := unlock(t.Context()); err == nil || !strings.Contains(err.Error(), "lease was lost") {
		t.Errorf("unlock: %v, want that the lease was lost", err)
	}
	if _, err := lock(t, a, 50*time.Millisecond); err == nil {
		t.Error("an old unlock freed the lock of the next holder")
	}
	if err := next(t.Context()); err != nil {
		t.Errorf("unlock: %v", err)
	}
}

// A request that is overtaken by the end of its context may still get the
// lock, and gives it back.
func TestLockThatComesTooLateIsGivenBack(t *testing.T) {
	t.Parallel()
	proxy := testservices.NewProxy(t, address(t, services.Postgres(t)))
	store := open(t, connect(t, testservices.PostgresDSN(proxy.Address)), fresh(time.Minute))
	if _, _, err := store.Load(t.Context(), someKey()); err != nil { // connected
		t.Fatal(err)
	}
	proxy.Hang()
	start := time.Now()
	_, err := lock(t, store, 50*time.Millisecond)
	if waited := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || waited > time.Second {
		t.Errorf("Lock: %v after %s, want context.DeadlineExceeded at once", err, waited)
	}
	proxy.Pass()
	unlock, err := lock(t, store, 20*time.Second)
	if err != nil {
		t.Fatalf("the lock was not given back: %v", err)
	}
	if err := unlock(t.Context()); err != nil {
		t.Errorf("unlock: %v", err)
	}
}

// With one connection it would never end if the lock held one.
func TestRoundTrips(t *testing.T) {
	proxy := testservices.NewProxy(t, address(t, services.Postgres(t)))
	store := open(t, connect(t, testservices.PostgresDSN(proxy.Address)+"&pool_max_conns=1"), fresh(0))
	renew := func() (beforeSaved, all int) {
		start := proxy.RoundTrips()
		unlock, err := store.Lock(t.Context(), someKey())
		if err != nil {
			t.Fatal(err)
		}
		rec, _, err := store.Load(t.Context(), someKey())
		if err != nil {
			t.Fatal(err)
		}
		swap(t, store, rec.Version, record(t, "one"))
		beforeSaved = proxy.RoundTrips() - start
		if err := unlock(t.Context()); err != nil {
			t.Fatal(err)
		}
		return beforeSaved, proxy.RoundTrips() - start
	}
	renew() // connects
	if saved, all := renew(); saved != 3 || all != 4 {
		t.Errorf("%d round trips until the token is saved and %d in all, want 3 and 4", saved, all)
	}
}
