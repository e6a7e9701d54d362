package spotipie_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// TestPoolShrinksAfterAnOutage makes the pool keep more sessions than its limit,
// because it could not save them. It must shrink when the store works again.
func TestPoolShrinksAfterAnOutage(t *testing.T) {
	for name, runs := range map[string]bool{"with Run": true, "by new users": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newHookedStore()
				all := users(60)
				addUsers(t, store, 12*time.Hour, all...)
				pool := newPool(t, &spotipie.PoolOptions{
					Options: spotipie.Options{Store: store, Transport: &services{}}, MaxSessions: 10, MaxIdle: 1000 * time.Hour,
				})
				store.swap.set(func(context.Context) error { return errAway })
				for _, user := range all[:40] {
					if _, err := sessionOf(t, pool, user).RefreshToken(t.Context()); !errors.Is(err, errAway) {
						t.Fatal(err)
					}
				}
				if got := pool.Stats().Sessions; got != 40 {
					t.Fatalf("%d sessions are resident, want the 40 that are not saved", got)
				}
				store.swap.set(nil)
				time.Sleep(time.Minute) // the pool tries again at least every ten seconds
				if runs {
					ctx, stop := context.WithCancel(t.Context())
					go func() { _ = pool.Run(ctx) }()
					time.Sleep(2 * time.Minute)
					stop()
				} else {
					for _, user := range all[40:] {
						sessionOf(t, pool, user)
						sessionOf(t, pool, user) // must return the same session
					}
					for _, user := range all[:15] {
						sessionOf(t, pool, user)
					}
				}
				if got := pool.Stats().Sessions; got != 10 {
					t.Errorf("%d sessions are resident, want MaxSessions, 10", got)
				}
			})
		})
	}
}

// TestUnknownUserIsLookedUpOnceInAWhile checks that repeated calls for an unknown user
// do not load from the store each time.
func TestUnknownUserIsLookedUpOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		var loads atomic.Int32
		store.load.set(func(context.Context) error { loads.Add(1); return nil })
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
		for range 100 {
			if sessionOf(t, pool, "nobody").IsAuthorized() {
				t.Fatal("nobody is authorized")
			}
		}
		if got := loads.Load(); got != 1 {
			t.Errorf("the store was asked %d times at once, want 1", got)
		}
		time.Sleep(2 * time.Second)
		addUsers(t, store, time.Hour, "nobody")
		if !sessionOf(t, pool, "nobody").IsAuthorized() {
			t.Error("a user who has signed in elsewhere is not known two seconds later")
		}
	})
}

// TestUnknownUserSignsInElsewhere checks that a pool that watches its store knows of the
// login at once.
func TestUnknownUserSignsInElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := spotipie.NewMemoryStore()
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
		go func() { _ = pool.Run(t.Context()) }()
		synctest.Wait()
		if sessionOf(t, pool, "ada").IsAuthorized() {
			t.Fatal("ada has not signed in yet")
		}
		addUsers(t, store, time.Hour, "ada")
		synctest.Wait()
		if !sessionOf(t, pool, "ada").IsAuthorized() {
			t.Error("ada has signed in, and the pool does not know")
		}
		if err := pool.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestPoolWithAStoreThatIgnoresContexts checks that callers wait ten seconds at most for
// a load that hangs, and that later callers begin another load.
func TestPoolWithAStoreThatIgnoresContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHookedStore()
		addUsers(t, store, time.Hour, "ada")
		var loads atomic.Int32
		store.load.set(func(context.Context) error {
			if loads.Add(1) == 1 {
				time.Sleep(time.Hour)
			}
			return nil
		})
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
		start := time.Now()
		var storeErr *spotipie.StoreError
		_, err := pool.Session(t.Context(), "ada")
		if waited := time.Since(start); !errors.As(err, &storeErr) || !errors.Is(err, context.DeadlineExceeded) || waited > 11*time.Second {
			t.Errorf("got %v after %s, want a StoreError after ten seconds", err, waited)
		}
		if token, err := sessionOf(t, pool, "ada").Token(t.Context()); err != nil {
			t.Errorf("the next caller got %v, %v", token, err)
		}
		start = time.Now()
		if err := pool.Close(t.Context()); err != nil || time.Since(start) > time.Second {
			t.Errorf("Close: %v after %s", err, time.Since(start))
		}
		time.Sleep(2 * time.Hour) // until the store has answered
	})
}

// TestPoolWithAStoreThatPanics checks that the caller gets an error and the pool still
// works.
func TestPoolWithAStoreThatPanics(t *testing.T) {
	store := newHookedStore()
	addUsers(t, store, time.Hour, "ada")
	store.load.set(func(context.Context) error { panic("out of tune") })
	pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store}})
	var storeErr *spotipie.StoreError
	if _, err := pool.Session(t.Context(), "ada"); !errors.As(err, &storeErr) {
		t.Errorf("got %v, want a StoreError", err)
	}
	store.load.set(nil)
	sessionOf(t, pool, "ada")
}

// TestLoginThatPanics checks that a RoundTripper or OnSession that misbehaves during a
// login ends neither the program, in whose goroutine it is not called, nor the pool.
func TestLoginThatPanics(t *testing.T) {
	profile := answer(func(req *http.Request) (*http.Response, error) {
		return respond(req, http.StatusOK, `{"id":"ada"}`), nil
	})
	for name, test := range map[string]struct {
		api       answer
		onSession func(*spotipie.AuthorizationCodeSession)
		says      string
	}{
		"the RoundTripper panics":             {api: func(*http.Request) (*http.Response, error) { panic("out of tune") }, says: "panicked: out of tune"},
		"the RoundTripper ends its goroutine": {api: func(*http.Request) (*http.Response, error) { runtime.Goexit(); return nil, nil }, says: "ended its goroutine"},
		"the RoundTripper ignores its context": {api: func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Hour)
			return nil, errStore
		}, says: "deadline exceeded"},
		"the body panics":  {api: withBody(http.StatusOK, func() (int, error) { panic("out of tune") }), says: "panicked: out of tune"},
		"OnSession panics": {api: profile, onSession: func(*spotipie.AuthorizationCodeSession) { panic("out of tune") }, says: "panicked: out of tune"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				spotify := &services{api: test.api}
				pool := newPool(t, &spotipie.PoolOptions{
					Options: spotipie.Options{Store: spotipie.NewMemoryStore(), Transport: spotify}, OnSession: test.onSession,
				})
				_, login, err := pool.AuthorizationURL(nil)
				if err != nil {
					t.Fatal(err)
				}
				begun := time.Now()
				signIn, err := pool.FinishLogin(t.Context(), login, "?code=C&state="+login.State)
				if signIn != nil || err == nil || !strings.Contains(err.Error(), test.says) || time.Since(begun) > 100*time.Second {
					t.Errorf("got %v and error %v after %s, want an error that says %q", signIn, err, time.Since(begun), test.says)
				}
				if err := pool.Close(t.Context()); err != nil {
					t.Errorf("Close: %v", err)
				}
				time.Sleep(2 * time.Hour) // until the RoundTripper returns
			})
		})
	}
}

// TestPoolClosedByAListenerOfALogin calls Close in a listener of a login. Close cannot
// wait for the login, because the login waits for the listener.
func TestPoolClosedByAListenerOfALogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := spotipie.NewMemoryStore()
		spotify := &services{api: func(req *http.Request) (*http.Response, error) {
			return respond(req, http.StatusOK, `{"id":"ada"}`), nil
		}}
		var pool *spotipie.Pool
		closed := make(chan error, 1)
		pool = newPool(t, &spotipie.PoolOptions{
			Options: spotipie.Options{Store: store, Transport: spotify},
			OnSession: func(s *spotipie.AuthorizationCodeSession) {
				s.OnTokenUpdated(func(ctx context.Context, _ spotipie.TokenUpdated) error {
					closed <- pool.Close(ctx)
					return nil
				})
			},
		})
		_, login, err := pool.AuthorizationURL(nil)
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		signIn, err := pool.FinishLogin(t.Context(), login, "?code=C&state="+login.State)
		if err != nil || signIn.User.ID != "ada" {
			t.Errorf("the login returned %v, %v", signIn, err)
		}
		if err := <-closed; err != nil || time.Since(begun) > 0 {
			t.Errorf("Close returned %v after %s", err, time.Since(begun))
		}
		rec, found, err := store.Load(t.Context(), spotipie.Key{ClientID: "id", Profile: "ada"})
		if err != nil || !found || rec.Token.RefreshToken() != "R1" {
			t.Errorf("the store has %v, %v", rec, err)
		}
	})
}

// TestLoginWithoutScopeGrantsNothing checks this even if the pool that finishes the
// login asks for scopes itself.
func TestLoginWithoutScopeGrantsNothing(t *testing.T) {
	store := spotipie.NewMemoryStore()
	spotify := &services{api: func(req *http.Request) (*http.Response, error) {
		return respond(req, http.StatusOK, `{"id":"ada"}`), nil
	}}
	before := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store, Transport: spotify}})
	after := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{
		Store: store, Transport: spotify, Scope: spotipie.Scopes{spotipie.ScopeUserLibraryRead},
	}})
	_, login, err := before.AuthorizationURL(nil)
	if err != nil {
		t.Fatal(err)
	}
	signIn, err := after.FinishLogin(t.Context(), login, "?code=C&state="+login.State) // the answer has no scope
	var mismatch *spotipie.RecordMismatchError
	if signIn != nil || !errors.As(err, &mismatch) {
		t.Errorf("got %v, %v; want that the user was asked for too little", signIn, err)
	}
	if rec, found, _ := store.Load(t.Context(), spotipie.Key{ClientID: "id", Profile: "ada"}); found {
		t.Errorf("the store has %v with the scope %q", rec, rec.Token.Scope())
	}
}

// TestLoginOutlivesALongerOutage checks that a login goes on for a while when the Web
// API is down or limits the app, because its code is used up. Meanwhile the browser
// shows a page that reloads.
func TestLoginOutlivesALongerOutage(t *testing.T) {
	for name, trouble := range map[string]func(*http.Request) *http.Response{
		"it is down": func(req *http.Request) *http.Response { return respond(req, http.StatusServiceUnavailable, "") },
		"it limits the app": func(req *http.Request) *http.Response {
			return respond(req, http.StatusTooManyRequests, "", "Retry-After", "40")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun, asked := time.Now(), 0
				spotify := &services{api: func(req *http.Request) (*http.Response, error) {
					asked++
					if time.Since(begun) < 40*time.Second {
						return trouble(req), nil
					}
					return respond(req, http.StatusOK, `{"id":"ada"}`), nil
				}}
				pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: spotipie.NewMemoryStore(), Transport: spotify}})
				_, login, err := pool.AuthorizationURL(nil)
				if err != nil {
					t.Fatal(err)
				}
				signIn, err := pool.FinishLogin(t.Context(), login, "?code=C&state="+login.State)
				if err != nil || signIn.User.ID != "ada" {
					t.Errorf("got %v, %v", signIn, err)
				}
				if asked > 20 {
					t.Errorf("the Web API was asked %d times in %s", asked, time.Since(begun))
				}
			})
		})
	}
}

// TestPoolCloseEndsALoginInTrouble checks that Close lets a login try once more and does
// not wait until the Web API works again.
func TestPoolCloseEndsALoginInTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spotify := &services{api: func(req *http.Request) (*http.Response, error) {
			return respond(req, http.StatusServiceUnavailable, ""), nil
		}}
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: spotipie.NewMemoryStore(), Transport: spotify}})
		_, login, err := pool.AuthorizationURL(nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(20 * time.Second)
			_ = pool.Close(t.Context())
		}()
		begun := time.Now()
		var answer *spotipie.APIError
		_, err = pool.FinishLogin(t.Context(), login, "?code=C&state="+login.State)
		if took := time.Since(begun); !errors.As(err, &answer) || took > 21*time.Second {
			t.Errorf("got %v after %s", err, took)
		}
	})
}
