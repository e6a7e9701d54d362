package notices_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie/internal/notices"
)

func TestNothingToWatchWithAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		hub := notices.NewHub(s.listen)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		channels := []<-chan struct{}{watch(t, hub, ctx, "one"), watch(t, hub, ctx, "one"), watch(t, hub, ctx, "two")}
		s.set(func() {
			s.refuse = fmt.Errorf("listening: %w", notices.ErrClosed)
			s.cut()
		})
		time.Sleep(time.Minute)
		for i, changes := range channels {
			select {
			case _, more := <-changes:
				if more {
					t.Errorf("watcher %d was told of something", i)
				}
			default:
				t.Errorf("watcher %d still waits", i)
			}
		}
		if _, err := hub.Watch(ctx, "one"); !errors.Is(err, notices.ErrClosed) {
			t.Errorf("Watch: %v, want ErrClosed", err)
		}
		cancel() // must not close a channel a second time
		synctest.Wait()
		s.expectConnections(t, 0, 1)
	})
}
