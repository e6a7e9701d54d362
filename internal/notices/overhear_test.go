package notices_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/spotipie/spotipie/internal/notices"
)

func TestOverhearingKeepsNoConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		hub := notices.NewHub(s.listen)
		if changes, stop := hub.Overhear("lock"); changes != nil {
			t.Error("there is something to overhear though nobody watches")
		} else {
			stop()
		}
		s.expectConnections(t, 0, 0)

		ctx, cancel := context.WithCancel(t.Context())
		watched := watch(t, hub, ctx, "ada")
		overheard, stop := hub.Overhear("lock")
		s.notify("lock")
		s.notify("lock")
		expectTold(t, overheard, 1)
		expectTold(t, watched, 0)
		stop()
		s.notify("lock")
		expectTold(t, overheard, 0)

		overheard, stop = hub.Overhear("lock")
		defer stop()
		cancel()
		s.expectConnections(t, 0, 1)
		expectTold(t, overheard, 0) // and the channel is not closed
	})
}
