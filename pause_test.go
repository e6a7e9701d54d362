package spotipie_test

import (
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/adapter"
)

// TestRetryAfterIsKeptBehindAnAdapter checks that the session keeps the token
// endpoint's pause, whatever adapter sends the requests.
func TestRetryAfterIsKeptBehindAnAdapter(t *testing.T) {
	for name, wrap := range map[string]func(http.RoundTripper) http.RoundTripper{
		"no adapter":      func(rt http.RoundTripper) http.RoundTripper { return rt },
		"retry":           func(rt http.RoundTripper) http.RoundTripper { return adapter.NewRetry(rt, nil) },
		"pause":           func(rt http.RoundTripper) http.RoundTripper { return adapter.NewPause(rt, nil) },
		"pause and retry": func(rt http.RoundTripper) http.RoundTripper { return adapter.NewRetry(adapter.NewPause(rt, nil), nil) },
	} {
		for elapsed, age := range map[string]time.Duration{"stale": 57 * time.Minute, "expired": 2 * time.Hour} {
			t.Run(name+", "+elapsed, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					spotify := &services{token: status(http.StatusTooManyRequests, "Retry-After", "7200")}
					s := offline(t, wrap(spotify), nil, nil)
					set(t, s, time.Hour)
					time.Sleep(age)
					started := time.Now()
					for time.Since(started) < 2*time.Hour {
						_, _ = s.Token(t.Context())
						synctest.Wait()
						time.Sleep(10 * time.Second)
					}
					expectRequests(t, spotify, 1)
				})
			})
		}
	}
}

// TestPauseUntilADateByAWrongClock checks that a date in Retry-After counts from the
// answer's own Date, so that a pause of seconds does not become one of hours.
func TestPauseUntilADateByAWrongClock(t *testing.T) {
	for _, wrong := range []time.Duration{-5 * time.Hour, 0, 5 * time.Hour} {
		t.Run(wrong.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var wall clock
				spotify := &services{token: func(n int, req *http.Request) (*http.Response, error) {
					if n > 1 {
						return respond(req, http.StatusOK, renewed(n)), nil
					}
					now := time.Now().UTC()
					return respond(req, http.StatusTooManyRequests, "", "Date", now.Format(http.TimeFormat),
						"Retry-After", now.Add(10*time.Second).Format(http.TimeFormat)), nil
				}}
				s := offline(t, spotify, nil, func(o *spotipie.Options) { o.Now = wall.now })
				wall.ahead(wrong)
				set(t, s, time.Hour)
				if _, err := s.RefreshToken(t.Context()); !isStatus(err, http.StatusTooManyRequests) {
					t.Errorf("got error %v, want the 429", err)
				}
				time.Sleep(9 * time.Second)
				if _, err := s.RefreshToken(t.Context()); !isStatus(err, http.StatusTooManyRequests) {
					t.Errorf("after 9 s: %v, want the 429", err)
				}
				time.Sleep(2 * time.Second)
				if _, err := s.RefreshToken(t.Context()); err != nil {
					t.Errorf("after 11 s: %v", err)
				}
				expectRequests(t, spotify, 2)
			})
		})
	}
}

// TestPauseOutlivesOtherFailures checks that other failures do not shorten the token
// endpoint's pause.
func TestPauseOutlivesOtherFailures(t *testing.T) {
	for name, trouble := range map[string]func(*testing.T, *spotipie.AuthorizationCodeSession, *hookedStore){
		"the store fails to load": func(_ *testing.T, _ *spotipie.AuthorizationCodeSession, store *hookedStore) { store.load.set(fails) },
		"the store fails to lock": func(_ *testing.T, _ *spotipie.AuthorizationCodeSession, store *hookedStore) { store.lock.set(fails) },
		"another token is set": func(t *testing.T, s *spotipie.AuthorizationCodeSession, _ *hookedStore) {
			if err := s.SetToken(t.Context(), tokenOf("B0", "RB", time.Second)); err != nil {
				t.Error(err)
			}
		},
		"the user logs in again": func(t *testing.T, s *spotipie.AuthorizationCodeSession, _ *hookedStore) {
			if _, err := login(t, s); !isStatus(err, http.StatusTooManyRequests) {
				t.Errorf("login: %v, want the 429", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newHookedStore(), &services{token: status(http.StatusTooManyRequests, "Retry-After", "600")}
				s := offline(t, spotify, store, nil)
				set(t, s, time.Hour)
				time.Sleep(2 * time.Hour)
				started := time.Now()
				if _, err := s.Token(t.Context()); !isStatus(err, http.StatusTooManyRequests) {
					t.Fatalf("Token: %v, want the 429", err)
				}
				time.Sleep(2 * time.Second)
				trouble(t, s, store)
				_, _ = s.Token(t.Context())
				time.Sleep(2 * time.Second)
				store.load.set(nil)
				store.lock.set(nil)
				for time.Since(started) < 10*time.Minute {
					_, _ = s.Token(t.Context())
					_, _ = s.RefreshToken(t.Context())
					time.Sleep(time.Second)
				}
				expectRequests(t, spotify, 1)
			})
		})
	}
}

// TestPauseLongerThanAnyClock lets a transport ask for a pause so long that adding it to
// the time would overflow.
func TestPauseLongerThanAnyClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{token: func(int, *http.Request) (*http.Response, error) {
			return nil, &spotipie.RateLimitError{StatusCode: 429, RetryAfter: math.MaxInt64}
		}}
		s := offline(t, spotify, nil, nil)
		set(t, s, time.Hour)
		for range 3 {
			time.Sleep(time.Minute)
			if _, err := s.RefreshToken(t.Context()); err == nil {
				t.Error("RefreshToken in the pause has succeeded")
			}
		}
		expectRequests(t, spotify, 1)
	})
}

// TestPauseOfYearsLastsADay lets a gateway write a time since 1970 into Retry-After. The
// session asks again after a day, the longest pause that Spotify asks for: in half a
// year its refresh token would be dead.
func TestPauseOfYearsLastsADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{token: statusOnce(http.StatusServiceUnavailable, "Retry-After", "1795788000")}
		s := offline(t, spotify, nil, nil)
		set(t, s, time.Hour)
		time.Sleep(2 * time.Hour)
		start := time.Now()
		for time.Since(start) < 24*time.Hour {
			if _, err := s.Token(t.Context()); !isStatus(err, http.StatusServiceUnavailable) {
				t.Fatalf("after %s: %v, want the 503", time.Since(start), err)
			}
			time.Sleep(time.Hour)
		}
		if tok := token(t, s); tok.AccessToken() != "A2" {
			t.Errorf("after a day got %s", tokenNames(tok))
		}
	})
}
