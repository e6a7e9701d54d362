package notices_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/notices"
)

// received returns the changes that are in the channel.
func received(t *testing.T, changes <-chan spotipie.Change) (all []spotipie.Change) {
	t.Helper()
	synctest.Wait()
	for len(changes) > 0 {
		all = append(all, <-changes)
	}
	return all
}

func changeOf(profile string, version uint64) spotipie.Change {
	return spotipie.Change{Key: spotipie.Key{ClientID: "client", Profile: profile}, Version: version}
}

func TestWatchAllSharesTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		hub := notices.NewHub(s.listen)
		if hub.WantsChanges() {
			t.Error("changes are wanted before anybody watches")
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		all, err := hub.WatchAll(ctx)
		if err != nil {
			t.Fatal(err)
		}
		one, stop := context.WithCancel(t.Context())
		ada := watch(t, hub, one, "ada")
		s.expectConnections(t, 1, 1)
		if !hub.WantsChanges() {
			t.Error("no changes are wanted while somebody watches all")
		}
		s.notify("ada")
		hub.Changed(changeOf("ada", 7))
		hub.Changed(changeOf("grace", 8))
		expectTold(t, ada, 1)
		if got := received(t, all); len(got) != 2 || got[0] != changeOf("ada", 7) || got[1] != changeOf("grace", 8) {
			t.Errorf("told of %v", got)
		}
		stop()
		s.expectConnections(t, 1, 1) // for the watchers of all changes
		cancel()
		s.expectConnections(t, 0, 1)
		if _, more := <-all; more {
			t.Error("the channel is not closed when the context has ended")
		}
	})
}

// After a new connection, any notice may have been missed.
func TestWatchAllAfterTheConnectionWasLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		hub := notices.NewHub(s.listen)
		all, err := hub.WatchAll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.set(func() { s.cut() })
		time.Sleep(time.Minute)
		if got := received(t, all); len(got) != 1 || got[0] != (spotipie.Change{}) {
			t.Errorf("told of %v, want one zero Change", got)
		}
		s.set(func() { s.refuse = fmt.Errorf("listening: %w", notices.ErrClosed); s.cut() })
		time.Sleep(time.Minute)
		if _, more := <-all; more {
			t.Error("the channel is not closed when the client or pool is closed")
		}
		if _, err := hub.WatchAll(t.Context()); !errors.Is(err, notices.ErrClosed) {
			t.Errorf("WatchAll: %v, want ErrClosed", err)
		}
	})
}

func TestSlowReceiverIsToldThatItMissedSome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		hub := notices.NewHub(s.listen)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		all, err := hub.WatchAll(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for version := range uint64(5000) {
			hub.Changed(changeOf("ada", version+1))
		}
		for version := range uint64(3) {
			if first := <-all; first != changeOf("ada", version+1) {
				t.Fatalf("told of %v, want version %d", first, version+1)
			}
			hub.Changed(changeOf("grace", version+1)) // there is no room for the first yet
		}
		got := received(t, all)
		end := []spotipie.Change{{}, changeOf("grace", 2), changeOf("grace", 3)}
		if len(got) > 1100 || !slices.Equal(got[len(got)-3:], end) {
			t.Errorf("told of %d changes, the last of them %v, want %v", len(got), got[len(got)-3:], end)
		}
		for range 3 {
			hub.Changed(spotipie.Change{})
		}
		if got := received(t, all); len(got) != 1 || got[0] != (spotipie.Change{}) {
			t.Errorf("told of %v, want one zero Change for three", got)
		}
		hub.Changed(changeOf("joan", 9))
		if got := received(t, all); len(got) != 1 || got[0] != changeOf("joan", 9) {
			t.Errorf("told of %v after that", got)
		}
	})
}
