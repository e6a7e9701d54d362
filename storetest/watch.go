package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

func watch(t *testing.T, s spotipie.Store) {
	w, isWatcher := s.(spotipie.Watcher)
	if !isWatcher {
		t.Skip("the store is no spotipie.Watcher")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	changes, err := w.Watch(ctx, key("ada"))
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("the store wraps one that is no spotipie.Watcher")
	}
	if err != nil {
		t.Fatalf("Watch: %v", err)
	}
	told := func(of string) {
		t.Helper()
		select {
		case _, more := <-changes:
			if !more {
				t.Fatalf("the channel was closed instead of telling of %s", of)
			}
		case <-time.After(patience):
			t.Fatalf("not told of %s", of)
		}
	}
	version := swap(t, s, key("ada"), 0, record(t, "one"))
	told("a Swap")
	for range 5 { // without a receiver
		version = swap(t, s, key("ada"), version, record(t, "two"))
	}
	told("more Swaps")
	if err := s.Delete(t.Context(), key("ada")); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	told("a Delete")
	cancel()
	awaitClosed(t, changes)
}

// awaitClosed fails the test unless the channel is closed.
func awaitClosed[T any](t *testing.T, changes <-chan T) {
	t.Helper()
	for end := time.After(patience); ; {
		select {
		case _, more := <-changes:
			if !more {
				return
			}
		case <-end:
			t.Fatal("the channel is not closed after the context has ended")
		}
	}
}

func watchChanges(t *testing.T, s spotipie.Store) {
	w, isChangeWatcher := s.(spotipie.ChangeWatcher)
	if !isChangeWatcher {
		t.Skip("the store is no spotipie.ChangeWatcher")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	changes, err := w.WatchChanges(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("the store wraps one that is no spotipie.ChangeWatcher")
	}
	if err != nil {
		t.Fatalf("WatchChanges: %v", err)
	}
	// Changes of different keys come in any order.
	seen := make(map[spotipie.Key]uint64)
	told := func(k spotipie.Key, version uint64, of string) {
		t.Helper()
		for end := time.After(patience); seen[k] < version; {
			select {
			case change, more := <-changes:
				switch {
				case !more:
					t.Fatalf("the channel was closed instead of telling of %s", of)
				case change == spotipie.Change{}: // any may have changed
					return
				case change.Key == k && change.Version > version:
					t.Fatalf("told of version %d of %s, and the last one is %d", change.Version, k, version)
				case change.Version == 0: // any version
					change.Version = version
				}
				seen[change.Key] = change.Version
			case <-end:
				t.Fatalf("not told of %s", of)
			}
		}
	}
	for _, profile := range hostileProfiles() {
		k := spotipie.Key{ClientID: "client:one", Profile: profile}
		told(k, swap(t, s, k, 0, record(t, "one")), fmt.Sprintf("a first Swap of %s", k))
	}
	version := swap(t, s, key("ada"), 0, record(t, "one"))
	for range 5 { // without a receiver
		version = swap(t, s, key("ada"), version, record(t, "two"))
	}
	other := swap(t, s, key("grace"), 0, record(t, "one"))
	told(key("ada"), version, "the last Swap of some")
	told(key("grace"), other, "a Swap of another key")
	remove(t, s, key("ada"))
	told(key("ada"), versionOfNothing(t, s, key("ada")), "a Delete")
	cancel()
	awaitClosed(t, changes)
}
