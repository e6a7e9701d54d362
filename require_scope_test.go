package spotipie_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// TestRequireScopeLooksIntoTheStore checks that a program that has just started knows
// what the user granted earlier.
func TestRequireScopeLooksIntoTheStore(t *testing.T) {
	isInsufficient := func(missing string) func(error) bool {
		return func(err error) bool {
			var less *spotipie.InsufficientScopeError
			return errors.As(err, &less) && less.Missing.String() == missing
		}
	}
	for name, test := range map[string]struct {
		saved  string // the scope of the stored token
		before func(*hookedStore)
		needed []spotipie.Scope
		check  func(error) bool
		within time.Duration
	}{
		"all there":        {"streaming user-top-read", nil, []spotipie.Scope{"streaming"}, func(err error) bool { return err == nil }, 0},
		"nothing needed":   {"streaming", nil, nil, func(err error) bool { return err == nil }, 0},
		"one missing":      {"streaming", nil, []spotipie.Scope{"streaming", "user-top-read"}, isInsufficient("user-top-read"), 0},
		"nobody signed in": {"", nil, []spotipie.Scope{"streaming"}, func(err error) bool { return errors.Is(err, spotipie.ErrNotAuthorized) }, 0},
		"a store that fails": {"streaming", func(store *hookedStore) { store.load.set(fails) }, []spotipie.Scope{"streaming"},
			func(err error) bool { return errors.Is(err, errStore) && isStoreError(err, "load") }, 0},
		"a store that hangs": {"streaming", func(store *hookedStore) { store.load.set(hangs) }, []spotipie.Scope{"streaming"},
			func(err error) bool { return errors.Is(err, context.DeadlineExceeded) && isStoreError(err, "load") }, 10 * time.Second},
		"another app's record": {"streaming", func(store *hookedStore) {
			rec, _, _ := store.MemoryStore.Load(context.Background(), adaKey)
			rec.ClientID = "another"
			_, _ = store.MemoryStore.Swap(context.Background(), adaKey, rec.Version, rec)
		}, []spotipie.Scope{"streaming"}, func(err error) bool {
			var mismatch *spotipie.RecordMismatchError
			return errors.As(err, &mismatch)
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newHookedStore()
				if test.saved != "" {
					tok, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "A0", ExpiresIn: time.Hour, Scope: spotipie.ParseScopes(test.saved)})
					if err != nil {
						t.Fatal(err)
					}
					if err := offline(t, &services{}, store, nil).SetToken(t.Context(), tok); err != nil {
						t.Fatal(err)
					}
				}
				if test.before != nil {
					test.before(store)
				}
				started := time.Now()
				if err := spotipie.RequireScope(offline(t, &services{}, store, nil), test.needed...); !test.check(err) {
					t.Errorf("RequireScope: %v", err)
				}
				if waited := time.Since(started); waited > test.within {
					t.Errorf("it took %s", waited)
				}
			})
		})
	}
}

// TestRequireScopeOfATokenInMemory checks that RequireScope does not read the store, and
// that it fails for a closed or zero session.
func TestRequireScopeOfATokenInMemory(t *testing.T) {
	store := newHookedStore()
	s := offline(t, &services{}, store, nil)
	set(t, s, time.Hour)
	store.load.set(fails)
	if err := spotipie.RequireScope(s); err != nil {
		t.Errorf("RequireScope: %v", err)
	}
	if err := spotipie.RequireScope(&spotipie.ClientCredentialsSession{}, "streaming"); err == nil {
		t.Error("no error of a zero session")
	}
	closed := offline(t, &services{}, nil, nil)
	_ = closed.Close(t.Context())
	if err := spotipie.RequireScope(closed, "streaming"); !errors.Is(err, spotipie.ErrClosed) {
		t.Errorf("of a closed session: %v", err)
	}
}
