package redisstore_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

func TestServerClockIsADayOff(t *testing.T) {
	t.Parallel()
	storecheck.ClockIsADayOff(t, func(t *testing.T, clock *testservices.Clock) storecheck.ClockedServer {
		server := testservices.StartRedisWithClock(t, clock)
		client := connect(t, &redis.Options{Addr: server.Address})
		now, err := client.Time(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		return storecheck.ClockedServer{Address: server.Address, Now: now, Open: func(t *testing.T, stores int, lease time.Duration) (list []spotipie.Store, place string) {
			opts := fresh(lease)
			for range stores {
				list = append(list, open(t, client, opts))
			}
			return list, opts.Prefix
		}}
	})
}

func TestServerClockIsSet(t *testing.T) {
	t.Parallel()
	clock := testservices.NewClock(t)
	server := testservices.StartRedisWithClock(t, clock)
	proxy := testservices.NewProxy(t, server.Address)
	opts := fresh(500 * time.Millisecond)
	at := func(address string) spotipie.Checker {
		return open(t, connect(t, &redis.Options{Addr: address, ReadTimeout: 100 * time.Millisecond, MaxRetries: -1}), opts)
	}
	storecheck.ClockIsSet(t, at(server.Address), at(server.Address), at(proxy.Address), proxy, opts.Lease,
		func(off time.Duration) { clock.Set(t, off) })
}
