package pgstore_test

import (
	"testing"
	"time"

	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

func TestLeaseIsExtendedWhileItIsHeld(t *testing.T) {
	t.Parallel()
	pool, opts := connect(t, services.Postgres(t)), fresh(2*time.Second)
	storecheck.LeaseIsExtended(t, open(t, pool, opts), open(t, pool, opts), opts.Lease)
}

func TestUnlockTellsThatTheLeaseWasLost(t *testing.T) {
	t.Parallel()
	pool, opts := connect(t, services.Postgres(t)), fresh(150*time.Millisecond)
	storecheck.LostLeaseIsTold(t, open(t, pool, opts), open(t, pool, opts), opts.Lease, func() {
		do(t, pool, "UPDATE {table} SET lock_owner = NULL, lock_until = NULL", opts)
	})
}

func TestLockThatComesTooLateIsGivenBack(t *testing.T) {
	t.Parallel()
	proxy := testservices.NewProxy(t, address(t, services.Postgres(t)))
	store := open(t, connect(t, testservices.PostgresDSN(proxy.Address)), fresh(time.Minute))
	storecheck.LockTooLateIsGivenBack(t, store, proxy)
}

func TestRoundTrips(t *testing.T) {
	proxy := testservices.NewProxy(t, address(t, services.Postgres(t)))
	store := open(t, connect(t, testservices.PostgresDSN(proxy.Address)+"&pool_max_conns=1"), fresh(0))
	storecheck.RoundTrips(t, store, proxy, store.AwaitNotices)
}
