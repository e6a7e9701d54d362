package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// watch tests a store that is a [spotipie.Watcher]; of any other it asks
// nothing.
func watch(t *testing.T, s spotipie.Store) {
	w, isWatcher := s.(spotipie.Watcher)
	if !isWatcher {
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	changes, err := w.Watch(ctx, key("ada"))
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
	for range 5 { // nobody looks
		version = swap(t, s, key("ada"), version, record(t, "two"))
	}
	told("more Swaps")
	if err := s.Delete(t.Context(), key("ada")); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	told("a Delete")
	cancel()
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
