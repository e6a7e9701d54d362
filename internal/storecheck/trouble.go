package storecheck

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
)

// OpenUnreliable returns n stores on the same records, each behind its own proxy. A
// lease of 0 means the store's default.
type OpenUnreliable func(t *testing.T, n int, lease time.Duration) ([]spotipie.Checker, []*testservices.Proxy)

// LinearizableUnderTrouble is [Linearizable] while the network fails.
func LinearizableUnderTrouble(t *testing.T, rounds int, open OpenUnreliable) {
	t.Helper()
	Linearizable(t, rounds, func(t *testing.T) (clients []spotipie.Store, trouble func(context.Context)) {
		stores, proxies := open(t, 8, 0)
		for _, s := range stores {
			clients = append(clients, s)
		}
		return clients, func(ctx context.Context) { Unreliable(ctx, proxies) }
	})
}

// Unreliable makes the proxies' networks fail in all ways until ctx ends.
func Unreliable(ctx context.Context, proxies []*testservices.Proxy) {
	defer func() {
		for _, p := range proxies {
			p.Cut() // drops data that is still on its way
			p.Pass()
		}
	}()
	for ctx.Err() == nil {
		p := proxies[rand.IntN(len(proxies))]
		switch rand.IntN(4) {
		case 0:
			p.Cut()
		case 1:
			p.LoseAnswers()
		case 2:
			p.Hang()
		case 3:
			p.Slow(rand.N(5 * time.Millisecond))
		}
		select {
		case <-time.After(rand.N(20 * time.Millisecond)):
		case <-ctx.Done():
		}
		p.Pass()
		select {
		case <-time.After(rand.N(20 * time.Millisecond)):
		case <-ctx.Done():
		}
	}
}
