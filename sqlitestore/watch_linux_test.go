package sqlitestore_test

import (
	"os"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices/child"
	"github.com/spotipie/spotipie/storetest"
)

// If the system cannot report changes, watchers look for them.
func TestWatchWithoutTheSystem(t *testing.T) {
	_, isChild := child.Argument()
	if !isChild {
		child.Run(t, "", 0)
		return
	}
	if err := os.WriteFile("/proc/sys/user/max_inotify_instances", []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, func(t *testing.T) spotipie.Store { return open(t, newPath(t), nil) })
}

// The system reports writes to the log at once. The record is there some milliseconds
// later, when it is synced.
func TestWatchersAreToldAtOnce(t *testing.T) {
	path := newPath(t)
	here, there := open(t, path, nil), open(t, path, nil)
	changes := watchChanges(t, here)
	var version uint64
	var slow int
	for range 20 {
		version = storecheck.Swap(t, there, version, "one")
		start := time.Now()
		awaitChange(t, changes, ada, version)
		if time.Since(start) > 150*time.Millisecond { // by polling it would take up to 250 ms
			slow++
		}
	}
	if slow > 5 {
		t.Errorf("%d of 20 notices took longer than 150ms", slow)
	}
}
