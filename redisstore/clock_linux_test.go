package redisstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
)

// A server whose clock is a day off is as good as another.
func TestServerClockIsADayOff(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]time.Duration{"ahead": 24 * time.Hour, "behind": -24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			clock := testservices.NewClock(t)
			clock.Set(t, off)
			server := testservices.StartRedisWithClock(t, clock)
			client := connect(t, &redis.Options{Addr: server.Address})
			if now, err := client.Time(t.Context()).Result(); err != nil || time.Until(now).Round(time.Hour) != off {
				t.Fatalf("the server's clock says %s, %v", now, err)
			}
			storecheck.Linearizable(t, 1, func(t *testing.T) (stores []spotipie.Store, _ func(context.Context)) {
				opts := fresh(0)
				for range 8 {
					stores = append(stores, open(t, client, opts))
				}
				return stores, func(context.Context) {}
			})
			opts := fresh(time.Second)
			f := fleet.New(t, open(t, client, opts), fleet.Config{Address: server.Address, Place: opts.Prefix, Lease: opts.Lease}, true)
			f.TestOneRefresh(t, []*fleet.Member{f.Start(t, f.Config), f.Start(t, f.Config)}, 5, 2)
		})
	}
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
