package pgstore_test

import (
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

func TestServerClockIsADayOff(t *testing.T) {
	t.Parallel()
	storecheck.ClockIsADayOff(t, func(t *testing.T, clock *testservices.Clock) storecheck.ClockedServer {
		server := testservices.StartPostgresWithClock(t, clock)
		pool := connect(t, testservices.PostgresDSN(server.Address))
		var now time.Time
		if err := pool.QueryRow(t.Context(), "SELECT clock_timestamp()").Scan(&now); err != nil {
			t.Fatal(err)
		}
		return storecheck.ClockedServer{Address: server.Address, Now: now, Open: func(t *testing.T, stores int, lease time.Duration) (list []spotipie.Store, place string) {
			opts := fresh(lease)
			for range stores {
				list = append(list, open(t, pool, opts))
			}
			return list, opts.Table
		}}
	})
}

func TestServerClockIsSet(t *testing.T) {
	t.Parallel()
	clock := testservices.NewClock(t)
	server := testservices.StartPostgresWithClock(t, clock)
	proxy := testservices.NewProxy(t, server.Address)
	opts := fresh(500 * time.Millisecond)
	at := func(address string) spotipie.Checker {
		return open(t, connect(t, testservices.PostgresDSN(address)), opts)
	}
	storecheck.ClockIsSet(t, at(server.Address), at(server.Address), at(proxy.Address), proxy, opts.Lease,
		func(off time.Duration) { clock.Set(t, off) })
}
