package spotipie_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// codesOnce makes each authorization code work only once. An answer takes d.
func (s *services) codesOnce(d time.Duration) {
	var mu sync.Mutex
	used := make(map[string]bool)
	s.token = func(n int, req *http.Request) (*http.Response, error) {
		code := s.form(n).Get("code")
		mu.Lock()
		again := used[code]
		used[code] = true
		mu.Unlock()
		if again {
			return respond(req, http.StatusBadRequest, `{"error":"invalid_grant","error_description":"Invalid authorization code"}`), nil
		}
		select {
		case <-time.After(d):
			return respond(req, http.StatusOK, renewed(n)), nil
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
}

// TestExchangeGoesOnWithoutItsCaller lets a browser reload the callback, which ends
// its first request. The code is used up by then, so the exchange must go on.
func TestExchangeGoesOnWithoutItsCaller(t *testing.T) {
	for name, test := range map[string]struct {
		leaves time.Duration
		save   time.Duration
	}{
		"left before the answer":   {time.Second, 0},
		"left while it is saved":   {3 * time.Second, 5 * time.Second},
		"left by its own deadline": {1999 * time.Millisecond, 0},
	} {
		for again, bring := range map[string]func(context.Context, *spotipie.AuthorizationCodeSession, string) (*spotipie.Token, error){
			"not brought again": nil,
			"brought again": func(ctx context.Context, s *spotipie.AuthorizationCodeSession, state string) (*spotipie.Token, error) {
				return s.FetchTokenGivenCode(ctx, "code", state)
			},
			"brought again as a URL": func(ctx context.Context, s *spotipie.AuthorizationCodeSession, state string) (*spotipie.Token, error) {
				return s.FetchToken(ctx, "http://127.0.0.1/callback?code=code&state="+state)
			},
		} {
			t.Run(name+" and "+again, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store, spotify := newHookedStore(), &services{}
					spotify.codesOnce(2 * time.Second)
					store.swap.set(func(context.Context) error { time.Sleep(test.save); return nil })
					var reported errorLog
					s := offline(t, spotify, store, func(o *spotipie.Options) { o.OnError = reported.add })
					_, state, err := s.AuthorizationURL(nil)
					if err != nil {
						t.Fatal(err)
					}
					ctx, cancel := context.WithTimeout(t.Context(), test.leaves)
					defer cancel()
					started := time.Now()
					tok, err := s.FetchTokenGivenCode(ctx, "code", state)
					if tok != nil || !errors.Is(err, context.DeadlineExceeded) || time.Since(started) > test.leaves+100*time.Millisecond {
						t.Errorf("after %s: %s, %v; want the end of its context", time.Since(started), tokenNames(tok), err)
					}
					if bring != nil {
						if tok, err := bring(t.Context(), s, state); err != nil || tok.AccessToken() != "A1" {
							t.Errorf("the second call: %s, %v", tokenNames(tok), err)
						}
					}
					time.Sleep(time.Minute)
					expectTokens(t, s, store, "A1", "R1")
					expectRequests(t, spotify, 1)
					if _, err := s.FetchTokenGivenCode(t.Context(), "code", state); !errors.Is(err, spotipie.ErrStateMismatch) {
						t.Errorf("after it is over: %v, want ErrStateMismatch", err)
					}
					if len(reported.all()) != 0 {
						t.Errorf("OnError heard %v", reported.all())
					}
				})
			})
		}
	}
}

// TestCallbackBroughtTwiceAtOnce checks that two simultaneous calls with the same
// callback make one exchange.
func TestCallbackBroughtTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{}
		spotify.codesOnce(time.Second)
		s := offline(t, spotify, newHookedStore(), nil)
		events := 0
		s.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error { events++; return nil })
		_, state, err := s.AuthorizationURL(nil)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if tok, err := s.FetchTokenGivenCode(t.Context(), "code", state); err != nil || tok.AccessToken() != "A1" {
					t.Errorf("got %s, %v", tokenNames(tok), err)
				}
			})
		}
		wg.Wait()
		expectRequests(t, spotify, 1)
		if events != 1 {
			t.Errorf("%d events, want 1", events)
		}
	})
}

// TestAnotherCodeDoesNotJoinAnExchange checks that a callback with another code fails:
// it is another callback, and the state is used up.
func TestAnotherCodeDoesNotJoinAnExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{}
		spotify.codesOnce(time.Second)
		s := offline(t, spotify, nil, nil)
		_, state, err := s.AuthorizationURL(nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = s.FetchTokenGivenCode(t.Context(), "code", state) }()
		synctest.Wait()
		if tok, err := s.FetchTokenGivenCode(t.Context(), "other", state); tok != nil || !errors.Is(err, spotipie.ErrStateMismatch) {
			t.Errorf("got %s, %v; want ErrStateMismatch", tokenNames(tok), err)
		}
		time.Sleep(time.Minute)
		expectTokens(t, s, nil, "A1", "R1")
		expectRequests(t, spotify, 1)
	})
}

// TestExchangeThatFailsWithoutItsCaller checks that OnError gets the error, and that
// the login can still be finished if the code may still work.
func TestExchangeThatFailsWithoutItsCaller(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		again  bool
	}{
		"the accounts service is in trouble": {http.StatusInternalServerError, `{}`, true},
		"the code is refused":                {http.StatusBadRequest, `{"error":"invalid_grant"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				spotify := &services{}
				spotify.token = func(n int, req *http.Request) (*http.Response, error) {
					if n > 1 {
						return respond(req, http.StatusOK, renewed(n)), nil
					}
					time.Sleep(2 * time.Second)
					return respond(req, test.status, test.body), nil
				}
				var reported errorLog
				s := offline(t, spotify, nil, func(o *spotipie.Options) { o.OnError = reported.add })
				_, state, err := s.AuthorizationURL(nil)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, _ = s.FetchTokenGivenCode(ctx, "code", state)
				time.Sleep(time.Minute)
				var answer *spotipie.TokenEndpointError
				if all := reported.all(); len(all) != 1 || !errors.As(all[0], &answer) {
					t.Errorf("OnError heard %v, want the answer", all)
				}
				if _, err := s.FetchTokenGivenCode(t.Context(), "code", state); (err == nil) != test.again {
					t.Errorf("the second call: %v", err)
				}
			})
		})
	}
}

// TestCloseWaitsForAnExchange closes the session during an exchange whose caller has
// left.
func TestCloseWaitsForAnExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), &services{}
		spotify.codesOnce(2 * time.Second)
		s := offline(t, spotify, store, nil)
		_, state, err := s.AuthorizationURL(nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _ = s.FetchTokenGivenCode(ctx, "code", state)
		if err := s.Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
		expectTokens(t, s, store, "A1", "R1")
	})
}
