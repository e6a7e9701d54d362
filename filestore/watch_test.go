package filestore_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/storetest"
)

func TestStoreThatLooksForChanges(t *testing.T) {
	opts := &filestore.Options{PollInterval: 10 * time.Millisecond}
	storetest.Run(t, func(t *testing.T) spotipie.Store { return open(t, newDir(t), opts) })
}

func told(t *testing.T, changes <-chan struct{}, of string) {
	t.Helper()
	select {
	case _, more := <-changes:
		if !more {
			t.Fatalf("the channel was closed instead of telling of %s", of)
		}
	case <-time.After(storecheck.Patience):
		t.Fatalf("not told of %s", of)
	}
}

// If the system reports changes, ten thousand watchers cost as much as one.
func TestManyWatchers(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("on this system each watcher looks at its own file")
	}
	dir := newDir(t)
	s, other := open(t, dir, nil), open(t, dir, nil)
	before := runtime.NumGoroutine()
	var all []<-chan struct{}
	for i := range 10_000 {
		changes, err := s.Watch(t.Context(), spotipie.Key{Profile: fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, changes)
	}
	if more := runtime.NumGoroutine() - before; more > 10 {
		t.Errorf("they take %d goroutines", more)
	}
	if _, err := other.Swap(t.Context(), spotipie.Key{Profile: "4711"}, 0, storecheck.Record(t, "one")); err != nil {
		t.Fatal(err)
	}
	told(t, all[4711], "a Swap")
	for i, changes := range all {
		select {
		case <-changes:
			if i != 4711 {
				t.Errorf("watcher %d was told of another's change", i)
			}
		default:
		}
	}
}

// Watchers still work after the folder was unmounted and mounted again.
func TestWatchersOutliveTheFolder(t *testing.T) {
	for name, opts := range map[string]*filestore.Options{
		"told by the system": nil, "looking for themselves": {PollInterval: 10 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, newDir(t), opts)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			changes, err := s.Watch(ctx, ada)
			if err != nil {
				t.Fatal(err)
			}
			version := storecheck.Swap(t, s, 0, "one")
			told(t, changes, "a Swap")
			away := s.Dir() + ".away"
			if err := os.Rename(s.Dir(), away); err != nil {
				t.Fatal(err)
			}
			if name == "looking for themselves" {
				told(t, changes, "the loss of the file")
			}
			if err := os.Rename(away, s.Dir()); err != nil {
				t.Fatal(err)
			}
			told(t, changes, "what may have been missed")
			version = storecheck.Swap(t, s, version, "two")
			told(t, changes, "a Swap after that")
			storecheck.Expect(t, s, "two", version)
		})
	}
}
