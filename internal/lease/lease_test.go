package lease_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie/internal/lease"
)

func TestLeaseLastsWhileItsHolderLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		unlock := lock(t, s.locks())
		ctx, cancel := context.WithTimeout(t.Context(), 10*length)
		defer cancel()
		if _, err := s.locks().Lock(ctx, ada); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second Lock: %v, want context.DeadlineExceeded", err)
		}
		for range 2 {
			mustUnlock(t, unlock)
		}
		if s.isHeld() {
			t.Error("unlock has not given it back")
		}
	})
}

// take gives the lease of ada to another process.
func take(s *server) { *s.rows[ada] = row{owner: "somebody", until: time.Now().Add(time.Hour)} }

func TestUnlockTellsOfALostLease(t *testing.T) {
	for name, lose := range map[string]func(s *server){
		"taken by somebody":                take,
		"server out of reach for too long": func(s *server) { s.fault = errors.New("out of reach") },
		"server too slow":                  func(s *server) { s.delay = 2 * length },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{}
				unlock := lock(t, s.locks())
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

func TestUnlockTellsAtOnceOfALostLease(t *testing.T) {
	for name, lose := range map[string]func(s *server){
		"nobody has it":   func(s *server) { s.rows[ada].owner = "" },
		"somebody has it": take,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{}
				unlock := lock(t, s.locks())
				s.set(func() { lose(s) })
				held := s.isHeld()
				for i, want := range []error{lease.ErrLost, nil} {
					if err := unlock(t.Context()); !errors.Is(err, want) {
						t.Errorf("unlock no. %d: %v, want %v", i+1, err, want)
					}
				}
				if s.isHeld() != held {
					t.Error("an old unlock has freed the next holder's lock")
				}
			})
		})
	}
}

func TestShortOutageLosesNoLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		unlock := lock(t, s.locks())
		s.set(func() { s.fault = errors.New("out of reach") })
		time.Sleep(length * 9 / 10)
		s.set(func() { s.fault = nil })
		time.Sleep(10 * length)
		if !s.isHeld() {
			t.Error("the lease has ended")
		}
		mustUnlock(t, unlock)
	})
}

func TestUnlockThatFailedCanBeTriedAgain(t *testing.T) {
	for name, late := range map[string]bool{"before it had an effect": false, "when it had its effect": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{}
				unlock := lock(t, s.locks())
				fault := errors.New("out of reach")
				s.set(func() { s.fault, s.late = fault, late })
				if err := unlock(t.Context()); !errors.Is(err, fault) {
					t.Errorf("unlock: %v, want %v", err, fault)
				}
				s.set(func() { s.fault = nil })
				if err := unlock(t.Context()); err != nil || s.isHeld() {
					t.Errorf("unlock again: %v, held: %t", err, s.isHeld())
				}
			})
		})
	}
}

func TestUnlockEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		unlock := lock(t, s.locks())
		s.set(func() { s.delay = time.Hour })
		for range 2 { // the second one while the first is held
			go func() { _ = unlock(t.Context()) }()
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			start := time.Now()
			if err := unlock(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Second {
				t.Errorf("unlock: %v after %s", err, time.Since(start))
			}
			cancel()
		}
		time.Sleep(time.Minute)
	})
}

func TestWhatComesTooLateIsGivenBack(t *testing.T) {
	for name, fault := range map[string]error{
		"an answer":                           nil,
		"an answer that says nothing":         errors.New("cut off"),
		"an answer that says that it is over": errHopeless,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{delay: 3 * time.Second, fault: fault, late: true}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				_, err := s.locks().Lock(ctx, ada)
				if waited := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || waited > time.Second {
					t.Errorf("Lock: %v after %s, want context.DeadlineExceeded", err, waited)
				}
				time.Sleep(length / 2)
				if s.isHeld() && fault != errHopeless {
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
	if _, err := s.locks().Lock(ctx, ada); !errors.Is(err, context.Canceled) || s.requests() != 0 {
		t.Errorf("Lock: %v after %d requests, want context.Canceled after none", err, s.requests())
	}
}

// A lease counts from the request, not from the answer.
func TestAnswerAsOldAsTheLeaseIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{delay: 4 * time.Second}
		locks := lease.NewLocks(s, 3*time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := locks.Lock(ctx, ada); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Lock: %v; each answer came after the lease's end", err)
		}
		time.Sleep(time.Minute)
	})
}

func TestLeaseIsExtendedInTimeHoweverLateTheAnswerCame(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Second, 4 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := &server{delay: delay}
			unlock := lock(t, s.locks())
			for range 90 {
				if !s.isHeld() {
					t.Fatalf("after %s: it is held and has ended", delay)
				}
				time.Sleep(time.Second)
			}
			mustUnlock(t, unlock)
		})
	}
}

func TestCheck(t *testing.T) {
	gone := errors.New("out of reach")
	for name, test := range map[string]struct {
		trouble func(s *server)
		want    error
	}{
		"nothing has happened": {func(*server) {}, nil},
		"taken by somebody":    {take, lease.ErrLost},
		"ended":                {func(s *server) { s.rows[ada].until = time.Now() }, lease.ErrLost},
		"server out of reach":  {func(s *server) { s.fault = gone }, gone},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{}
				locks := s.locks()
				unlock := lock(t, locks)
				time.Sleep(time.Second)
				s.set(func() { test.trouble(s) })
				if err := locks.Check(t.Context(), ada); !errors.Is(err, test.want) {
					t.Errorf("Check: %v, want %v", err, test.want)
				}
				if err := locks.Check(t.Context(), grace); !errors.Is(err, lease.ErrNotHeld) {
					t.Errorf("Check of another key: %v, want ErrNotHeld", err)
				}
				_ = unlock(t.Context())
				if err := locks.Check(t.Context(), ada); !errors.Is(err, lease.ErrNotHeld) {
					t.Errorf("Check after unlock: %v, want ErrNotHeld", err)
				}
			})
		})
	}
}

func TestCheckExtendsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		locks := s.locks()
		unlock := lock(t, locks)
		time.Sleep(length/3 - time.Second)
		if err := locks.Check(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		if left := time.Until(s.rows[ada].until); left != length {
			t.Errorf("it lasts for another %s, want %s", left, length)
		}
		mustUnlock(t, unlock)
	})
}
