package lease_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie/internal/lease"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const length = 30 * time.Second

// server keeps one lease.
type server struct {
	mu    sync.Mutex
	owner string
	until time.Time

	delay time.Duration // of every request
	fault error         // of every request, after it has had its effect
	asked int
}

func (s *server) request(effect func() bool) (bool, error) {
	s.mu.Lock()
	delay := s.delay
	s.mu.Unlock()
	time.Sleep(delay)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return effect(), s.fault
}

func (s *server) held() bool { return s.owner != "" && time.Now().Before(s.until) }

func (s *server) isHeld() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held()
}

func (s *server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *server) lease() lease.Lease {
	return lease.Lease{
		Length: length,
		Acquire: func(_ context.Context, owner string) (bool, error) {
			return s.request(func() bool {
				if s.held() && s.owner != owner {
					return false
				}
				s.owner, s.until = owner, time.Now().Add(length)
				return true
			})
		},
		Extend: func(_ context.Context, owner string) (bool, error) {
			return s.request(func() bool {
				if s.owner != owner || !s.held() {
					return false
				}
				s.until = time.Now().Add(length)
				return true
			})
		},
		Release: func(_ context.Context, owner string) (bool, error) {
			return s.request(func() bool {
				if s.owner != owner || !s.held() {
					return false
				}
				s.owner = ""
				return true
			})
		},
	}
}

func lock(t *testing.T, s *server) (unlock func(context.Context) error) {
	t.Helper()
	unlock, err := s.lease().Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return unlock
}

func TestLeaseLastsWhileItsHolderLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		unlock := lock(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), 10*length)
		defer cancel()
		if _, err := s.lease().Lock(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second Lock: %v, want context.DeadlineExceeded", err)
		}
		for range 2 {
			if err := unlock(t.Context()); err != nil {
				t.Errorf("unlock: %v", err)
			}
		}
		if s.isHeld() {
			t.Error("unlock has not given it back")
		}
	})
}

func TestOneHolderAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{delay: time.Millisecond}
		var holders, most atomic.Int32
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				unlock := lock(t, s)
				most.Store(max(most.Load(), holders.Add(1)))
				time.Sleep(time.Second)
				holders.Add(-1)
				if err := unlock(t.Context()); err != nil {
					t.Errorf("unlock: %v", err)
				}
			})
		}
		all.Wait()
		if most.Load() != 1 {
			t.Errorf("%d holders at once", most.Load())
		}
	})
}

func TestUnlockTellsOfALostLease(t *testing.T) {
	for name, lose := range map[string]func(s *server){
		"taken by somebody":                func(s *server) { s.owner, s.until = "somebody", time.Now().Add(time.Hour) },
		"server out of reach for too long": func(s *server) { s.fault = errors.New("out of reach") },
		"server too slow":                  func(s *server) { s.delay = 2 * length },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{}
				unlock := lock(t, s)
				s.set(func() { lose(s) })
				time.Sleep(3 * length)
				for i, want := range []error{lease.ErrLost, nil} {
					if err := unlock(t.Context()); !errors.Is(err, want) {
						t.Errorf("unlock no. %d: %v, want %v", i+1, err, want)
					}
				}
				if name == "taken by somebody" && !s.isHeld() {
					t.Error("an old unlock has freed the next holder's lock")
				}
			})
		})
	}
}

func TestShortOutageLosesNoLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		unlock := lock(t, s)
		s.set(func() { s.fault = errors.New("out of reach") })
		time.Sleep(length / 2)
		s.set(func() { s.fault = nil })
		time.Sleep(10 * length)
		if !s.isHeld() {
			t.Error("the lease has ended")
		}
		if err := unlock(t.Context()); err != nil {
			t.Errorf("unlock: %v", err)
		}
	})
}

func TestUnlockThatFailedCanBeTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		unlock := lock(t, s)
		fault := errors.New("out of reach")
		s.set(func() { s.fault = fault })
		if err := unlock(t.Context()); !errors.Is(err, fault) {
			t.Errorf("unlock: %v, want %v", err, fault)
		}
		s.set(func() { s.fault = nil })
		if err := unlock(t.Context()); err != nil || s.isHeld() {
			t.Errorf("unlock again: %v, held: %t", err, s.isHeld())
		}
	})
}

func TestWhatComesTooLateIsGivenBack(t *testing.T) {
	for name, test := range map[string]struct {
		fault error
		wait  time.Duration
		want  error
	}{
		"overtaken by the end of the context": {nil, time.Second, context.DeadlineExceeded},
		"an answer that says nothing":         {errors.New("cut off"), time.Minute, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{delay: 3 * time.Second, fault: test.fault}
				want := test.want
				if want == nil {
					want = test.fault
				}
				ctx, cancel := context.WithTimeout(t.Context(), test.wait)
				defer cancel()
				start := time.Now()
				_, err := s.lease().Lock(ctx)
				if waited := time.Since(start); !errors.Is(err, want) || waited > min(test.wait, s.delay) {
					t.Errorf("Lock: %v after %s, want %v", err, waited, want)
				}
				time.Sleep(length / 2)
				if s.isHeld() {
					t.Error("the lease was not given back")
				}
			})
		})
	}
}

func TestEndedContextAsksNothing(t *testing.T) {
	s := &server{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.lease().Lock(ctx); !errors.Is(err, context.Canceled) || s.asked != 0 {
		t.Errorf("Lock: %v after %d requests, want context.Canceled after none", err, s.asked)
	}
}
