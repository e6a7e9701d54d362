package storecheck

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/spotipie/spotipie"
)

// LocksExclude has goroutines of several store values on the same records take
// the lock of Key, and fails if two hold it at once.
func LocksExclude(t *testing.T, stores, goroutines, times int, open func() spotipie.Store) {
	t.Helper()
	var holders atomic.Int32
	var all sync.WaitGroup
	for range stores {
		s := open()
		for range goroutines {
			all.Go(func() {
				for range times {
					unlock, err := lock(t, s, Patience)
					if err != nil {
						t.Errorf("Lock: %v", err)
						return
					}
					if holders.Add(1) != 1 {
						t.Error("two holders at once")
					}
					_, _, _ = s.Load(t.Context(), Key()) // something to be overtaken in
					holders.Add(-1)
					if err := unlock(t.Context()); err != nil {
						t.Errorf("unlock: %v", err)
					}
				}
			})
		}
	}
	all.Wait()
}
