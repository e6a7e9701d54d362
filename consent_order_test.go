package spotipie_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// TestDecisionOfTheUserCountsWhateverTheClocksSay sets the clock of one process three
// hours ahead. The user's later login or logout must still replace the earlier one,
// even in a process that does not know of the earlier one.
func TestDecisionOfTheUserCountsWhateverTheClocksSay(t *testing.T) {
	type session = *spotipie.AuthorizationCodeSession
	signIn := func(t *testing.T, s session) {
		t.Helper()
		if _, err := login(t, s); err != nil {
			t.Errorf("the login: %v", err)
		}
	}
	logOut := func(t *testing.T, s session) {
		t.Helper()
		if err := s.Logout(t.Context()); err != nil {
			t.Errorf("Logout: %v", err)
		}
	}
	for name, test := range map[string]struct {
		happens func(t *testing.T, ahead, right, other session, store *hookedStore)
		want    string // the access token; empty: nobody is signed in
	}{
		"login after a login": {func(t *testing.T, ahead, right, _ session, _ *hookedStore) {
			signIn(t, ahead)
			signIn(t, right)
		}, "A2"},
		"login after a login, while the record is read": {func(t *testing.T, ahead, right, _ session, store *hookedStore) {
			signIn(t, ahead)
			slow := once(func() { time.Sleep(time.Second) })
			store.loaded.set(func() { _ = slow(t.Context()) })
			store.swap.set(func(context.Context) error { time.Sleep(2 * time.Second); return nil })
			go func() { _, _ = right.Load(context.Background()) }()
			synctest.Wait()
			signIn(t, right)
		}, "A2"},
		"login after a login that it does not know, by who knows an earlier one": {func(t *testing.T, ahead, right, _ session, _ *hookedStore) {
			signIn(t, ahead)
			meetings["Load"](t, right)
			time.Sleep(time.Minute)
			signIn(t, ahead)
			time.Sleep(time.Minute)
			signIn(t, right)
		}, "A3"},
		"logout after a login": {func(t *testing.T, ahead, right, _ session, _ *hookedStore) {
			signIn(t, ahead)
			logOut(t, right)
		}, ""},
		"logout after a login, deleted at the second attempt": {func(t *testing.T, ahead, right, _ session, store *hookedStore) {
			signIn(t, ahead)
			first := true
			store.remove.set(func(context.Context) error {
				if first {
					first = false
					return errStore
				}
				return nil
			})
			logOut(t, right)
		}, ""},
		"login after a logout": {func(t *testing.T, ahead, right, _ session, _ *hookedStore) {
			signIn(t, ahead)
			logOut(t, ahead)
			signIn(t, right)
		}, "A2"},
		"login after a logout by a third": {func(t *testing.T, ahead, right, other session, _ *hookedStore) {
			signIn(t, ahead)
			logOut(t, other)
			signIn(t, right)
		}, "A2"},
		"login after a logout by a third that had signed in": {func(t *testing.T, ahead, right, other session, _ *hookedStore) {
			signIn(t, other)
			signIn(t, ahead)
			meetings["Load"](t, other)
			logOut(t, other)
			signIn(t, right)
		}, "A3"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newHookedStore(), &services{}
				var wall clock
				wall.ahead(3 * time.Hour)
				ahead := offline(t, spotify, store, func(o *spotipie.Options) { o.Now = wall.now })
				right, other := offline(t, spotify, store, nil), offline(t, spotify, store, nil)
				test.happens(t, ahead, right, other, store)
				time.Sleep(time.Second)
				for who, s := range map[string]session{"right": right, "ahead": ahead, "other": other} {
					tok, err := s.Load(t.Context())
					if err != nil {
						t.Errorf("Load: %v", err)
					}
					if tok == nil && test.want != "" || tok != nil && tok.AccessToken() != test.want {
						t.Errorf("%s has %s, want %q", who, tokenNames(tok), test.want)
					}
				}
				time.Sleep(time.Second)
				rec, _, err := store.MemoryStore.Load(t.Context(), adaKey)
				if err != nil || rec.Token == nil && test.want != "" || rec.Token != nil && rec.Token.AccessToken() != test.want {
					t.Errorf("the store has %s, want %q", tokenNames(rec.Token), test.want)
				}
			})
		})
	}
}
