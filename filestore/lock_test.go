package filestore_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Two stores in one folder stand for two processes: to the kernel they are two holders.
func TestLocksOfTwoStoresExcludeEachOther(t *testing.T) {
	dir := newDir(t)
	var holders, most atomic.Int32
	var wg sync.WaitGroup
	for range 2 {
		s := open(t, dir, nil)
		for range 25 {
			wg.Go(func() {
				unlock, err := s.Lock(t.Context(), ada)
				if err != nil {
					t.Errorf("Lock: %v", err)
					return
				}
				most.Store(max(most.Load(), holders.Add(1)))
				_, _, _ = s.Load(t.Context(), ada)
				holders.Add(-1)
				if err := unlock(t.Context()); err != nil {
					t.Errorf("unlock: %v", err)
				}
			})
		}
	}
	wg.Wait()
	if most.Load() != 1 {
		t.Errorf("%d holders at once", most.Load())
	}
}

func TestLockWaitsForTheFileThatIsThere(t *testing.T) {
	dir := newDir(t)
	first, second := open(t, dir, nil), open(t, dir, nil)
	unlockFirst, err := first.Lock(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	go func() {
		unlock, err := second.Lock(ctx, ada)
		if err == nil {
			err = unlock(ctx)
		}
		result <- err
	}()
	// Somebody removes the lock's file. Nothing can help the first holder, but the
	// waiting one must not get a lock on the removed file.
	if err := os.Remove(strings.TrimSuffix(first.Path(ada), ".json") + ".lock"); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Errorf("Lock: %v", err)
	}
	if err := unlockFirst(t.Context()); err != nil {
		t.Errorf("unlock: %v", err)
	}
}
