package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// TestTokenIsDeadByOneClock checks that a token does not live longer because the
// wall clock is set back, by more or less than the token's age.
func TestTokenIsDeadByOneClock(t *testing.T) {
	for name, back := range map[string]time.Duration{
		"a minute": time.Minute, "less than its age": 40 * time.Minute, "just its age": 50 * time.Minute, "more than its age": 5 * time.Hour,
	} {
		for source, begin := range map[string]func(*testing.T, *clock, *hookedStore, *services) *spotipie.AuthorizationCodeSession{
			"set": func(t *testing.T, wall *clock, store *hookedStore, spotify *services) *spotipie.AuthorizationCodeSession {
				s := offline(t, spotify, store, onClock(wall))
				set(t, s, time.Hour)
				return s
			},
			"renewed": func(t *testing.T, wall *clock, store *hookedStore, spotify *services) *spotipie.AuthorizationCodeSession {
				s := offline(t, spotify, store, onClock(wall))
				set(t, s, time.Hour)
				if _, err := s.RefreshToken(t.Context()); err != nil {
					t.Fatal(err)
				}
				return s
			},
			"loaded": func(t *testing.T, wall *clock, store *hookedStore, spotify *services) *spotipie.AuthorizationCodeSession {
				set(t, offline(t, spotify, store, onClock(wall)), time.Hour)
				s := offline(t, spotify, store, onClock(wall))
				token(t, s)
				return s
			},
		} {
			t.Run(source+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store, spotify := newHookedStore(), &services{}
					var wall clock
					s := begin(t, &wall, store, spotify)
					before := spotify.requests()
					old := token(t, s)
					time.Sleep(50 * time.Minute)
					wall.ahead(-back)
					time.Sleep(10 * time.Minute) // now the token is an hour old
					if tok := token(t, s); tok.AccessToken() == old.AccessToken() {
						t.Error("the session returned a token that is an hour old")
					}
					resp := get(t, s, "/v1/me", nil)
					if resp.StatusCode != 200 {
						t.Errorf("status %d", resp.StatusCode)
					}
					expectRequests(t, spotify, before+1)
				})
			})
		}
	}
}

// TestTokenThatCannotBeRenewedIsDeadByOneClock checks the same for a token without
// a refresh token.
func TestTokenThatCannotBeRenewedIsDeadByOneClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wall clock
		s := offline(t, &services{}, nil, onClock(&wall))
		if err := s.SetToken(t.Context(), tokenOf("A0", "", time.Hour)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		wall.ahead(-20 * time.Minute)
		token(t, s)
		time.Sleep(30 * time.Minute)
		if tok, err := s.Token(t.Context()); !errors.Is(err, spotipie.ErrTokenExpired) {
			t.Errorf("got %s, %v, want ErrTokenExpired", tokenNames(tok), err)
		}
	})
}

// TestEarlyRefreshIsAQuarterAtMost checks that a new token is never due for renewal,
// whatever the option says.
func TestEarlyRefreshIsAQuarterAtMost(t *testing.T) {
	for name, early := range map[string]time.Duration{
		"the largest duration": math.MaxInt64, "near it": math.MaxInt64 / 10 * 9, "a hundred years": 100 * 365 * 24 * time.Hour,
		"a lifetime": time.Hour, "negative": -time.Hour, "the smallest duration": math.MinInt64,
	} {
		t.Run(name, func(t *testing.T) {
			for range 20 { // the jitter differs
				synctest.Test(t, func(t *testing.T) {
					spotify := &services{}
					s := offline(t, spotify, nil, func(o *spotipie.Options) { o.EarlyRefresh = early })
					set(t, s, time.Hour)
					for range 44 {
						token(t, s)
						time.Sleep(time.Minute)
					}
					synctest.Wait()
					expectRequests(t, spotify, 0)
					time.Sleep(15 * time.Minute)
					token(t, s)
					synctest.Wait()
					expectRequests(t, spotify, 1)
				})
			}
		})
	}
}

// TestLargestTimeouts checks that the largest duration means no limit. It must not
// overflow to a time in the past.
func TestLargestTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{before: func(int) { time.Sleep(time.Minute) }}
		s := offline(t, spotify, store, func(o *spotipie.Options) {
			o.RefreshTimeout, o.LockTimeout = math.MaxInt64, math.MaxInt64
		})
		s.OnTokenUpdated(func(ctx context.Context, _ spotipie.TokenUpdated) error { return ctx.Err() })
		set(t, s, time.Hour)
		time.Sleep(2 * time.Hour)
		if tok := token(t, s); tok.AccessToken() != "A1" {
			t.Errorf("got %s", tokenNames(tok))
		}
		for n := 2; n <= 6; n++ { // soon after each other, so that the last ones must wait
			change(t, store, func(rec *spotipie.Record) {
				rec.Token, rec.Renewals = tokenOf("other", fmt.Sprint("R-other", n), 0), rec.Renewals+1
			})
			if _, err := s.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			if tok := token(t, s); tok.AccessToken() != fmt.Sprint("A", n) {
				t.Errorf("got %s, want A%d", tokenNames(tok), n)
			}
		}
	})
}

// TestReauthorizeByIsSixMonthsAfterTheConsent checks that it is the same day of the
// month, or the last day of a month without that day.
func TestReauthorizeByIsSixMonthsAfterTheConsent(t *testing.T) {
	for consent, want := range map[string]string{
		"2026-07-20": "2027-01-20",
		"2026-08-27": "2027-02-27",
		"2026-08-28": "2027-02-28",
		"2026-08-29": "2027-02-28",
		"2026-08-30": "2027-02-28",
		"2026-08-31": "2027-02-28",
		"2027-08-29": "2028-02-29", // a leap year
		"2027-08-31": "2028-02-29",
		"2028-02-29": "2028-08-29",
		"2026-03-31": "2026-09-30",
		"2026-05-31": "2026-11-30",
		"2026-10-31": "2027-04-30",
		"2026-12-31": "2027-06-30",
		"2026-01-31": "2026-07-31",
	} {
		t.Run(consent, func(t *testing.T) {
			day, err := time.Parse(time.DateOnly, consent)
			if err != nil {
				t.Fatal(err)
			}
			at := day.Add(23*time.Hour + 59*time.Minute)
			var announced time.Time
			s := offline(t, &services{}, nil, nil)
			s.OnTokenUpdated(func(_ context.Context, e spotipie.TokenUpdated) error { announced = e.ReauthorizeBy; return nil })
			if err := s.SetRecord(t.Context(), spotipie.Record{Token: tokenOf("A0", "R0", time.Hour), AuthorizedAt: at}); err != nil {
				t.Fatal(err)
			}
			if by := s.ReauthorizeBy(); by.Format(time.DateOnly) != want || by.Hour() != 23 || !announced.Equal(by) {
				t.Errorf("ReauthorizeBy is %s, announced %s, want %s at the same time of day", by, announced, want)
			}
		})
	}
}

// TestConsentAtATimeThatMakesNoSense checks that such a time in a record, which a session
// cannot have, counts as not known.
func TestConsentAtATimeThatMakesNoSense(t *testing.T) {
	for _, at := range []time.Time{time.Unix(-1<<62, 0), time.Unix(1<<62, 0), time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)} {
		for name, learn := range map[string]func(*testing.T, *spotipie.AuthorizationCodeSession, *hookedStore){
			"SetRecord": func(t *testing.T, s *spotipie.AuthorizationCodeSession, _ *hookedStore) {
				if err := s.SetRecord(t.Context(), spotipie.Record{Token: tokenOf("A", "R", time.Hour), AuthorizedAt: at}); err != nil {
					t.Fatal(err)
				}
			},
			"Load": func(t *testing.T, s *spotipie.AuthorizationCodeSession, store *hookedStore) {
				change(t, store, func(rec *spotipie.Record) {
					*rec = spotipie.Record{Token: tokenOf("A", "R", time.Hour), ClientID: "id", AuthorizedAt: at, Version: rec.Version}
				})
				if _, err := s.Load(t.Context()); err != nil {
					t.Fatal(err)
				}
			},
		} {
			t.Run(fmt.Sprint(name, " ", at.Year()), func(t *testing.T) {
				store := newHookedStore()
				s := offline(t, &services{}, store, nil)
				learn(t, s, store)
				if !s.AuthorizedAt().IsZero() || !s.ReauthorizeBy().IsZero() {
					t.Errorf("authorized at %s, again by %s", s.AuthorizedAt(), s.ReauthorizeBy())
				}
			})
		}
	}
}
