package spotipie_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// renewElsewhere lets another process save a renewal, and lets s learn of it.
func renewElsewhere(t *testing.T, s *spotipie.AuthorizationCodeSession, store *hookedStore, refreshToken string) {
	t.Helper()
	change(t, store, func(rec *spotipie.Record) {
		rec.Token, rec.Renewals = tokenOf("other", refreshToken, time.Hour), rec.Renewals+1
	})
	if _, err := s.Load(t.Context()); err != nil {
		t.Errorf("Load: %v", err)
	}
}

// TestPauseThatBeginsDuringTheCheck checks that the request after the store's Check is
// not sent if a pause has begun during the Check.
func TestPauseThatBeginsDuringTheCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newCheckedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		spotify.token = status(http.StatusTooManyRequests, "Retry-After", "13")
		store.check.set(once(func() {
			if _, err := login(t, s); !isStatus(err, http.StatusTooManyRequests) {
				t.Errorf("the login: %v", err)
			}
		}))
		if _, err := s.RefreshToken(t.Context()); !isStatus(err, http.StatusTooManyRequests) {
			t.Errorf("RefreshToken: %v, want the 429", err)
		}
		expectRequests(t, spotify, 1) // from the login
	})
}

// TestRefreshTokenUsedElsewhereDuringTheCheck checks that the used-up refresh token is
// not sent.
func TestRefreshTokenUsedElsewhereDuringTheCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newCheckedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		time.Sleep(2 * time.Hour)
		store.check.set(once(func() { renewElsewhere(t, s, store.hookedStore, "R-other") }))
		if tok := token(t, s); tok.AccessToken() != "other" {
			t.Errorf("Token: %s, want the other process's", tokenNames(tok))
		}
		expectRequests(t, spotify, 0)
	})
}

// TestEveryRefreshTokenUsedElsewhereDuringTheCheck checks that a session gives up if
// another process keeps saving tokens that end at once.
func TestEveryRefreshTokenUsedElsewhereDuringTheCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newCheckedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		checks := 0
		store.check.set(func(context.Context) error {
			if checks++; checks <= 100 {
				change(t, store.hookedStore, func(rec *spotipie.Record) {
					rec.Token, rec.Renewals = tokenOf("other", fmt.Sprintf("R-%d", checks), 0), rec.Renewals+1
				})
				_, _ = s.Load(t.Context())
			}
			return nil
		})
		_, err := s.RefreshToken(t.Context())
		if err == nil || !strings.Contains(err.Error(), "another process has used the refresh token") || checks > 10 {
			t.Errorf("RefreshToken: %v after %d checks, want an error that says why after a few", err, checks)
		}
		expectRequests(t, spotify, 0)
	})
}

// TestRenewalElsewhereDuringTheRequest checks that a session does not overwrite what
// another process saved if its own answer has no new refresh token.
func TestRenewalElsewhereDuringTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		time.Sleep(2 * time.Hour)
		spotify.token = func(_ int, req *http.Request) (*http.Response, error) {
			renewElsewhere(t, s, store, "R0")
			return respond(req, http.StatusOK, `{"access_token":"late","token_type":"Bearer","expires_in":3600}`), nil
		}
		if tok, err := s.Token(t.Context()); err != nil || tok.AccessToken() != "other" {
			t.Errorf("Token: %s, %v, want the other process's", tokenNames(tok), err)
		}
		expectTokens(t, s, store, "other", "R0")
	})
}

// refuseFirst makes the token endpoint call meanwhile during the first request, and then
// refuse its refresh token for good.
func (s *services) refuseFirst(meanwhile func()) {
	s.token = func(n int, req *http.Request) (*http.Response, error) {
		if n > 1 {
			return respond(req, http.StatusOK, renewed(n)), nil
		}
		meanwhile()
		return respond(req, http.StatusBadRequest, `{"error":"invalid_grant"}`), nil
	}
}

// TestRefusalOfAnEarlierRefreshToken checks that a refusal does not count if the session
// has got another refresh token during the request.
func TestRefusalOfAnEarlierRefreshToken(t *testing.T) {
	for name, meanwhile := range map[string]func(*testing.T, *spotipie.AuthorizationCodeSession, *hookedStore){
		"the user signs in": func(t *testing.T, s *spotipie.AuthorizationCodeSession, _ *hookedStore) {
			if err := s.SetToken(t.Context(), tokenOf("other", "R-other", time.Hour)); err != nil {
				t.Errorf("SetToken: %v", err)
			}
		},
		"another process renews": func(t *testing.T, s *spotipie.AuthorizationCodeSession, store *hookedStore) {
			renewElsewhere(t, s, store, "R-other")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newHookedStore(), &services{}
				s := offline(t, spotify, store, nil)
				set(t, s, time.Hour)
				time.Sleep(2 * time.Hour)
				spotify.refuseFirst(func() { meanwhile(t, s, store) })
				if tok := token(t, s); tok.AccessToken() != "other" {
					t.Errorf("Token: %s, want the one that came meanwhile", tokenNames(tok))
				}
				expectTokens(t, s, store, "other", "R-other")
				stored, _, err := store.MemoryStore.Load(t.Context(), adaKey)
				if held, _ := s.Record(); err != nil || held.Rejected != "" || stored.Rejected != "" {
					t.Errorf("it counts as refused: %q in the session, %q in the store (%v)", held.Rejected, stored.Rejected, err)
				}
				time.Sleep(2 * time.Hour)
				token(t, s)
				expectTokens(t, s, store, "A2", "R2")
			})
		})
	}
}

// TestRefreshTokenThatIsGivenAgain checks that a refresh token that the service gives
// a second time is sent again.
func TestRefreshTokenThatIsGivenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newCheckedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		spotify.token = func(n int, req *http.Request) (*http.Response, error) {
			return respond(req, http.StatusOK, renewed(n%2)), nil // R1, R0, R1
		}
		for range 3 {
			time.Sleep(2 * time.Hour)
			token(t, s)
		}
		expectRequests(t, spotify, 3)
	})
}

// TestRenewalElsewhereBetweenTries checks that the session reads the store before it
// tries a request again.
func TestRenewalElsewhereBetweenTries(t *testing.T) {
	for name, elsewhere := range map[string]func(*spotipie.Record){
		"a renewal": func(rec *spotipie.Record) { rec.Renewals++ },
		"a login": func(rec *spotipie.Record) {
			rec.Consent, rec.Renewals = spotipie.NextConsent(rec.Consent, time.Now()), 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newHookedStore(), &services{}
				s := offline(t, spotify, store, nil)
				set(t, s, time.Hour)
				time.Sleep(2 * time.Hour)
				spotify.token = func(_ int, req *http.Request) (*http.Response, error) {
					change(t, store, func(rec *spotipie.Record) {
						rec.Token = tokenOf("other", "R-other", time.Hour)
						elsewhere(rec)
					})
					return respond(req, http.StatusServiceUnavailable, ""), nil
				}
				if tok := token(t, s); tok.AccessToken() != "other" {
					t.Errorf("Token: %s, want the other process's", tokenNames(tok))
				}
				expectRequests(t, spotify, 1)
			})
		})
	}
}

// TestSlowCheckIsMadeAgain lets a check take long. The process may have been suspended
// meanwhile and have lost the lock, so it must check again.
func TestSlowCheckIsMadeAgain(t *testing.T) {
	for name, test := range map[string]struct {
		takes  []time.Duration
		checks int
	}{
		"quick":           {[]time.Duration{10 * time.Millisecond}, 1},
		"slow once":       {[]time.Duration{3 * time.Second, 10 * time.Millisecond}, 2},
		"slow every time": {[]time.Duration{2 * time.Second, 2 * time.Second, 2 * time.Second}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newCheckedStore(), &services{}
				s := offline(t, spotify, store, nil)
				set(t, s, time.Hour)
				checks := 0
				store.check.set(func(context.Context) error {
					time.Sleep(test.takes[checks])
					checks++
					return nil
				})
				if _, err := s.RefreshToken(t.Context()); err != nil || checks != test.checks {
					t.Errorf("got %v after %d checks, want %d", err, checks, test.checks)
				}
			})
		})
	}
}

// TestPausedProcessLearns checks that a process that must wait before its next renewal
// gets the token that another process saves meanwhile.
func TestPausedProcessLearns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		s := offline(t, spotify, store, nil)
		set(t, s, time.Hour)
		renewedElsewhere := func(access string, lifetime time.Duration) {
			change(t, store, func(rec *spotipie.Record) {
				rec.Token, rec.Renewals = tokenOf(access, "R-"+access, lifetime), rec.Renewals+1
			})
		}
		for n := range 5 { // early, because the other process's clock is wrong
			renewedElsewhere(fmt.Sprintf("expired%d", n), 0)
			if _, err := s.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n < 4 {
				token(t, s)
			}
		}
		time.AfterFunc(200*time.Millisecond, func() { renewedElsewhere("other", time.Hour) })
		began := time.Now()
		if tok := token(t, s); tok.AccessToken() != "other" {
			t.Errorf("Token: %s, want the other process's", tokenNames(tok))
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %s to learn of it", took)
		}
	})
}

// TestRefusedTokenThatAnotherProcessHasReplaced checks that the successor of a refused
// refresh token is used, even if its access token has expired, by a wrong clock perhaps.
func TestRefusedTokenThatAnotherProcessHasReplaced(t *testing.T) {
	for name, call := range renewingCalls() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newHookedStore(), &services{}
				s := offline(t, spotify, store, nil)
				set(t, s, time.Hour)
				time.Sleep(2 * time.Hour)
				spotify.refuseFirst(func() {
					change(t, store, func(rec *spotipie.Record) {
						rec.Token, rec.Renewals = tokenOf("other", "R-other", 0), rec.Renewals+1
					})
				})
				if tok, err := call(t.Context(), s); err != nil || tok.AccessToken() != "A2" {
					t.Fatalf("got %s and error %v, want A2", tokenNames(tok), err)
				}
				if sent := spotify.form(2).Get("refresh_token"); sent != "R-other" {
					t.Errorf("the second request has sent %s, want the other process's refresh token", sent)
				}
				expectTokens(t, s, store, "A2", "R2")
			})
		})
	}
}

// TestTokenSetDuringARenewalThatFails sets a token while the accounts service answers
// with an error. Whoever waited for the renewal gets that token, and OnError is called
// with the error.
func TestTokenSetDuringARenewalThatFails(t *testing.T) {
	for name, get := range renewingCalls() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s *spotipie.AuthorizationCodeSession
				spotify := &services{token: func(_ int, req *http.Request) (*http.Response, error) {
					if err := s.SetToken(t.Context(), tokenOf("A9", "R9", time.Hour)); err != nil {
						t.Errorf("SetToken: %v", err)
					}
					return respond(req, http.StatusUnauthorized, `{"error":"invalid_client"}`), nil
				}}
				reported := errorLog{}
				s = offline(t, spotify, spotipie.NewMemoryStore(), func(o *spotipie.Options) { o.OnError = reported.add })
				set(t, s, time.Second)
				time.Sleep(time.Minute)
				if tok, err := get(t.Context(), s); err != nil || tok.AccessToken() != "A9" {
					t.Errorf("%s and %v, want A9", tokenNames(tok), err)
				}
				synctest.Wait()
				if heard := reported.all(); len(heard) != 1 || !isStatus(heard[0], http.StatusUnauthorized) {
					t.Errorf("OnError heard of %v, want the 401", heard)
				}
			})
		})
	}
}

// TestLoginDuringARefusal signs the user in again while the refusal of the earlier refresh
// token is observed. A request that waited for the renewal is sent with the new token.
func TestLoginDuringARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *spotipie.AuthorizationCodeSession
		spotify := &services{
			token: func(_ int, req *http.Request) (*http.Response, error) {
				return respond(req, http.StatusBadRequest, `{"error":"invalid_grant","error_description":"Refresh token revoked"}`), nil
			},
			api: func(req *http.Request) (*http.Response, error) {
				if req.Header.Get("Authorization") == "Bearer A9" {
					return respond(req, http.StatusOK, "{}"), nil
				}
				return respond(req, http.StatusUnauthorized, ""), nil
			},
		}
		s = offline(t, spotify, spotipie.NewMemoryStore(), func(o *spotipie.Options) {
			o.Observe = func(ctx context.Context, o spotipie.Observation) {
				if o.Kind == spotipie.ObservedRefusal {
					_ = s.SetToken(ctx, tokenOf("A9", "R9", time.Hour))
				}
			}
		})
		set(t, s, time.Hour)
		resp, err := s.Request(t.Context(), http.MethodGet, "/v1/me", nil)
		if err != nil || spotipie.CheckResponse(resp) != nil {
			t.Errorf("the request: %v, %v", resp, err)
		}
	})
}
