package spotipie

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestSlotsAreGivenInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1, 0)
		giveBack, err := s.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var order []int
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				giveBack, err := s.take(t.Context())
				if err != nil {
					t.Errorf("take: %v", err)
					return
				}
				order = append(order, i) // one at a time
				giveBack()
			})
			synctest.Wait()
		}
		giveBack()
		wg.Wait()
		if !slices.IsSorted(order) || len(order) != 10 {
			t.Errorf("the order was %v", order)
		}
	})
}

// TestWaiterThatLeavesTakesNoSlotAlong checks that no slot is lost when a waiter leaves
// early, or just when it gets its slot.
func TestWaiterThatLeavesTakesNoSlotAlong(t *testing.T) {
	for name, leave := range map[string]func(cancel, giveBack func()){
		"before a slot is free": func(cancel, giveBack func()) {
			cancel()
			synctest.Wait()
			giveBack()
		},
		"when a slot is free": func(cancel, giveBack func()) {
			giveBack()
			cancel()
		},
		"at the same moment": func(cancel, giveBack func()) {
			cancel()
			giveBack()
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 100 {
				synctest.Test(t, func(t *testing.T) {
					s := newSlots(1, 0)
					giveBack, err := s.take(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					ctx, cancel := context.WithCancel(t.Context())
					go func() {
						giveBack, err := s.take(ctx)
						if err == nil {
							giveBack()
						} else if !errors.Is(err, context.Canceled) {
							t.Errorf("take: %v", err)
						}
					}()
					synctest.Wait()
					leave(cancel, giveBack)
					time.Sleep(time.Second)
					in, stop := context.WithTimeout(t.Context(), time.Second)
					defer stop()
					if _, err := s.take(in); err != nil {
						t.Errorf("the slot is gone: %v", err)
					}
				})
			}
		})
	}
}
