package spotipie_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// refused answers 401 with the given challenges to every request with the token A0.
func refused(body string, challenges ...string) answer {
	return func(req *http.Request) (*http.Response, error) {
		if req.Header.Get("Authorization") != "Bearer A0" {
			return respond(req, http.StatusOK, "{}"), nil
		}
		resp := respond(req, http.StatusUnauthorized, body)
		resp.Header["Www-Authenticate"] = challenges
		return resp, nil
	}
}

const (
	message2026   = `{"error":{"status":401,"message":"Missing/invalid/expired access token"}}`
	bareChallenge = `Bearer realm="spotify"`
)

func TestWhich401HasTheTokenRenewed(t *testing.T) {
	challenge := func(code, description string) string {
		return bareChallenge + `, error="` + code + `", error_description="` + description + `"`
	}
	for name, test := range map[string]struct {
		body       string
		challenges []string
		renewed    bool
	}{
		"expired, until 2026":             {"", []string{challenge("invalid_token", "The access token expired")}, true},
		"expired, since 2026":             {message2026, []string{challenge("invalid_token", "The access token expired")}, true},
		"invalid, since 2026":             {message2026, []string{challenge("invalid_token", "Invalid access token")}, true},
		"no header":                       {message2026, nil, true},
		"an empty header":                 {message2026, []string{""}, true},
		"an empty header, and an empty":   {message2026, []string{" ", ", ,"}, true},
		"no error code":                   {message2026, []string{bareChallenge}, true},
		"no error code and no realm":      {"", []string{"Bearer"}, true},
		"lower case":                      {"", []string{`bearer realm=spotify, ERROR=invalid_token`}, true},
		"spaces around the equals sign":   {"", []string{`Bearer error = "invalid_token"`}, true},
		"beside another scheme":           {"", []string{`Basic realm="a, b", Bearer realm="spotify", error="invalid_token"`}, true},
		"in a header of its own":          {"", []string{`Basic realm="x"`, challenge("invalid_token", "")}, true},
		"no error code, beside a scheme":  {"", []string{`Negotiate, ` + bareChallenge}, true},
		"missing, since 2026":             {message2026, []string{challenge("missing_token", "No token provided")}, false},
		"insufficient scope":              {"", []string{challenge("insufficient_scope", "")}, false},
		"invalid request":                 {"", []string{challenge("invalid_request", "this is no invalid_token")}, false},
		"another code that has it inside": {"", []string{challenge("not_invalid_token_at_all", "")}, false},
		"the code of another scheme":      {"", []string{`DPoP error="invalid_token"`}, false},
		"another scheme":                  {"", []string{`Basic realm="spotify"`}, false},
		"a realm that sounds like it":     {"", []string{`Basic realm="x, Bearer error=\"invalid_token\""`}, false},
	} {
		t.Run(name, func(t *testing.T) {
			spotify := &services{api: refused(test.body, test.challenges...)}
			s := offline(t, spotify, nil, nil)
			set(t, s, time.Hour)
			resp := get(t, s, "/v1/me", nil)
			if renewed := resp.StatusCode == http.StatusOK; renewed != test.renewed {
				t.Errorf("the answer is %d, want the token renewed: %t", resp.StatusCode, test.renewed)
			}
			if test.renewed {
				expectRequests(t, spotify, 1)
				return
			}
			expectRequests(t, spotify, 0)
			if body := bodyOf(t, resp); body != test.body {
				t.Errorf("the body was %q, want that of the API", body)
			}
		})
	}
}

// TestBare401OfAnAppIsNoReasonToRenew sends a request that needs a user with an app's
// token. The answer is a 401 without an error code, and a new token would not help.
func TestBare401OfAnAppIsNoReasonToRenew(t *testing.T) {
	spotify := &services{api: func(req *http.Request) (*http.Response, error) {
		return respond(req, http.StatusUnauthorized, `{"error":{"status":401,"message":"Valid user authentication required"}}`,
			"WWW-Authenticate", bareChallenge), nil
	}}
	s := app(t, spotify, nil)
	for range 3 {
		get(t, s, "/v1/me", nil)
	}
	expectRequests(t, spotify, 1) // the first token
}

// app returns a client credentials session for the app "id".
func app(t *testing.T, transport http.RoundTripper, change func(*spotipie.Options)) *spotipie.ClientCredentialsSession {
	t.Helper()
	opts := &spotipie.Options{Transport: transport}
	if change != nil {
		change(opts)
	}
	s, err := spotipie.NewClientCredentialsSession(spotipie.Credentials{ClientID: "id", ClientSecret: "app-secret"}, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	return s
}

// TestAPIThatRefusesEveryToken checks that renewals become less frequent if they do not
// help, whatever the challenge.
func TestAPIThatRefusesEveryToken(t *testing.T) {
	for name, challenge := range map[string]string{
		"invalid_token": bareChallenge + `, error="invalid_token"`,
		"no code":       bareChallenge,
		"no header":     "",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				spotify := &services{api: func(req *http.Request) (*http.Response, error) {
					calls++
					resp := respond(req, http.StatusUnauthorized, message2026)
					if challenge != "" {
						resp.Header.Set("WWW-Authenticate", challenge)
					}
					return resp, nil
				}}
				s := offline(t, spotify, nil, nil)
				set(t, s, time.Hour)
				for range 100 { // in the same moment
					if resp := get(t, s, "/v1/me", nil); resp.StatusCode != http.StatusUnauthorized {
						t.Fatalf("status %d, want 401", resp.StatusCode)
					}
				}
				expectRequests(t, spotify, 1)
				if calls != 101 {
					t.Errorf("%d API requests, want 101", calls)
				}
				for range 30 * 60 {
					time.Sleep(time.Second)
					_ = get(t, s, "/v1/me", nil).Body.Close()
				}
				if n := spotify.requests(); n < 3 || n > 15 {
					t.Errorf("%d renewals in half an hour of refusals", n)
				}
			})
		})
	}
}

// TestAPIThatRefusesEveryTokenOfManyCallers checks that the waits between the renewals
// double for many callers as they do for one. Many of them come with a token that has
// just been replaced.
func TestAPIThatRefusesEveryTokenOfManyCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{api: func(req *http.Request) (*http.Response, error) {
			time.Sleep(100 * time.Millisecond)
			return respond(req, http.StatusUnauthorized, message2026), nil
		}}
		s := offline(t, spotify, nil, nil)
		set(t, s, time.Hour)
		var callers sync.WaitGroup
		for i := range 10 {
			callers.Go(func() {
				time.Sleep(time.Duration(i) * 17 * time.Millisecond)
				for range 30 * 60 {
					time.Sleep(time.Second)
					_ = get(t, s, "/v1/me", nil).Body.Close()
				}
			})
		}
		callers.Wait()
		if n := spotify.requests(); n < 3 || n > 15 {
			t.Errorf("%d renewals in half an hour of refusals", n)
		}
	})
}

// Test401KeepsThePace checks that renewals after a 401 wait as long as all others when
// the token endpoint has failed.
func Test401KeepsThePace(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		header []string
		most   int // requests in the first minute
		pause  time.Duration
	}{
		"after a 429 with Retry-After":    {429, []string{"Retry-After", "90"}, 1, 90 * time.Second},
		"after a 429 without":             {429, nil, 5, 0},
		"after a 503 with Retry-After":    {503, []string{"Retry-After", "90"}, 1, 90 * time.Second},
		"after a 500":                     {500, nil, 5, 0},
		"after an answer that is garbage": {200, nil, 5, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				spotify := &services{api: refused(message2026, bareChallenge)}
				healthy := false
				spotify.token = func(n int, req *http.Request) (*http.Response, error) {
					if healthy {
						return respond(req, http.StatusOK, renewed(n)), nil
					}
					return respond(req, test.status, "", test.header...), nil
				}
				s := offline(t, spotify, nil, nil)
				set(t, s, time.Hour)
				started := time.Now()
				for time.Since(started) < time.Minute {
					for range 20 {
						if resp := get(t, s, "/v1/me", nil); resp.StatusCode != http.StatusUnauthorized {
							t.Fatalf("status %d, want the API's 401", resp.StatusCode)
						}
					}
					time.Sleep(time.Second)
				}
				if n := spotify.requests(); n < 1 || n > test.most {
					t.Errorf("%d token requests for 1,200 refusals, want %d at most", n, test.most)
				}
				healthy = true
				time.Sleep(time.Until(started.Add(max(test.pause, 2*time.Minute+13*time.Second))))
				if resp := get(t, s, "/v1/me", nil); resp.StatusCode != http.StatusOK {
					t.Errorf("status %d when the token endpoint works again", resp.StatusCode)
				}
			})
		})
	}
}

// Test401IsRecoveredRightAfterThePause checks that requests during the pause do not make
// it longer.
func Test401IsRecoveredRightAfterThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{api: refused(message2026, bareChallenge)}
		spotify.token = statusOnce(http.StatusTooManyRequests, "Retry-After", "90")
		s := offline(t, spotify, nil, nil)
		set(t, s, time.Hour)
		for range 89 {
			if _, err := s.RefreshToken(t.Context()); !isStatus(err, http.StatusTooManyRequests) {
				t.Fatalf("RefreshToken: %v, want the 429", err)
			}
			time.Sleep(time.Second)
		}
		expectRequests(t, spotify, 1)
		time.Sleep(time.Minute + 2*time.Second)
		if resp := get(t, s, "/v1/me", nil); resp.StatusCode != http.StatusOK {
			t.Errorf("status %d a minute after the pause", resp.StatusCode)
		}
		expectRequests(t, spotify, 2)
	})
}

// Test401DuringAPauseFindsATokenInTheStore checks that a session finds another process's
// token in the store although it must not ask the token endpoint.
func Test401DuringAPauseFindsATokenInTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		spotify := &services{api: refused(message2026, bareChallenge), token: status(http.StatusTooManyRequests, "Retry-After", "3600")}
		s := offline(t, spotify, store, nil)
		set(t, s, 3*time.Hour)
		get(t, s, "/v1/me", nil)
		change(t, store, func(rec *spotipie.Record) { rec.Token = tokenOf("B", "RB", time.Hour) })
		time.Sleep(10 * time.Second)
		if resp := get(t, s, "/v1/me", nil); resp.StatusCode != http.StatusOK {
			t.Errorf("status %d, but the store has a valid token", resp.StatusCode)
		}
		expectRequests(t, spotify, 1)
	})
}

func isStatus(err error, status int) bool {
	var answer *spotipie.TokenEndpointError
	return errors.As(err, &answer) && answer.StatusCode == status
}

// Test401WithTheSameTokenAgain uses a token endpoint that returns the token that was just
// refused. The session must not ask it after each refusal.
func Test401WithTheSameTokenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{api: refused(message2026, bareChallenge+`, error="invalid_token"`)}
		spotify.token = func(_ int, req *http.Request) (*http.Response, error) {
			return respond(req, http.StatusOK, strings.Replace(renewed(1), "A1", "A0", 1)), nil
		}
		s := offline(t, spotify, nil, nil)
		set(t, s, time.Hour)
		for range 100 {
			resp := get(t, s, "/v1/me", nil)
			if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusUnauthorized || string(body) != message2026 {
				t.Fatalf("got %d %s, want the API's answer", resp.StatusCode, body)
			}
		}
		expectRequests(t, spotify, 1)
	})
}

// Test401InAListener checks that a listener's request does not wait for the renewal that
// has called the listener.
func Test401InAListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := offline(t, &services{api: func(req *http.Request) (*http.Response, error) {
			return respond(req, http.StatusUnauthorized, "{}", "WWW-Authenticate", `Bearer error="invalid_token"`), nil
		}}, nil, nil)
		set(t, s, time.Hour)
		s.OnTokenUpdated(func(ctx context.Context, _ spotipie.TokenUpdated) error {
			resp, err := s.Request(ctx, http.MethodGet, "/v1/me", nil)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("status %d, want that of the answer", resp.StatusCode)
			}
			return nil
		})
		started := time.Now()
		if _, err := s.RefreshToken(t.Context()); err != nil || time.Since(started) != 0 {
			t.Errorf("RefreshToken took %s: %v", time.Since(started), err)
		}
	})
}
