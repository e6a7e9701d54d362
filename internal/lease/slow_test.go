package lease_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie/internal/lease"
)

// slowAnswer has the first answer to Acquire take its time on the way back.
func slowAnswer(l lease.Lease, delay time.Duration) lease.Lease {
	acquire := l.Acquire
	l.Acquire = func(ctx context.Context, owner string) (bool, error) {
		got, err := acquire(ctx, owner)
		time.Sleep(delay)
		delay = 0
		return got, err
	}
	return l
}

func TestLeaseCountsFromWhenItWasAskedFor(t *testing.T) {
	for name, delay := range map[string]time.Duration{
		"a quick answer":                       time.Second,
		"an answer after most of the lease":    length - 2*time.Second,
		"an answer as old as the lease":        length,
		"an answer that outlives the lease":    length + time.Second,
		"an answer that outlives several ones": 5 * length,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{}
				unlock, err := slowAnswer(s.lease(), delay).Lock(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for range 40 {
					synctest.Wait()
					if !s.isHeld() {
						t.Fatal("it is held and has ended")
					}
					time.Sleep(time.Second)
				}
				if err := unlock(t.Context()); err != nil || s.isHeld() {
					t.Errorf("unlock: %v, held: %t", err, s.isHeld())
				}
			})
		})
	}
}

// The server tells what the holder has not had time to notice.
func TestUnlockTellsAtOnceOfALostLease(t *testing.T) {
	for name, lose := range map[string]func(s *server){
		"nobody has it":   func(s *server) { s.owner = "" },
		"somebody has it": func(s *server) { s.owner, s.until = "somebody", time.Now().Add(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{}
				unlock := lock(t, s)
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

// Whether it was got nobody knows, so that nobody would give it back later.
func TestAcquireOfUnknownOutcomeIsGivenBackOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, cut := &server{}, errors.New("cut off")
		l := s.lease()
		acquire, release := l.Acquire, l.Release
		owner, released := "", 0
		l.Acquire = func(ctx context.Context, o string) (bool, error) {
			owner = o
			_, _ = acquire(ctx, o)
			return false, cut
		}
		l.Release = func(ctx context.Context, o string) (bool, error) {
			if released++; o != owner {
				t.Error("it was released for another owner")
			}
			return release(ctx, o)
		}
		if _, err := l.Lock(t.Context()); !errors.Is(err, cut) {
			t.Errorf("Lock: %v, want %v", err, cut)
		}
		synctest.Wait()
		if released != 1 || s.isHeld() {
			t.Errorf("released %d times, held: %t; want once and not", released, s.isHeld())
		}
	})
}
