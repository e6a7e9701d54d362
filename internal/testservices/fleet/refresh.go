package fleet

import (
	"slices"
	"testing"
	"time"

	"github.com/spotipie/spotipie/internal/testservices"
)

// endpointDelay is how long the token endpoint takes in TestOneRefresh.
const endpointDelay = 100 * time.Millisecond

// TestEightProcesses is TestOneRefresh with 8 members of 50 goroutines.
// SPOTIPIE_TEST_ROUNDS is the number of rounds, 3 by default.
func (f *Fleet) TestEightProcesses(t *testing.T) {
	t.Helper()
	members := make([]*Member, 8)
	for i := range members {
		members[i] = f.Start(t, f.Config)
	}
	f.TestOneRefresh(t, members, 50, rounds(t))
}

func rounds(t *testing.T) int { return testservices.Count(t, "SPOTIPIE_TEST_ROUNDS", 3) }

// TestOneRefresh lets the token expire, and then all goroutines of all members ask
// for one. All must get the same new token, with one request to the token endpoint.
// It does this for the given number of rounds.
func (f *Fleet) TestOneRefresh(t *testing.T, members []*Member, goroutines, rounds int) {
	t.Helper()
	f.delayTokens(t, endpointDelay)
	var offset time.Duration
	var took []time.Duration
	for round := range rounds {
		offset += 2 * time.Hour
		f.Server.Advance(2 * time.Hour)
		old := digest(f.stored(t).Token)
		before := f.Server.Stats().TokenRequests.RefreshToken
		start := time.Now()
		for _, m := range members {
			m.order(t, order{Offset: offset, Goroutines: goroutines})
		}
		results := make([]report, len(members))
		for i, m := range members {
			results[i] = m.result(t)
		}
		took = append(took, time.Since(start))
		want := digest(f.stored(t).Token)
		n := f.Server.Stats().TokenRequests.RefreshToken - before
		for i, r := range results {
			if len(r.Errors) != 0 || len(r.Tokens) != 1 || r.Tokens[0] != want {
				t.Fatalf("round %d, member %d: %+v; want the token %s after %s; %d token requests", round, i, r, want, old, n)
			}
		}
		if n != 1 {
			t.Fatalf("round %d: %d token requests, want 1", round, n)
		}
	}
	slices.Sort(took)
	t.Logf("%d processes × %d goroutines, %d rounds: 1 token request each; a round takes %s at the median, %s at most (the endpoint takes %s)",
		len(members), goroutines, rounds, took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond), endpointDelay)
}
