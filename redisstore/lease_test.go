package redisstore_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

func TestLeaseIsExtendedWhileItIsHeld(t *testing.T) {
	t.Parallel()
	client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(2*time.Second)
	storecheck.LeaseIsExtended(t, open(t, client, opts), open(t, client, opts), opts.Lease)
}

func TestUnlockTellsThatTheLeaseWasLost(t *testing.T) {
	t.Parallel()
	client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(150*time.Millisecond)
	storecheck.LostLeaseIsTold(t, open(t, client, opts), open(t, client, opts), opts.Lease, func() {
		if err := client.Del(t.Context(), opts.Prefix+"{client:ada}:lock").Err(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestLockThatComesTooLateIsGivenBack(t *testing.T) {
	t.Parallel()
	proxy := testservices.NewProxy(t, services.Redis(t))
	storecheck.LockTooLateIsGivenBack(t, open(t, connect(t, &redis.Options{Addr: proxy.Address}), fresh(time.Minute)), proxy)
}

func TestRoundTrips(t *testing.T) {
	proxy := testservices.NewProxy(t, services.Redis(t))
	storecheck.RoundTrips(t, open(t, connect(t, &redis.Options{Addr: proxy.Address, PoolSize: 1}), fresh(0)), proxy, nil)
}
