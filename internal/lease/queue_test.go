package lease_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie/internal/lease"
)

func TestOneHolderAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{delay: time.Millisecond}
		var holders, most atomic.Int32
		var all sync.WaitGroup
		for range 4 {
			locks := s.locks()
			for range 5 {
				all.Go(func() {
					unlock := lock(t, locks)
					most.Store(max(most.Load(), holders.Add(1)))
					time.Sleep(time.Second)
					holders.Add(-1)
					mustUnlock(t, unlock)
				})
			}
		}
		all.Wait()
		if most.Load() != 1 {
			t.Errorf("%d holders at once", most.Load())
		}
	})
}

func TestFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		locks := s.locks()
		unlock := lock(t, locks)
		var mu sync.Mutex
		var order []int
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				unlock := lock(t, locks)
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				mustUnlock(t, unlock)
			})
			synctest.Wait()
		}
		mustUnlock(t, unlock)
		all.Wait()
		if !slices.IsSorted(order) || len(order) != 50 {
			t.Errorf("they were let in in the order %v", order)
		}
	})
}

// All waiters in one process cost the server as much as one.
func TestManyWaitersAskAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		unlock := lock(t, s.locks())
		locks, before := s.locks(), s.requests()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		var all sync.WaitGroup
		for range 5000 {
			all.Go(func() {
				if _, err := locks.Lock(ctx, ada); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Lock: %v, want context.DeadlineExceeded", err)
				}
			})
		}
		all.Wait()
		synctest.Wait()
		if asked := s.requests() - before; asked > 60 {
			t.Errorf("5,000 who waited for 3 s made %d requests", asked)
		}
		mustUnlock(t, unlock)
		if s.rows[ada].next != "" {
			t.Error("those who have left still have the next turn")
		}
	})
}

// Passing a lock on within the process asks the server for nothing.
func TestManyTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		locks := s.locks()
		first := lock(t, locks)
		var all sync.WaitGroup
		for range 5000 {
			all.Go(func() { mustUnlock(t, lock(t, locks)) })
		}
		synctest.Wait()
		mustUnlock(t, first)
		all.Wait()
		synctest.Wait()
		if asked := s.requests(); asked > 10 {
			t.Errorf("5,000 who took turns made %d requests", asked)
		}
	})
}

// busy makes a process take the lock again and again until the context ends.
func busy(ctx context.Context, t *testing.T, locks *lease.Locks, goroutines int, each time.Duration, all *sync.WaitGroup) {
	for range goroutines {
		all.Go(func() {
			for ctx.Err() == nil {
				unlock, err := locks.Lock(ctx, ada)
				if err != nil {
					return
				}
				time.Sleep(each)
				mustUnlock(t, unlock)
			}
		})
	}
}

func TestBusyHolderKeepsNobodyOut(t *testing.T) {
	for name, test := range map[string]struct {
		goroutines, processes int
		each, most            time.Duration
		notices               bool
	}{
		"one goroutine":              {1, 1, 5 * time.Millisecond, 500 * time.Millisecond, false},
		"many goroutines":            {100, 1, 5 * time.Millisecond, 750 * time.Millisecond, false},
		"many processes":             {1, 10, 5 * time.Millisecond, 10 * time.Second, false},
		"told when it is released":   {100, 1, 5 * time.Millisecond, 400 * time.Millisecond, true},
		"a lock that is held longer": {1, 1, time.Second, 2200 * time.Millisecond, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{delay: time.Millisecond}
				if test.notices {
					s.notices = make(chan struct{}, 1000)
				}
				ctx, cancel := context.WithCancel(t.Context())
				var all sync.WaitGroup
				for range test.processes {
					busy(ctx, t, s.locks(), test.goroutines, test.each, &all)
				}
				outsider := s.locks()
				for range 20 {
					time.Sleep(time.Second)
					start := time.Now()
					unlock := lock(t, outsider)
					if waited := time.Since(start); waited > test.most {
						t.Errorf("let in after %s", waited)
					}
					mustUnlock(t, unlock)
				}
				cancel()
				all.Wait()
				time.Sleep(time.Minute)
			})
		})
	}
}

func TestErrorsDoNotEndAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("connection refused")
		s := &server{fault: gone}
		locks := s.locks()
		time.AfterFunc(20*time.Second, func() { s.set(func() { s.fault = nil }) })
		start := time.Now()
		patient, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		unlock, err := locks.Lock(patient, ada)
		if err != nil {
			t.Fatal(err)
		}
		mustUnlock(t, unlock)
		if waited := time.Since(start); waited < 20*time.Second || waited > 22*time.Second {
			t.Errorf("let in after %s, and the server was back after 20 s", waited)
		}
		s.set(func() { s.fault = gone })
		before := s.requests()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := locks.Lock(ctx, ada); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, gone) {
			t.Errorf("Lock: %v, want that the context has ended and the last error", err)
		}
		if asked := s.requests() - before; asked > 80 {
			t.Errorf("%d requests in a minute to a server that is away", asked)
		}
	})
}

// A caller without a deadline does not wait forever.
func TestErrorsEndAWaitWithoutADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("connection refused")
		s := &server{fault: gone}
		locks := s.locks()
		for range 2 {
			start := time.Now()
			_, err := locks.Lock(t.Context(), ada)
			if waited := time.Since(start); !errors.Is(err, gone) || waited < 5*time.Second || waited > 7*time.Second {
				t.Errorf("Lock: %v after %s; want %v after 5 s", err, waited, gone)
			}
		}
	})
}

func TestHopelessErrorEndsAllWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{delay: time.Second, fault: errHopeless}
		locks := s.locks()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if _, err := locks.Lock(t.Context(), ada); !errors.Is(err, errHopeless) {
					t.Errorf("Lock: %v, want %v", err, errHopeless)
				}
			})
		}
		all.Wait()
		s.set(func() { s.fault = nil })
		mustUnlock(t, lock(t, locks))
	})
}

// Nobody waits for a lease that their own process could not give back.
func TestOwnDeadLeaseHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		locks := s.locks()
		old := lock(t, locks)
		s.set(func() { s.fault = errors.New("out of reach") })
		if err := old(t.Context()); err == nil {
			t.Fatal("unlock has worked")
		}
		s.set(func() { s.fault = nil })
		start := time.Now()
		next := lock(t, locks)
		if waited := time.Since(start); waited > 0 {
			t.Errorf("waited for %s", waited)
		}
		mustUnlock(t, old) // has no effect any more
		if !s.isHeld() {
			t.Error("an old unlock has freed the next holder's lock")
		}
		mustUnlock(t, next)
	})
}

// A process that has lost its lease still has one holder.
func TestLostLeaseLetsNobodyInBesideTheHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		locks := s.locks()
		old := lock(t, locks)
		s.set(func() { s.rows[ada].owner = "" })
		ctx, cancel := context.WithTimeout(t.Context(), 10*length)
		defer cancel()
		if _, err := locks.Lock(ctx, ada); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Lock beside a holder of the same process: %v, want context.DeadlineExceeded", err)
		}
		if err := old(t.Context()); !errors.Is(err, lease.ErrLost) {
			t.Errorf("unlock: %v, want ErrLost", err)
		}
		mustUnlock(t, lock(t, locks))
	})
}

// A delayed request of an earlier owner must not take the lease from the current one.
func TestRequestThatArrivesLateTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		locks := s.locks()
		first := lock(t, locks)
		owner := s.rows[ada].owner
		mustUnlock(t, first)
		second := lock(t, locks)
		if got, _ := s.Acquire(t.Context(), ada, owner, 0); got {
			t.Error("it has got the lease")
		}
		if got, _ := s.Release(t.Context(), ada, owner); got {
			t.Error("it has released the lease")
		}
		mustUnlock(t, second)
	})
}

func TestWaitersThatComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{delay: 3 * time.Millisecond}
		var all sync.WaitGroup
		var holders atomic.Int32
		for range 3 {
			locks := s.locks()
			for i := range 40 {
				all.Go(func() {
					for j := range 40 {
						ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+(i*7+j*13)%50)*time.Millisecond)
						if unlock, err := locks.Lock(ctx, ada); err == nil {
							if holders.Add(1) != 1 {
								t.Error("two holders at once")
							}
							time.Sleep(time.Millisecond)
							holders.Add(-1)
							mustUnlock(t, unlock)
						}
						cancel()
					}
				})
			}
		}
		all.Wait()
		time.Sleep(time.Minute)
		if s.isHeld() {
			t.Error("nobody is there, and the lock is held")
		}
	})
}
