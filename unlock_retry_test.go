package spotipie_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// A store that fails over is away for some seconds: the lock is given back when it
// is there again, and nobody waits for the lease.
func TestLockIsGivenBackWhenTheStoreIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		s := offline(t, &services{}, store, nil)
		set(t, s, time.Hour)
		back := time.Now().Add(10 * time.Second)
		store.unlock.set(func(context.Context) error {
			if time.Now().Before(back) {
				return errors.New("connection refused")
			}
			return nil
		})
		if _, err := s.RefreshToken(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 13*time.Second)
		defer cancel()
		unlock, err := store.MemoryStore.Lock(ctx, adaKey)
		if err != nil {
			t.Fatalf("the lock was not given back: %v", err)
		}
		_ = unlock(ctx)
	})
}

// Closing does not wait for a store that is away.
func TestCloseWhileALockCannotBeGivenBack(t *testing.T) {
	for name, wait := range map[string]time.Duration{"at once": 0, "later": 5 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told []error
				store := newHookedStore()
				s := offline(t, &services{}, store, func(o *spotipie.Options) { o.OnError = func(err error) { told = append(told, err) } })
				set(t, s, time.Hour)
				store.unlock.set(fails)
				if _, err := s.RefreshToken(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(wait)
				started := time.Now()
				if err := s.Close(t.Context()); err != nil {
					t.Errorf("Close: %v", err)
				}
				var failed *spotipie.StoreError
				if took := time.Since(started); took > 2*time.Second || len(told) != 1 || !errors.As(told[0], &failed) || failed.Op != "unlock" {
					t.Errorf("Close took %s, and OnError was told %v", took, told)
				}
			})
		})
	}
}
