package spotipie_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// status answers token requests with a status. header alternates names and values.
func status(code int, header ...string) func(int, *http.Request) (*http.Response, error) {
	return func(_ int, req *http.Request) (*http.Response, error) { return respond(req, code, "", header...), nil }
}

// statusOnce answers the first token request with a status, and the others with tokens.
func statusOnce(code int, header ...string) func(int, *http.Request) (*http.Response, error) {
	return func(n int, req *http.Request) (*http.Response, error) {
		if n == 1 {
			return respond(req, code, "", header...), nil
		}
		return respond(req, http.StatusOK, renewed(n)), nil
	}
}

// TestRefreshTokenInALoopIsPaced checks that within a second RefreshToken returns the
// same error again, like Token.
func TestRefreshTokenInALoopIsPaced(t *testing.T) {
	for name, code := range map[string]int{"500": 500, "400": 400, "200 with garbage": 200} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				spotify := &services{token: status(code)}
				user, own := offline(t, spotify, nil, nil), app(t, spotify, nil)
				set(t, user, time.Hour)
				for _, s := range []spotipie.RefreshableSession{user, own} {
					before := spotify.requests()
					started := time.Now()
					for time.Since(started) < 9900*time.Millisecond {
						if _, err := s.RefreshToken(t.Context()); !isStatus(err, code) {
							t.Fatalf("RefreshToken: %v, want that of the answer", err)
						}
						time.Sleep(time.Millisecond)
					}
					if n := spotify.requests() - before; n != 10 {
						t.Errorf("%s: %d token requests in ten seconds, want 10", s.Flow(), n)
					}
				}
			})
		})
	}
}

// TestLoginRetriedInALoopIsPaced checks that a callback page that is reloaded again and
// again makes few requests.
func TestLoginRetriedInALoopIsPaced(t *testing.T) {
	for name, test := range map[string]struct {
		token func(int, *http.Request) (*http.Response, error)
		most  int // requests in ten seconds
	}{
		"500":                  {status(500), 11},
		"429":                  {status(429), 11},
		"429 with Retry-After": {status(429, "Retry-After", "120"), 1},
		"no connection":        {func(int, *http.Request) (*http.Response, error) { return nil, errStore }, 11},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				spotify := &services{token: test.token}
				s := offline(t, spotify, nil, nil)
				_, state, err := s.AuthorizationURL(nil)
				if err != nil {
					t.Fatal(err)
				}
				started := time.Now()
				for time.Since(started) < 9900*time.Millisecond {
					if _, err := s.FetchTokenGivenCode(t.Context(), "code", state); err == nil {
						t.Fatal("no error")
					}
					time.Sleep(time.Millisecond)
				}
				if n := spotify.requests(); n < 1 || n > test.most {
					t.Errorf("%d token requests in ten seconds, want %d at most", n, test.most)
				}
				spotify.mu.Lock()
				spotify.token = nil
				spotify.mu.Unlock()
				time.Sleep(2 * time.Minute)
				if _, err := s.FetchTokenGivenCode(t.Context(), "code", state); err != nil {
					t.Errorf("the same callback when the token endpoint is well: %v", err)
				}
			})
		})
	}
}

// TestLifetimesThatAreTooShort checks that a token is used for at least a second, even
// if the answer gives it a shorter lifetime.
func TestLifetimesThatAreTooShort(t *testing.T) {
	for _, seconds := range []int{0, 1, 2, 3} {
		for _, took := range []time.Duration{0, 1500 * time.Millisecond, 4 * time.Second} {
			for _, withStore := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d s, answered after %s, a store: %t", seconds, took, withStore), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { callWithLifetime(t, seconds, took, withStore) })
				})
			}
		}
	}
}

func callWithLifetime(t *testing.T, seconds int, took time.Duration, withStore bool) {
	spotify := &services{before: func(int) { time.Sleep(took) }}
	spotify.token = func(n int, req *http.Request) (*http.Response, error) {
		return respond(req, http.StatusOK, fmt.Sprintf(`{"access_token":"A%d","token_type":"Bearer","expires_in":%d}`, n, seconds)), nil
	}
	var store spotipie.Store
	if withStore {
		store = newHookedStore()
	}
	s := offline(t, spotify, store, nil)
	set(t, s, time.Hour)
	time.Sleep(2 * time.Hour)
	for range 10 {
		begun := time.Now()
		if _, err := s.Token(t.Context()); err != nil {
			t.Fatalf("Token: %v, with the token in hand", err)
		}
		if waited := time.Since(begun); waited > took {
			t.Errorf("Token took %s, want that of one answer", waited)
		}
		for range 100 { // within the second
			token(t, s)
		}
		time.Sleep(time.Second)
	}
	synctest.Wait()
	if n := spotify.requests(); n > 11 {
		t.Errorf("%d token requests in ten rounds of a second", n)
	}
}

// TestSameAccessTokenAgain checks that the session does not ask again if the answer has
// the same access token as before.
func TestSameAccessTokenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{token: func(_ int, req *http.Request) (*http.Response, error) {
			return respond(req, http.StatusOK, `{"access_token":"A0","token_type":"Bearer","expires_in":3600}`), nil
		}}
		s := offline(t, spotify, newHookedStore(), nil)
		set(t, s, time.Hour)
		if tok, err := s.RefreshToken(t.Context()); err != nil || tok.AccessToken() != "A0" {
			t.Errorf("RefreshToken: %s, %v", tokenNames(tok), err)
		}
		expectRequests(t, spotify, 1)
		time.Sleep(2 * time.Hour)
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				if tok, err := s.Token(context.Background()); err != nil || tok.AccessToken() != "A0" {
					t.Errorf("Token: %s, %v", tokenNames(tok), err)
				}
			})
		}
		callers.Wait()
		expectRequests(t, spotify, 2)
	})
}

// TestFailuresAreNotRememberedByTheWallClock checks that setting the clock does not
// make a failure or a pause last longer.
func TestFailuresAreNotRememberedByTheWallClock(t *testing.T) {
	for name, test := range map[string]struct {
		token func(int, *http.Request) (*http.Response, error)
		after time.Duration
	}{
		"a failure": {status(500), 1100 * time.Millisecond},
		"a pause":   {status(429, "Retry-After", "60"), 61 * time.Second},
	} {
		for clocks, wrong := range map[string]time.Duration{"ahead": 5 * time.Hour, "behind": -5 * time.Hour} {
			t.Run(name+" while the clock was "+clocks, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					spotify := &services{token: test.token}
					var wall clock
					s := offline(t, spotify, nil, onClock(&wall))
					set(t, s, time.Hour)
					time.Sleep(10 * time.Hour)
					wall.ahead(wrong)
					if _, err := s.Token(t.Context()); err == nil {
						t.Fatal("no error")
					}
					wall.ahead(0) // sets the clock right
					spotify.mu.Lock()
					spotify.token = nil
					spotify.mu.Unlock()
					time.Sleep(test.after)
					if _, err := s.Token(t.Context()); err != nil {
						t.Errorf("Token: %v, %s later", err, test.after)
					}
				})
			})
		}
	}
}

// TestHiccupsAreTriedAgain checks that the session tries again at once after a
// gateway's error if a caller waits.
func TestHiccupsAreTriedAgain(t *testing.T) {
	for name, test := range map[string]struct {
		bad      func(int, *http.Request) (*http.Response, error)
		badOnes  int
		requests int
		fails    bool
	}{
		"502 once":              {status(502), 1, 2, false},
		"503 once":              {status(503), 1, 2, false},
		"504 once":              {status(504), 1, 2, false},
		"503 twice":             {status(503), 2, 3, false},
		"503 again and again":   {status(503), 99, 3, true},
		"500":                   {status(500), 99, 1, true},
		"429":                   {status(429), 99, 1, true},
		"503 with Retry-After":  {status(503, "Retry-After", "20"), 99, 1, true},
		"a connection that cut": {func(int, *http.Request) (*http.Response, error) { return nil, errStore }, 99, 1, true},
	} {
		waiters := map[string]func(*testing.T, *services) error{
			"Token": func(t *testing.T, spotify *services) error {
				s := offline(t, spotify, nil, nil)
				set(t, s, time.Hour)
				time.Sleep(2 * time.Hour)
				_, err := s.Token(t.Context())
				return err
			},
			"RefreshToken while the token is fresh": func(t *testing.T, spotify *services) error {
				s := offline(t, spotify, nil, nil)
				set(t, s, time.Hour)
				_, err := s.RefreshToken(t.Context())
				return err
			},
			"a request whose token is refused": func(t *testing.T, spotify *services) error {
				s := offline(t, spotify, nil, nil)
				set(t, s, time.Hour)
				spotify.api = func(req *http.Request) (*http.Response, error) {
					if req.Header.Get("Authorization") == "Bearer A0" {
						return respond(req, http.StatusUnauthorized, ""), nil
					}
					return respond(req, http.StatusOK, "{}"), nil
				}
				return spotipie.CheckResponse(get(t, s, "/v1/me", nil))
			},
			"an app's first token": func(t *testing.T, spotify *services) error {
				_, err := app(t, spotify, nil).Token(t.Context())
				return err
			},
			"a login": func(t *testing.T, spotify *services) error {
				_, err := login(t, offline(t, spotify, nil, nil))
				return err
			},
		}
		for who, wait := range waiters {
			t.Run(name+", "+who, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					spotify := &services{}
					spotify.token = func(n int, req *http.Request) (*http.Response, error) {
						if n <= test.badOnes {
							return test.bad(n, req)
						}
						return respond(req, http.StatusOK, renewed(n)), nil
					}
					started := time.Now()
					err := wait(t, spotify)
					if (err != nil) != test.fails {
						t.Errorf("got error %v, want one: %t", err, test.fails)
					}
					if waited := time.Since(started) % time.Hour; waited > 15*time.Second {
						t.Errorf("waited %s", waited)
					}
					expectRequests(t, spotify, test.requests)
				})
			})
		}
	}
}

// TestTryAfterASlowGatewayHasItsWholeTime lets a gateway answer when the time of a request
// is almost over. The next try uses up the refresh token, so its answer must not be cut
// off.
func TestTryAfterASlowGatewayHasItsWholeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{}
		s := offline(t, spotify, nil, nil)
		set(t, s, time.Hour)
		time.Sleep(2 * time.Hour)
		spotify.token = func(n int, req *http.Request) (*http.Response, error) {
			if n == 1 {
				time.Sleep(14 * time.Second)
				return respond(req, http.StatusGatewayTimeout, ""), nil
			}
			select {
			case <-time.After(14 * time.Second):
				return respond(req, http.StatusOK, renewed(n)), nil
			case <-req.Context().Done():
				return nil, req.Context().Err()
			}
		}
		if tok, err := s.Token(t.Context()); err != nil || tok.AccessToken() != "A2" {
			t.Errorf("got %s, %v", tokenNames(tok), err)
		}
	})
}

// TestHiccupsInTheBackgroundWait checks that the next attempt waits for the back-off if
// no caller waits.
func TestHiccupsInTheBackgroundWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{token: status(503)}
		s := offline(t, spotify, nil, nil)
		set(t, s, time.Hour)
		time.Sleep(57 * time.Minute)
		token(t, s)
		time.Sleep(3 * time.Second)
		token(t, s)
		synctest.Wait()
		expectRequests(t, spotify, 1)
	})
}

// login begins a login and finishes it with its callback.
func login(t *testing.T, s *spotipie.AuthorizationCodeSession) (*spotipie.Token, error) {
	t.Helper()
	_, state, err := s.AuthorizationURL(nil)
	if err != nil {
		t.Fatal(err)
	}
	return s.FetchTokenGivenCode(t.Context(), "code", state)
}

// TestWakingUpOftenDelaysNobody renews each time that a computer has slept for hours and
// woken up for a moment. The monotonic clock does not see the hours, so the renewals seem
// to follow each other within seconds.
func TestWakingUpOftenDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wall := &clock{}
		s := offline(t, &services{}, nil, func(o *spotipie.Options) { o.Now = wall.now })
		set(t, s, time.Hour)
		for n := 1; n <= 10; n++ {
			wall.ahead(time.Duration(2*n) * time.Hour)
			begun := time.Now()
			if tok, err := s.Token(t.Context()); err != nil || tok.AccessToken() != fmt.Sprintf("A%d", n) {
				t.Fatalf("the session has %s, %v, want A%d", tokenNames(tok), err, n)
			}
			if waited := time.Since(begun); waited > time.Second {
				t.Errorf("after waking up for the %d. time, a token took %s", n, waited)
			}
			time.Sleep(time.Second)
		}
	})
}
