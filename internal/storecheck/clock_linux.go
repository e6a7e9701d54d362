package storecheck

import (
	"context"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
)

// ClockedServer is a store's server that reads a [testservices.Clock].
type ClockedServer struct {
	Address string
	Now     time.Time // by the server's clock
	// Open opens that many stores, all with the same new records. A lease of 0
	// means the store's default. With place a fleet finds the records.
	Open func(t *testing.T, stores int, lease time.Duration) (list []spotipie.Store, place string)
}

// ClockIsADayOff tests that a server works the same whether its clock is right, a
// day ahead, or a day behind.
func ClockIsADayOff(t *testing.T, start func(*testing.T, *testservices.Clock) ClockedServer) {
	for name, off := range map[string]time.Duration{"ahead": day, "behind": -day} {
		t.Run(name, func(t *testing.T) {
			clock := testservices.NewClock(t)
			clock.Set(t, off)
			server := start(t, clock)
			if time.Until(server.Now).Round(time.Hour) != off {
				t.Fatalf("the server's clock says %s", server.Now)
			}
			Linearizable(t, 1, func(t *testing.T) ([]spotipie.Store, func(context.Context)) {
				stores, _ := server.Open(t, 8, 0)
				return stores, func(context.Context) {}
			})
			stores, place := server.Open(t, 1, time.Second)
			f := fleet.New(t, stores[0], fleet.Config{Address: server.Address, Place: place, Lease: time.Second}, true)
			f.TestOneRefresh(t, []*fleet.Member{f.Start(t, f.Config), f.Start(t, f.Config)}, 5, 2)
		})
	}
}
