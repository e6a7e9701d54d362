package spotipie

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// defaultTokenRequests is how many token requests the sessions of one app make
// at the same time.
const defaultTokenRequests = 32

// maxSlotJitter is how long whoever had to wait for a slot waits beyond it, so
// that many renewals at once do not go off in step.
const maxSlotJitter = 20 * time.Millisecond

// slots limits how many do something at the same time. Those who wait get in in
// the order in which they came.
type slots struct {
	all     int
	mu      sync.Mutex
	free    int
	waiting []chan struct{}
}

func newSlots(n int) *slots { return &slots{all: n, free: n} }

// take waits for a slot. The returned function gives it back.
func (s *slots) take(ctx context.Context) (giveBack func(), err error) {
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return s.giveBack, nil
	}
	turn := make(chan struct{})
	s.waiting = append(s.waiting, turn)
	s.mu.Unlock()
	select {
	case <-turn:
		sleep(ctx, rand.N(maxSlotJitter))
		return s.giveBack, nil
	case <-ctx.Done():
		s.leave(turn)
		return nil, context.Cause(ctx)
	}
}

// numbers returns how many have a slot and how many wait for one.
func (s *slots) numbers() (taken, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all - s.free, len(s.waiting)
}

func (s *slots) giveBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		s.free++
		return
	}
	close(s.waiting[0])
	s.waiting = slices.Delete(s.waiting, 0, 1)
}

// leave takes somebody out of the queue who may have been let in meanwhile.
func (s *slots) leave(turn chan struct{}) {
	s.mu.Lock()
	i := slices.Index(s.waiting, turn)
	if i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	}
	s.mu.Unlock()
	if i < 0 {
		s.giveBack()
	}
}

// sleep waits for d or until ctx ends, and reports whether d has passed.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
