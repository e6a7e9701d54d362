package sqlitestore_test

import (
	"testing"

	"github.com/spotipie/spotipie/internal/storecheck"
)

// Who waits for a lock asks the database for it as one, however many they are.
// The race detector keeps the memory that this takes: TestSize, which measures
// memory, comes before.
func TestManyWaiters(t *testing.T) {
	path := newPath(t)
	holder, store := open(t, path, nil), open(t, path, nil)
	storecheck.ManyWaiters(t, holder, store, store.CountLockRequests())
}
