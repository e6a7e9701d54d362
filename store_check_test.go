package spotipie_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// checkedStore is a store with a Check method. It records the calls.
type checkedStore struct {
	*hookedStore
	check hook[func(context.Context) error]

	mu    sync.Mutex
	calls []string
}

func newCheckedStore() *checkedStore {
	c := &checkedStore{hookedStore: newHookedStore()}
	c.lock.set(c.note("lock"))
	c.unlock.set(c.note("unlock"))
	c.load.set(c.note("load"))
	c.swap.set(c.note("swap"))
	return c
}

func (c *checkedStore) note(call string) func(context.Context) error {
	return func(context.Context) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.calls = append(c.calls, call)
		return nil
	}
}

// Check implements spotipie.Checker.
func (c *checkedStore) Check(ctx context.Context, _ spotipie.Key) error {
	_ = c.note("check")(ctx)
	if check := c.check.get(); check != nil {
		return check(ctx)
	}
	return ctx.Err()
}

func (c *checkedStore) since(do func()) []string {
	c.mu.Lock()
	from := len(c.calls)
	c.mu.Unlock()
	do()
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls[from:])
}

// TestStoreIsAskedBeforeSpotifyIs checks that the holder of the lock calls Check just
// before the request.
func TestStoreIsAskedBeforeSpotifyIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newCheckedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		spotify.before = func(int) { _ = store.note("request")(t.Context()) }
		time.Sleep(2 * time.Hour)
		calls := store.since(func() {
			token(t, s)
			synctest.Wait()
		})
		want := []string{"lock", "load", "check", "request", "swap", "unlock"}
		if !slices.Equal(calls, want) {
			t.Errorf("the calls were %q, want %q", calls, want)
		}
	})
}

// TestSpotifyIsNotAskedIfTheAnswerCouldNotBeSaved makes Check fail: the store is full,
// read-only or unreachable, or the lock is lost. The refresh token must still work when
// the store works again.
func TestSpotifyIsNotAskedIfTheAnswerCouldNotBeSaved(t *testing.T) {
	type session = *spotipie.AuthorizationCodeSession
	for how, check := range map[string]struct {
		does  func(context.Context) error
		takes time.Duration
	}{
		"fails": {fails, 0},
		"hangs": {hangs, 5 * time.Second},
	} {
		for name, ask := range map[string]func(context.Context, session) error{
			"Token":        func(ctx context.Context, s session) error { _, err := s.Token(ctx); return err },
			"RefreshToken": func(ctx context.Context, s session) error { _, err := s.RefreshToken(ctx); return err },
			"Request": func(ctx context.Context, s session) error {
				resp, err := s.Request(ctx, "GET", "/v1/me", nil)
				if err == nil {
					_ = resp.Body.Close()
				}
				return err
			},
		} {
			t.Run(name+", the check "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store, spotify := newCheckedStore(), &services{}
					spotify.singleUse(0)
					s := offline(t, spotify, store, nil)
					set(t, s, time.Hour)
					time.Sleep(2 * time.Hour)
					store.check.set(check.does)
					store.swap.set(fails)
					started := time.Now()
					err := ask(t.Context(), s)
					var storeErr *spotipie.StoreError
					if !errors.As(err, &storeErr) || storeErr.Op != "check" || time.Since(started) != check.takes {
						t.Errorf("after %s: %v, want a StoreError of the check after %s", time.Since(started), err, check.takes)
					}
					expectRequests(t, spotify, 0)
					store.check.set(nil)
					store.swap.set(nil)
					time.Sleep(5 * time.Second)
					token(t, s)
					expectTokens(t, s, store.hookedStore, "A1", "R1")
				})
			})
		}
	}
}

func TestStaleTokenIsHandedOutThoughTheCheckFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newCheckedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		store.check.set(fails)
		time.Sleep(57 * time.Minute)
		if tok := token(t, s); tok.AccessToken() != "A0" {
			t.Errorf("got %s", tokenNames(tok))
		}
		synctest.Wait()
		expectRequests(t, spotify, 0)
	})
}

// TestHolderThatHasLostItsLockTakesWhatOthersSaved suspends a holder for longer than its
// lease while another process renews the token. No caller may fail.
func TestHolderThatHasLostItsLockTakesWhatOthersSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newCheckedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		time.Sleep(2 * time.Hour)
		store.check.set(func(context.Context) error {
			change(t, store.hookedStore, func(rec *spotipie.Record) { rec.Token = tokenOf("other", "R-other", time.Hour) })
			return errors.New("the lock is lost")
		})
		if tok := token(t, s); tok.AccessToken() != "other" {
			t.Errorf("got %s, want the token of the other process", tokenNames(tok))
		}
		expectRequests(t, spotify, 0)
	})
}
