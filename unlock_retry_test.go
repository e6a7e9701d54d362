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

// slowLockStore takes five seconds to lock, and does not notice that nobody waits any
// more.
type slowLockStore struct{ *hookedStore }

func (s slowLockStore) Lock(ctx context.Context, key spotipie.Key) (func(context.Context) error, error) {
	time.Sleep(5 * time.Second)
	return s.hookedStore.Lock(context.WithoutCancel(ctx), key)
}

// A lock that comes when the session no longer waits for it is given back, or other
// processes would wait for the lease.
func TestLockThatComesTooLateIsGivenBack(t *testing.T) {
	for name, test := range map[string]struct {
		wait      time.Duration
		elsewhere bool // another process renews meanwhile
	}{
		"after the time limit":              {wait: time.Second},
		"after another process has renewed": {wait: time.Minute, elsewhere: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newHookedStore()
				s := offline(t, &services{}, slowLockStore{store}, func(o *spotipie.Options) { o.LockTimeout = test.wait })
				set(t, s, time.Hour)
				time.Sleep(2 * time.Hour)
				if test.elsewhere {
					time.AfterFunc(time.Second, func() {
						change(t, store, func(rec *spotipie.Record) {
							rec.Token, rec.Renewals = tokenOf("other", "R-other", time.Hour), rec.Renewals+1
						})
					})
				}
				if _, err := s.Token(t.Context()); (err == nil) != test.elsewhere {
					t.Errorf("Token: %v", err)
				}
				time.Sleep(5 * time.Second)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				unlock, err := store.MemoryStore.Lock(ctx, adaKey)
				if err != nil {
					t.Fatalf("the lock was not given back: %v", err)
				}
				_ = unlock(ctx)
			})
		})
	}
}
