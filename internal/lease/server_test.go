package lease_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/lease"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const length = 30 * time.Second

var (
	ada   = spotipie.Key{ClientID: "client", Profile: "ada"}
	grace = spotipie.Key{ClientID: "client", Profile: "grace"}
)

var errHopeless = errors.New("the server does not know you")

// server is a lease.Server in memory, with faults.
type server struct {
	mu    sync.Mutex
	rows  map[spotipie.Key]*row
	asked int

	delay   time.Duration // of every request
	fault   error         // of every request
	late    bool          // the fault comes after the effect
	notices chan struct{} // what Released returns
}

type row struct {
	owner, last, next string
	until, turns      time.Time
}

func samePrefix(a, b string) bool { return strings.HasPrefix(a, b[:lease.OwnerPrefix]) }

// request applies an effect to the row of a key.
func (s *server) request(ctx context.Context, key spotipie.Key, effect func(r *row) bool) (bool, error) {
	s.mu.Lock()
	delay := s.delay
	s.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return false, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.fault != nil && !s.late {
		return false, s.fault
	}
	if s.rows == nil {
		s.rows = make(map[spotipie.Key]*row)
	}
	if s.rows[key] == nil {
		s.rows[key] = &row{}
	}
	r, now := s.rows[key], time.Now()
	if !now.Before(r.until) {
		r.owner = ""
	}
	if !now.Before(r.turns) {
		r.next = ""
	}
	return effect(r), s.fault
}

func (s *server) Acquire(ctx context.Context, key spotipie.Key, owner string, turn time.Duration) (bool, error) {
	return s.request(ctx, key, func(r *row) bool {
		if r.owner != "" && samePrefix(r.owner, owner) && r.owner <= owner {
			r.owner, r.last = "", r.owner
		}
		if r.next != "" && samePrefix(r.next, owner) {
			r.next = ""
		}
		switch {
		case r.owner == "" && r.next != "" && r.last != "" && samePrefix(r.last, owner):
		case r.owner == "":
			r.owner, r.until = owner, time.Now().Add(length)
			return true
		case r.next == "":
			r.next, r.turns = owner, time.Now().Add(turn)
		}
		return false
	})
}

func (s *server) Extend(ctx context.Context, key spotipie.Key, owner string) (bool, error) {
	return s.request(ctx, key, func(r *row) bool {
		if r.owner == owner {
			r.until = time.Now().Add(length)
		}
		return r.owner == owner
	})
}

func (s *server) Release(ctx context.Context, key spotipie.Key, owner string) (bool, error) {
	return s.request(ctx, key, func(r *row) bool {
		if r.owner != owner {
			return false
		}
		r.owner, r.last = "", owner
		if r.next != "" && s.notices != nil {
			s.notices <- struct{}{}
		}
		return true
	})
}

func (s *server) Leave(ctx context.Context, key spotipie.Key, owner string) error {
	_, err := s.request(ctx, key, func(r *row) bool {
		if r.owner == owner {
			r.owner = ""
		}
		if r.next == owner {
			r.next = ""
		}
		return true
	})
	return err
}

func (s *server) Wrap(doing string, _ spotipie.Key, err error) error {
	return fmt.Errorf("%s: %w", doing, err)
}

func (s *server) Hopeless(err error) bool { return errors.Is(err, errHopeless) }

func (s *server) Released(spotipie.Key) (<-chan struct{}, func()) { return s.notices, func() {} }

func (s *server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *server) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// isHeld reports whether somebody holds the lease of ada.
func (s *server) isHeld() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rows[ada]
	return r != nil && r.owner != "" && time.Now().Before(r.until)
}

// locks returns locks that stand for another process.
func (s *server) locks() *lease.Locks { return lease.NewLocks(s, length) }

// lock locks ada.
func lock(t *testing.T, l *lease.Locks) (unlock func(context.Context) error) {
	t.Helper()
	unlock, err := l.Lock(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	return unlock
}

func mustUnlock(t *testing.T, unlock func(context.Context) error) {
	t.Helper()
	if err := unlock(t.Context()); err != nil {
		t.Errorf("unlock: %v", err)
	}
}
