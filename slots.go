package spotipie

import (
	"container/list"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// defaultTokenRequests is how many token requests the sessions of a pool make at the
// same time.
const defaultTokenRequests = 32

// tokenRequestJitter is the longest additional wait of a token request that had to
// wait for its slot. It spreads out many renewals at the same time.
const tokenRequestJitter = 20 * time.Millisecond

// slots limits how many goroutines do something at the same time. The others
// wait, first come, first served.
type slots struct {
	all     int
	jitter  time.Duration // the longest additional wait of a caller that had to wait
	mu      sync.Mutex
	free    int
	waiting list.List // of channels, which are closed when it is their turn
}

func newSlots(n int, jitter time.Duration) *slots { return &slots{all: n, free: n, jitter: jitter} }

// take waits for a slot. The returned function gives it back.
func (s *slots) take(ctx context.Context) (giveBack func(), err error) {
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return s.giveBack, nil
	}
	turn := make(chan struct{})
	place := s.waiting.PushBack(turn)
	s.mu.Unlock()
	select {
	case <-turn:
		if s.jitter > 0 {
			sleep(ctx, rand.N(s.jitter))
		}
		return s.giveBack, nil
	case <-ctx.Done():
		s.leave(turn, place)
		return nil, context.Cause(ctx)
	}
}

// takeSlot waits for the slot of a token request. Outside a pool it does not wait.
func (a *app) takeSlot(ctx context.Context) (giveBack func(), err error) {
	if a.slots == nil {
		return func() {}, nil
	}
	if giveBack, err = a.slots.take(ctx); err != nil {
		return nil, fmt.Errorf("spotipie: waiting for other token requests of this app: %w", err)
	}
	return giveBack, nil
}

// numbers returns how many callers have a slot and how many wait for one.
func (s *slots) numbers() (taken, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all - s.free, s.waiting.Len()
}

func (s *slots) giveBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := s.waiting.Front()
	if first == nil {
		s.free++
		return
	}
	close(s.waiting.Remove(first).(chan struct{}))
}

// leave removes a caller from the queue. The caller may have got a slot
// meanwhile.
func (s *slots) leave(turn chan struct{}, place *list.Element) {
	s.mu.Lock()
	select {
	case <-turn:
		s.mu.Unlock()
		s.giveBack()
	default:
		s.waiting.Remove(place)
		s.mu.Unlock()
	}
}
