package seal_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/spotipie/spotipie"
)

// TestFleetMovesToASealedStore moves users from each database to a sealed one in the
// documented way: it copies while their sessions renew, stops the sessions, copies
// again, and starts sessions on the other store. Refresh tokens are single use, so a
// stale copy would cost a login.
func TestFleetMovesToASealedStore(t *testing.T) {
	for _, move := range [][2]string{{"Redis", "PostgreSQL"}, {"PostgreSQL", "SQLite"}, {"SQLite", "Redis"}} {
		t.Run(move[0]+" to "+move[1], func(t *testing.T) {
			const users = 8
			server := newServer(t)
			from, to := databases[move[0]](t).store, over(t, databases[move[1]](t).store, newKeys(t), nil)
			copyAll := func() spotipie.CopyCounts {
				t.Helper()
				counts, err := spotipie.CopyStore(t.Context(), from, to, nil)
				if err != nil {
					t.Fatal(err)
				}
				return counts
			}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var fleet sync.WaitGroup
			var sessions []*spotipie.AuthorizationCodeSession
			for i := range users {
				session := userSession(t, server, from, i)
				server.Login(t, session)
				sessions = append(sessions, session)
				fleet.Go(func() {
					for ctx.Err() == nil {
						if _, err := session.RefreshToken(context.WithoutCancel(ctx)); err != nil {
							t.Errorf("user %d: %v", i, err)
							return
						}
					}
				})
			}
			first := copyAll()
			for range 3 {
				copyAll()
			}
			stop()
			fleet.Wait()
			if err := sessions[0].Logout(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, session := range sessions {
				if err := session.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			last := copyAll()
			if first.Copied != users || last.Deleted != 1 || last.Done() != users || last.Failed+last.Kept != 0 {
				t.Errorf("copied: first %+v, last %+v", first, last)
			}
			for i := range users {
				_, err := userSession(t, server, to, i).RefreshToken(t.Context())
				if isOut := i == 0; isOut != errors.Is(err, spotipie.ErrNotAuthorized) || !isOut && err != nil {
					t.Errorf("user %d in the new store: %v", i, err)
				}
			}
			if again := copyAll(); again.Copied+again.Deleted != 0 {
				t.Errorf("a copy of what has moved: %+v, want nothing to do", again)
			}
		})
	}
}
