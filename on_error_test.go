package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// onErrorCase is a session with a store, and the errors that OnError got.
type onErrorCase struct {
	*spotipie.AuthorizationCodeSession
	store    *hookedStore
	spotify  *services
	reported errorLog
}

func newOnErrorCase(t *testing.T) *onErrorCase {
	t.Helper()
	c := &onErrorCase{store: newHookedStore(), spotify: &services{}}
	c.AuthorizationCodeSession = offline(t, c.spotify, c.store, func(o *spotipie.Options) { o.OnError = c.reported.add })
	set(t, c, time.Hour)
	return c
}

var errListener = errors.New("the listener is unwell")

func (c *onErrorCase) badListener() {
	c.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error { return errListener })
}

// failsTwice returns a hook that fails the first save and its second attempt.
func failsTwice() func(context.Context) error {
	var calls atomic.Int32
	return func(context.Context) error {
		if calls.Add(1) <= 2 {
			return errStore
		}
		return nil
	}
}

// tokenOnly calls Token, which must succeed.
func (c *onErrorCase) tokenOnly(t *testing.T) {
	t.Helper()
	if _, err := c.Token(t.Context()); err != nil {
		t.Errorf("Token: %v, want the token and nothing else", err)
	}
}

// TestOnErrorDoesNotHearWhatCallersWereGiven checks that OnError gets every error once,
// except those that callers got.
func TestOnErrorDoesNotHearWhatCallersWereGiven(t *testing.T) {
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	is500 := func(err error) bool { return isStatus(err, 500) }
	for name, test := range map[string]struct {
		act      func(*testing.T, *onErrorCase) error
		returned func(error) bool // nil: nothing is returned
		reported []func(error) bool
	}{
		"Token of an expired token": {func(t *testing.T, c *onErrorCase) error {
			c.spotify.token = status(500)
			time.Sleep(2 * time.Hour)
			_, err := c.Token(t.Context())
			return err
		}, is500, nil},
		"Token by many": {func(t *testing.T, c *onErrorCase) error {
			c.spotify.token = status(500)
			time.Sleep(2 * time.Hour)
			var callers sync.WaitGroup
			for range 50 {
				callers.Go(func() {
					if _, err := c.Token(context.Background()); !is500(err) {
						t.Errorf("Token: %v", err)
					}
				})
			}
			callers.Wait()
			return nil
		}, nil, nil},
		"RefreshToken": {func(t *testing.T, c *onErrorCase) error {
			c.spotify.token = status(500)
			_, err := c.RefreshToken(t.Context())
			return err
		}, is500, nil},
		"RefreshToken refused for good": {func(t *testing.T, c *onErrorCase) error {
			c.spotify.token = func(_ int, req *http.Request) (*http.Response, error) {
				return respond(req, 400, `{"error":"invalid_grant"}`), nil
			}
			_, err := c.RefreshToken(t.Context())
			return err
		}, is(spotipie.ErrReauthorizationRequired), nil},
		"a renewal in the background": {func(t *testing.T, c *onErrorCase) error {
			c.spotify.token = status(500)
			time.Sleep(56 * time.Minute)
			c.tokenOnly(t)
			return nil
		}, nil, []func(error) bool{is500}},
		"a renewal for requests that get the 401": {func(t *testing.T, c *onErrorCase) error {
			c.spotify.before = func(int) { time.Sleep(time.Second) }
			c.spotify.token = status(400)
			c.spotify.api = refused(message2026)
			var callers sync.WaitGroup
			for range 50 {
				callers.Go(func() { get(t, c, "/v1/me", nil) })
			}
			callers.Wait()
			return nil
		}, nil, []func(error) bool{func(err error) bool { return isStatus(err, 400) }}},
		"a renewal for a request, with a listener that fails": {func(t *testing.T, c *onErrorCase) error {
			c.badListener()
			c.spotify.api = refused(message2026)
			get(t, c, "/v1/me", nil)
			return nil
		}, nil, []func(error) bool{is(errListener)}},
		"a renewal for a request that is refused for good": {func(t *testing.T, c *onErrorCase) error {
			c.spotify.token = func(_ int, req *http.Request) (*http.Response, error) {
				return respond(req, 400, `{"error":"invalid_grant"}`), nil
			}
			c.spotify.api = refused(message2026)
			_, err := c.Request(t.Context(), "GET", "/v1/me", nil)
			return err
		}, is(spotipie.ErrReauthorizationRequired), nil},
		"a renewal whose caller has left": {func(t *testing.T, c *onErrorCase) error {
			c.spotify.before = func(int) { time.Sleep(5 * time.Second) }
			c.spotify.token = status(500)
			time.Sleep(2 * time.Hour)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := c.Token(ctx)
			time.Sleep(10 * time.Second)
			return err
		}, is(context.DeadlineExceeded), []func(error) bool{is500}},
		"a renewal of whose callers one has left": {func(t *testing.T, c *onErrorCase) error {
			c.spotify.before = func(int) { time.Sleep(5 * time.Second) }
			c.spotify.token = status(500)
			time.Sleep(2 * time.Hour)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			go func() { _, _ = c.Token(ctx) }()
			_, err := c.Token(t.Context())
			return err
		}, is500, nil},
		"a login": {func(t *testing.T, c *onErrorCase) error {
			c.spotify.token = status(500)
			_, err := login(t, c.AuthorizationCodeSession)
			return err
		}, is500, nil},
		"a login whose caller has left": {func(t *testing.T, c *onErrorCase) error {
			c.spotify.before = func(int) { time.Sleep(5 * time.Second) }
			c.spotify.token = status(500)
			_, state, err := c.AuthorizationURL(nil)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err = c.FetchTokenGivenCode(ctx, "code", state)
			time.Sleep(10 * time.Second)
			return err
		}, is(context.DeadlineExceeded), []func(error) bool{is500}},
		"SetToken that is not saved": {func(t *testing.T, c *onErrorCase) error {
			c.store.swap.set(failsTwice())
			return c.SetToken(t.Context(), tokenOf("B", "R", time.Hour))
		}, is(errStore), nil},
		"a login that is not saved": {func(t *testing.T, c *onErrorCase) error {
			c.store.swap.set(failsTwice())
			_, err := login(t, c.AuthorizationCodeSession)
			return err
		}, is(errStore), nil},
		"RefreshToken that is not saved": {func(t *testing.T, c *onErrorCase) error {
			c.store.swap.set(failsTwice())
			_, err := c.RefreshToken(t.Context())
			return err
		}, is(errStore), []func(error) bool{is(errStore)}}, // both, because saving continues in the background
		"Token that is not saved": {func(t *testing.T, c *onErrorCase) error {
			time.Sleep(2 * time.Hour)
			c.store.swap.set(failsTwice())
			c.tokenOnly(t)
			return nil
		}, nil, []func(error) bool{is(errStore)}},
		"a renewal in the background that is not saved": {func(t *testing.T, c *onErrorCase) error {
			time.Sleep(56 * time.Minute)
			c.store.swap.set(failsTwice())
			c.tokenOnly(t)
			return nil
		}, nil, []func(error) bool{is(errStore)}},
		"Load": {func(t *testing.T, c *onErrorCase) error {
			c.store.load.set(fails)
			_, err := c.Load(t.Context())
			return err
		}, is(errStore), nil},
		"Close with something to save": {func(t *testing.T, c *onErrorCase) error {
			c.store.swap.set(hangs)
			if err := c.SetToken(t.Context(), tokenOf("B", "R", time.Hour)); err == nil {
				t.Error("no error of SetToken")
			}
			return c.Close(t.Context())
		}, is(context.DeadlineExceeded), nil},
		"SetToken with a listener that fails": {func(t *testing.T, c *onErrorCase) error {
			c.badListener()
			return c.SetToken(t.Context(), tokenOf("B", "R", time.Hour))
		}, is(errListener), nil},
		"Token with a listener that fails": {func(t *testing.T, c *onErrorCase) error {
			c.badListener()
			time.Sleep(2 * time.Hour)
			c.tokenOnly(t)
			return nil
		}, nil, []func(error) bool{is(errListener)}},
		"Token with a token-expired listener that fails": {func(t *testing.T, c *onErrorCase) error {
			c.OnTokenExpired(func(context.Context, spotipie.TokenExpired) error { return errListener })
			time.Sleep(2 * time.Hour)
			c.tokenOnly(t)
			return nil
		}, nil, []func(error) bool{is(errListener)}},
		"Token that fails, with a token-expired listener that does": {func(t *testing.T, c *onErrorCase) error {
			c.OnTokenExpired(func(context.Context, spotipie.TokenExpired) error { return errListener })
			c.spotify.token = status(500)
			time.Sleep(2 * time.Hour)
			_, err := c.Token(t.Context())
			return err
		}, func(err error) bool { return is500(err) && errors.Is(err, errListener) }, nil},
		"unlocking": {func(t *testing.T, c *onErrorCase) error {
			time.Sleep(2 * time.Hour)
			c.store.unlock.set(fails)
			c.tokenOnly(t)
			time.Sleep(time.Minute)
			return nil
		}, nil, []func(error) bool{is(errStore)}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newOnErrorCase(t)
				err := test.act(t, c)
				synctest.Wait()
				if (err != nil) != (test.returned != nil) || err != nil && !test.returned(err) {
					t.Errorf("returned %v", err)
				}
				heard := c.reported.all()
				if len(heard) != len(test.reported) {
					t.Fatalf("OnError heard of %d errors, want %d: %v", len(heard), len(test.reported), heard)
				}
				for i, isWanted := range test.reported {
					var background *spotipie.BackgroundError
					if !isWanted(heard[i]) || !errors.As(heard[i], &background) || background.Key != adaKey {
						t.Errorf("OnError heard of %v, for %v", heard[i], background)
					}
				}
				c.store.swap.set(nil)
				c.store.load.set(nil)
			})
		})
	}
}

// TestNobodyLoggedInTakesNoLock lets many callers ask for a token when nobody is logged
// in. One Load must answer all of them, without the lock.
func TestNobodyLoggedInTakesNoLock(t *testing.T) {
	for name, signOut := range map[string]func(*testing.T, *spotipie.AuthorizationCodeSession){
		"never": func(*testing.T, *spotipie.AuthorizationCodeSession) {},
		"not any more": func(t *testing.T, s *spotipie.AuthorizationCodeSession) {
			set(t, s, time.Hour)
			if err := s.Logout(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
		"expired, without a refresh token": func(t *testing.T, s *spotipie.AuthorizationCodeSession) {
			if err := s.SetToken(t.Context(), tokenOf("A", "", time.Hour)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newHookedStore(), &services{}
				s := offline(t, spotify, store, nil)
				signOut(t, s)
				var mu sync.Mutex
				loads, locks := 0, 0
				count := func(n *int) func(context.Context) error {
					return func(context.Context) error { mu.Lock(); *n++; mu.Unlock(); time.Sleep(time.Millisecond); return nil }
				}
				store.load.set(count(&loads))
				store.lock.set(count(&locks))
				var callers sync.WaitGroup
				for range 100 {
					callers.Go(func() {
						if _, err := s.Token(context.Background()); !errors.Is(err, spotipie.ErrNotAuthorized) && !errors.Is(err, spotipie.ErrTokenExpired) {
							t.Errorf("Token: %v", err)
						}
					})
				}
				callers.Wait()
				if loads != 1 || locks != 0 {
					t.Errorf("%d loads and %d locks for 100 callers at once, want 1 and 0", loads, locks)
				}
				if _, err := s.RefreshToken(t.Context()); err == nil {
					t.Error("RefreshToken: no error")
				}
				if locks != 0 {
					t.Errorf("RefreshToken took the lock")
				}
				expectRequests(t, spotify, 0)
				// A login in another process is still seen at once.
				set(t, offline(t, spotify, store, nil), time.Hour)
				if tok := token(t, s); tok.AccessToken() != "A0" {
					t.Errorf("got %s", tokenNames(tok))
				}
			})
		})
	}
}

// TestLoadDoesNotRepeatAListenersError checks that only the caller that set the token
// gets the listener's error.
func TestLoadDoesNotRepeatAListenersError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newOnErrorCase(t)
		c.badListener()
		if err := c.SetToken(t.Context(), tokenOf("A1", "R1", time.Hour)); !errors.Is(err, errListener) {
			t.Errorf("SetToken: %v", err)
		}
		if _, err := c.Load(t.Context()); err != nil {
			t.Errorf("Load, which has nothing new: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = c.Watch(ctx) // begins with a Load
		if heard := c.reported.all(); len(heard) != 0 {
			t.Errorf("OnError heard of %v", heard)
		}
	})
}

// TestObserveThatEndsItsGoroutine lets Observe end its goroutine, as Fatal in a test
// does. Nobody may be left waiting.
func TestObserveThatEndsItsGoroutine(t *testing.T) {
	for _, op := range []string{"lock", "load", "save", "unlock", "refresh_token"} {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := offline(t, &services{}, newHookedStore(), func(o *spotipie.Options) {
					o.Observe = func(_ context.Context, observed spotipie.Observation) {
						if observed.Op == op && observed.Err == nil {
							runtime.Goexit()
						}
					}
				})
				go func() { _ = s.SetToken(t.Context(), tokenOf("A0", "R0", time.Hour)) }()
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					_, _ = s.RefreshToken(ctx)
				}()
				<-ended
				if ctx.Err() != nil {
					t.Error("RefreshToken did not return")
				}
			})
		})
	}
}

// TestObserveThatMisbehavesCostsNothing lets Observe panic, or end its goroutine, in the
// middle of a call. What the call has begun must go on.
func TestObserveThatMisbehavesCostsNothing(t *testing.T) {
	for name, misbehave := range map[string]func(){
		"panics":             func() { panic("ouch") },
		"ends its goroutine": runtime.Goexit,
	} {
		for call, do := range map[string]func(context.Context, *spotipie.AuthorizationCodeSession){
			"SetToken": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) {
				_ = s.SetToken(ctx, tokenOf("A1", "R1", time.Hour))
			},
			"RefreshToken": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) { _, _ = s.RefreshToken(ctx) },
			"FetchToken": func(ctx context.Context, s *spotipie.AuthorizationCodeSession) {
				_, state, _ := s.AuthorizationURL(nil)
				_, _ = s.FetchTokenGivenCode(ctx, "code", state)
			},
		} {
			for _, op := range []string{"lock", "load", "save", "unlock"} {
				t.Run(name+" at "+op+", "+call, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						var armed atomic.Bool
						var reported errorLog
						store := newHookedStore()
						s := offline(t, &services{}, store, func(o *spotipie.Options) {
							o.OnError = reported.add
							o.Observe = func(_ context.Context, observed spotipie.Observation) {
								if observed.Op == op && armed.Swap(false) {
									misbehave()
								}
							}
						})
						set(t, s, time.Hour)
						armed.Store(true)
						ended := make(chan struct{})
						go func() {
							defer close(ended)
							do(t.Context(), s)
						}()
						<-ended
						happened := !armed.Swap(false)
						time.Sleep(time.Minute)
						if name == "panics" || call != "RefreshToken" || op == "save" || op == "unlock" { // otherwise no token was requested
							expectTokens(t, s, store, "A1", "R1")
						}
						if heard := fmt.Sprint(reported.all()); name == "panics" && happened && !strings.Contains(heard, "Observe: it panicked: ouch") {
							t.Errorf("OnError heard %s, want the panic", heard)
						}
						began := time.Now()
						if _, err := s.RefreshToken(t.Context()); err != nil || time.Since(began) > time.Second {
							t.Errorf("RefreshToken afterwards: %v after %s", err, time.Since(began))
						}
					})
				})
			}
		}
	}
}

// TestLoginWhoseObserveEndsItsGoroutine checks that the caller gets an error.
func TestLoginWhoseObserveEndsItsGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := offline(t, &services{}, nil, func(o *spotipie.Options) {
			o.Observe = func(context.Context, spotipie.Observation) { runtime.Goexit() }
		})
		if _, err := login(t, s); err == nil { // it does not hang either
			t.Error("no error")
		}
	})
}
