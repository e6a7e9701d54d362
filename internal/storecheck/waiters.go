package storecheck

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// waiters is how many goroutines wait in ManyWaiters.
const waiters = 5000

// ManyWaiters tests two stores on the same records. While holder holds the lock and
// renews the record, 5,000 goroutines wait for the lock through store. They wait as
// sessions do: each leaves when a notice has come and Load returns a newer record.
// None may fail. All together must send fewer than 100 commands, and loading another
// key must not take twice as long as before. commands returns how many commands store
// has sent.
func ManyWaiters(t *testing.T, holder spotipie.Store, store spotipie.Watcher, commands func() int) {
	t.Helper()
	version := Swap(t, holder, 0, "old")
	other := spotipie.Key{ClientID: "client", Profile: "grace"}
	if _, err := holder.Swap(t.Context(), other, 0, Record(t, "other")); err != nil {
		t.Fatal(err)
	}
	unlock := mustLock(t, holder)
	idle := medianLoad(t, store, other)

	start := commands()
	var waiting sync.WaitGroup
	var ready, renewed, gotIn atomic.Int32
	for range waiters {
		waiting.Go(func() {
			switch in, err := waitForRenewal(t.Context(), store, version, &ready); {
			case err != nil:
				t.Errorf("a waiter failed: %v", err)
			case in:
				gotIn.Add(1)
			default:
				renewed.Add(1)
			}
		})
	}
	for deadline := time.Now().Add(Patience); ready.Load() < waiters && !t.Failed(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the waiters do not wait")
		}
	}
	beforeLoads := commands()
	busy := medianLoad(t, store, other)
	loads := commands() - beforeLoads
	time.Sleep(time.Second) // a slow token request
	Swap(t, holder, version, "new")
	saved := time.Now()
	unlock()
	waiting.Wait()
	done := time.Since(saved)
	made := commands() - start - min(loads, medianOf)

	t.Logf("%d waiters: %d commands; %d saw the new record, %d got the lock, all within %s; Load of another key: median %s, %s before",
		waiters, made, renewed.Load(), gotIn.Load(), done.Round(time.Millisecond), busy, idle)
	if made >= 100 {
		t.Errorf("they made %d commands, want fewer than 100", made)
	}
	if idle = max(idle, medianLoad(t, store, other)); busy >= 2*idle {
		t.Errorf("loading another key took %s beside them, and %s without them", busy, idle)
	}
}

// waitForRenewal waits for the lock, or for a record that is newer than version.
func waitForRenewal(ctx context.Context, store spotipie.Watcher, version uint64, ready *atomic.Int32) (gotIn bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	changes, err := store.Watch(ctx, Key())
	if err != nil {
		return false, err
	}
	waiting, leave := context.WithCancel(ctx)
	defer leave()
	looked := make(chan error, 1)
	go func() { looked <- awaitNewer(ctx, store, version, changes, leave) }()
	ready.Add(1)
	unlock, err := store.Lock(waiting, Key())
	if err == nil {
		_, _, loadErr := store.Load(ctx, Key()) // as a session does, to see if a renewal is still needed
		err = errors.Join(loadErr, unlock(ctx))
		cancel()
		<-looked
		return true, err
	}
	if !errors.Is(err, context.Canceled) {
		return false, err
	}
	return false, <-looked
}

// awaitNewer calls newer when the store has a record that is newer than version.
func awaitNewer(ctx context.Context, store spotipie.Store, version uint64, changes <-chan struct{}, newer func()) error {
	for range changes {
		rec, found, err := store.Load(ctx, Key())
		if err != nil {
			newer()
			return err
		}
		if found && rec.Version > version {
			newer()
			return nil
		}
	}
	return ctx.Err()
}

const medianOf = 300

// medianLoad returns how long loading a record takes.
func medianLoad(t *testing.T, s spotipie.Store, key spotipie.Key) time.Duration {
	t.Helper()
	took := make([]time.Duration, medianOf)
	for i := range took {
		start := time.Now()
		if _, found, err := s.Load(t.Context(), key); !found || err != nil {
			t.Fatalf("Load: %t, %v", found, err)
		}
		took[i] = time.Since(start)
		time.Sleep(time.Millisecond)
	}
	slices.Sort(took)
	return took[len(took)/2].Round(time.Microsecond)
}
