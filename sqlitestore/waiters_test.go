package sqlitestore_test

import (
	"testing"

	"github.com/spotipie/spotipie/internal/storecheck"
)

// All waiters for a lock ask the database for it together, however many they are. The race
// detector keeps the memory that this needs, so TestSize, which measures memory, must run
// before.
func TestManyWaiters(t *testing.T) {
	path := newPath(t)
	holder, store := open(t, path, nil), open(t, path, nil)
	storecheck.ManyWaiters(t, holder, store, store.CountLockRequests())
}
