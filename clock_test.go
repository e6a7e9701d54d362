package spotipie_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

func onClock(wall *clock) func(*spotipie.Options) {
	return func(o *spotipie.Options) { o.Now = wall.now }
}

// TestClockThatWasAheadAndIsSetRight checks that a token that was received while the
// clock was ahead does not live too long after the clock is set right.
func TestClockThatWasAheadAndIsSetRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{}
		var wall clock
		s := offline(t, spotify, nil, onClock(&wall))
		set(t, s, time.Hour)
		wall.ahead(365 * 24 * time.Hour)
		token(t, s) // received while the clock is wrong
		expectRequests(t, spotify, 1)
		wall.ahead(48 * time.Hour)
		if tok := token(t, s); tok.AccessToken() != "A2" {
			t.Errorf("two days later got %s, which lived for an hour", tokenNames(tok))
		}
		wall.ahead(48*time.Hour + 30*time.Minute)
		token(t, s)
		expectRequests(t, spotify, 2)
	})
}

// TestClockThatWasAheadAndNothingToRenew checks that a token expires one lifetime
// later at the latest, even if nobody knows how old it is.
func TestClockThatWasAheadAndNothingToRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wall clock
		s := offline(t, &services{}, nil, onClock(&wall))
		wall.ahead(0)
		tok, err := spotipie.NewToken(spotipie.TokenFields{
			AccessToken: "A0", ExpiresIn: time.Hour, ExpiresAt: time.Now().Add(365 * 24 * time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetToken(t.Context(), tok); err != nil {
			t.Fatal(err)
		}
		token(t, s)
		time.Sleep(59 * time.Minute)
		token(t, s)
		time.Sleep(2 * time.Minute)
		if tok, err := s.Token(t.Context()); err == nil {
			t.Errorf("after more than its lifetime got %s", tokenNames(tok))
		}
	})
}

// TestClockThatIsSetBackAsARenewalBegins checks that the renewal finds nothing to do,
// and that the next one begins when it is due again.
func TestClockThatIsSetBackAsARenewalBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		var wall clock
		s := offline(t, spotify, store, onClock(&wall))
		old := set(t, s, time.Hour)
		wall.ahead(57 * time.Minute)
		store.lock.set(once(func() { wall.ahead(27 * time.Minute) }))
		token(t, s)
		synctest.Wait()
		expectRequests(t, spotify, 0)
		wall.ahead(57 * time.Minute)
		if tok := token(t, s); tok != old {
			t.Errorf("got %s, want the stale token", tokenNames(tok))
		}
		synctest.Wait()
		expectRequests(t, spotify, 1)
		expectTokens(t, s, store, "A1", "R1")
	})
}

// TestTokenWithoutALifetimeHasWindows checks that the time that is left counts as the
// lifetime.
func TestTokenWithoutALifetimeHasWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{}
		s := offline(t, spotify, nil, nil)
		tok, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "A0", RefreshToken: "R0", ExpiresAt: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if tok.ExpiresIn() != time.Hour {
			t.Errorf("lifetime %s, want an hour", tok.ExpiresIn())
		}
		if err := s.SetToken(t.Context(), tok); err != nil {
			t.Fatal(err)
		}
		time.Sleep(53 * time.Minute)
		token(t, s)
		synctest.Wait()
		expectRequests(t, spotify, 0)
		time.Sleep(4 * time.Minute)
		if got := token(t, s); got.AccessToken() != "A0" {
			t.Errorf("got %s, want the stale token", tokenNames(got))
		}
		synctest.Wait()
		expectRequests(t, spotify, 1)
	})
}

func TestConsentIsRememberedWhenItsTokenIsSetAgain(t *testing.T) {
	consent := time.Date(2026, time.July, 1, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		refreshToken string
		want         time.Time
	}{
		"the same authorization": {"R0", consent},
		"another":                {"R-other", time.Time{}},
		"no refresh token":       {"", time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			store := newHookedStore()
			rec := spotipie.Record{Token: tokenOf("A0", "R0", time.Hour), ClientID: "id", AuthorizedAt: consent}
			if test.refreshToken == "" {
				rec.Token = tokenOf("A0", "", time.Hour)
			}
			if _, err := store.MemoryStore.Swap(t.Context(), adaKey, 0, rec); err != nil {
				t.Fatal(err)
			}
			s := offline(t, &services{}, store, nil) // a new process that has not loaded anything yet
			if err := s.SetToken(t.Context(), tokenOf("A9", test.refreshToken, time.Hour)); err != nil {
				t.Fatal(err)
			}
			rec, _, _ = store.MemoryStore.Load(t.Context(), adaKey)
			if !s.AuthorizedAt().Equal(test.want) || !rec.AuthorizedAt.Equal(test.want) {
				t.Errorf("AuthorizedAt is %s, in the store %s, want %s", s.AuthorizedAt(), rec.AuthorizedAt, test.want)
			}
		})
	}
}
