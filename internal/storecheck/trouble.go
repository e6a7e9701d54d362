package storecheck

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/spotipie/spotipie/internal/testservices"
)

// Unreliable makes the network of proxies fail in all ways until ctx ends.
func Unreliable(ctx context.Context, proxies []*testservices.Proxy) {
	defer func() {
		for _, p := range proxies {
			p.Cut() // also what is still on its way
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
