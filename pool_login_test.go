package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

// newServerPool returns a pool for the server's app.
func newServerPool(t *testing.T, server *spotifytest.Server, store spotipie.Store, scopes ...spotipie.Scope) *spotipie.Pool {
	t.Helper()
	opts := server.Options()
	opts.Scope, opts.Store = scopes, store
	pool, err := spotipie.NewPool(server.Credentials(), &spotipie.PoolOptions{Options: *opts})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("closing the pool: %v", err)
		}
	})
	return pool
}

// consent begins a login, and the user agrees.
func consent(t *testing.T, server *spotifytest.Server, pool *spotipie.Pool, user string, opts *spotipie.AuthorizationURLOptions) (login spotipie.Login, callback string) {
	t.Helper()
	authorizationURL, login, err := pool.AuthorizationURL(opts)
	if err != nil {
		t.Fatal(err)
	}
	callback, err = server.ConsentAs(authorizationURL, user)
	if err != nil {
		t.Fatal(err)
	}
	return login, callback
}

func TestLoginBegunOnOneReplicaIsFinishedOnAnother(t *testing.T) {
	server := spotifytest.New(t)
	store := spotipie.NewMemoryStore()
	one := newServerPool(t, server, store, spotipie.ScopeUserReadEmail)
	other := newServerPool(t, server, store, spotipie.ScopeUserReadEmail)
	var keys []string
	for _, user := range []string{"ada", "grace"} {
		login, callback := consent(t, server, one, user, nil)
		signIn, err := other.FinishLogin(t.Context(), login, callback)
		if err != nil {
			t.Fatal(err)
		}
		if signIn.User.ID != user {
			t.Errorf("%s signed in as %+v", user, signIn.User)
		}
		keys = append(keys, signIn.User.Key())
	}
	for i, key := range keys {
		s := sessionOf(t, one, key)
		user, err := spotipie.CurrentUser(t.Context(), s)
		if err != nil || user.Key() != key {
			t.Errorf("the session of user %d is that of %+v, %v", i, user, err)
		}
		if s.AuthorizedAt().IsZero() || !s.Scope().Equal(spotipie.Scopes{spotipie.ScopeUserReadEmail}) {
			t.Errorf("authorized at %s with %s", s.AuthorizedAt(), s.Scope())
		}
	}
}

func TestLoginThatAsksForMore(t *testing.T) {
	server := spotifytest.New(t)
	pool := newServerPool(t, server, spotipie.NewMemoryStore(), spotipie.ScopeUserReadEmail)
	more := spotipie.Scopes{spotipie.ScopeUserLibraryRead}
	login, callback := consent(t, server, pool, "ada", &spotipie.AuthorizationURLOptions{Scope: more})
	signIn, err := pool.FinishLogin(t.Context(), login, callback)
	if err != nil {
		t.Fatal(err)
	}
	want := spotipie.Scopes{spotipie.ScopeUserLibraryRead, spotipie.ScopeUserReadEmail}
	if rec, _ := signIn.Session.Record(); !signIn.Session.Scope().Equal(want) || !rec.RequestedScope.Equal(want) {
		t.Errorf("got the scope %s of %s that were asked for, want %s", signIn.Session.Scope(), rec.RequestedScope, want)
	}
	server.Advance(2 * time.Hour)
	if err := spotipie.RequireScope(signIn.Session, more...); err != nil {
		t.Errorf("after a renewal: %v", err)
	}
}

// TestLoginReplacesTheOlderOne checks this also for a user whose token was refused.
func TestLoginReplacesTheOlderOne(t *testing.T) {
	server := spotifytest.New(t)
	pool := newServerPool(t, server, spotipie.NewMemoryStore())
	login, callback := consent(t, server, pool, "ada", nil)
	first, err := pool.FinishLogin(t.Context(), login, callback)
	if err != nil {
		t.Fatal(err)
	}
	server.RevokeUser(server.Credentials().ClientID, "ada")
	if _, err := first.Session.RefreshToken(t.Context()); !errors.Is(err, spotipie.ErrReauthorizationRequired) {
		t.Fatalf("got %v, want that the user has to sign in again", err)
	}
	login, callback = consent(t, server, pool, "ada", nil)
	second, err := pool.FinishLogin(t.Context(), login, callback)
	if err != nil {
		t.Fatal(err)
	}
	if second.Session != first.Session {
		t.Error("the user has two sessions")
	}
	if _, err := first.Session.RefreshToken(t.Context()); err != nil {
		t.Errorf("after the second login: %v", err)
	}
}

func TestLoginsThatCannotBeFinished(t *testing.T) {
	server := spotifytest.New(t)
	creds := server.Credentials()
	for _, test := range []struct {
		name   string
		change func(login *spotipie.Login, callback *string)
		is     func(error) bool
	}{
		{"state of another login", func(login *spotipie.Login, _ *string) { login.State = strings.Repeat("x", 43) },
			func(err error) bool { return errors.Is(err, spotipie.ErrStateMismatch) }},
		{"no login at all", func(login *spotipie.Login, _ *string) { *login = spotipie.Login{} },
			func(err error) bool { return errors.Is(err, spotipie.ErrStateMismatch) }},
		{"too late", func(login *spotipie.Login, _ *string) { login.Expires = server.Now().Add(-time.Second) },
			func(err error) bool { return errors.Is(err, spotipie.ErrStateMismatch) }},
		{"verifier of another login", func(login *spotipie.Login, _ *string) { login.Verifier = strings.Repeat("x", 43) }, isTokenEndpointError},
		{"redirect URI of another login", func(login *spotipie.Login, _ *string) { login.RedirectURI += "/other" }, isTokenEndpointError},
		{"denied", func(_ *spotipie.Login, callback *string) {
			*callback = strings.Replace(*callback, "code=", "error=access_denied&x=", 1)
		}, func(err error) bool { return errors.Is(err, spotipie.ErrAccessDenied) }},
		{"no callback", func(_ *spotipie.Login, callback *string) { *callback = "" }, func(err error) bool {
			var callback *spotipie.CallbackError
			return errors.As(err, &callback)
		}},
		{"profile refused", func(*spotipie.Login, *string) {
			if err := server.QueueFault(accounts.Fault{Kind: accounts.FaultUserNotRegistered, Target: accounts.TargetAPI}); err != nil {
				t.Fatal(err)
			}
		}, func(err error) bool {
			var answer *spotipie.APIError
			return errors.As(err, &answer) && answer.StatusCode == http.StatusForbidden
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := spotipie.NewMemoryStore()
			pool := newServerPool(t, server, store)
			login, callback := consent(t, server, pool, "ada", nil)
			test.change(&login, &callback)
			signIn, err := pool.FinishLogin(t.Context(), login, callback)
			if signIn != nil || !test.is(err) {
				t.Errorf("got %v, %v", signIn, err)
			}
			for _, secret := range []string{login.State, login.Verifier, creds.ClientSecret} {
				if err != nil && secret != "" && strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows a secret: %v", err)
				}
			}
			if keys, err := store.List(t.Context()); err != nil || len(keys) != 0 {
				t.Errorf("the store has %v, %v", keys, err)
			}
		})
	}
}

func isTokenEndpointError(err error) bool {
	var answer *spotipie.TokenEndpointError
	return errors.As(err, &answer)
}

// TestLoginOutlivesPassingTrouble checks that the pool asks for the profile again after
// an error, because the code is used up. A reloaded callback must join the same login.
func TestLoginOutlivesPassingTrouble(t *testing.T) {
	server := spotifytest.New(t)
	pool := newServerPool(t, server, spotipie.NewMemoryStore())
	login, callback := consent(t, server, pool, "ada", nil)
	if err := server.QueueFault(accounts.Fault{Kind: accounts.FaultServerError, Target: accounts.TargetAPI, Times: 2}); err != nil {
		t.Fatal(err)
	}
	given, stop := context.WithCancel(t.Context())
	stop()
	if _, err := pool.FinishLogin(given, login, callback); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want that nobody waits for it", err)
	}
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			signIn, err := pool.FinishLogin(t.Context(), login, callback)
			if err != nil || signIn.User.ID != "ada" {
				t.Errorf("got %v, %v", signIn, err)
			}
		})
	}
	group.Wait()
}

// TestProfileIsAskedForAgainAfterAWhile checks the pauses between the requests, which
// give the Web API time to recover.
func TestProfileIsAskedForAgainAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []time.Time
		spotify := &services{api: func(req *http.Request) (*http.Response, error) {
			asked = append(asked, time.Now())
			return respond(req, http.StatusBadGateway, ""), nil
		}}
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: spotipie.NewMemoryStore(), Transport: spotify}})
		_, login, err := pool.AuthorizationURL(nil)
		if err != nil {
			t.Fatal(err)
		}
		var answer *spotipie.APIError
		if _, err := pool.FinishLogin(t.Context(), login, "?code=C&state="+login.State); !errors.As(err, &answer) {
			t.Errorf("got %v, want the 502", err)
		}
		for i := range len(asked) - 1 {
			if wait := asked[i+1].Sub(asked[i]); wait < 100*time.Millisecond {
				t.Errorf("try %d came after %s", i+2, wait)
			}
		}
		if took := asked[len(asked)-1].Sub(asked[0]); len(asked) > 40 || took < time.Minute || took > 90*time.Second {
			t.Errorf("the profile was asked for %d times in %s", len(asked), took)
		}
	})
}

// TestLoginsTakeTurns checks that exchanges of codes count against the limit of the
// app's token requests.
func TestLoginsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, most = 60, 4
		endpoint := &herd{takes: 100 * time.Millisecond}
		pool := newPool(t, &spotipie.PoolOptions{
			Options: spotipie.Options{Store: spotipie.NewMemoryStore(), Transport: answer(func(req *http.Request) (*http.Response, error) {
				if strings.HasSuffix(req.URL.Path, "/api/token") {
					return endpoint.RoundTrip(req)
				}
				return respond(req, http.StatusOK, `{"id":"ada"}`), nil
			})}, TokenRequests: most,
		})
		var group sync.WaitGroup
		for i := range n {
			group.Go(func() {
				_, login, err := pool.AuthorizationURL(nil)
				if err == nil {
					_, err = pool.FinishLogin(t.Context(), login, fmt.Sprintf("?code=C%d&state=%s", i, login.State))
				}
				if err != nil {
					t.Errorf("login %d: %v", i, err)
				}
			})
		}
		group.Wait()
		if len(endpoint.starts) != n || endpoint.most > most {
			t.Errorf("%d exchanges, %d at the same time, want %d and %d at most", len(endpoint.starts), endpoint.most, n, most)
		}
	})
}

// TestPoolCloseWaitsForLogins checks that Close waits until logins are saved: their
// codes are used up, so they would be lost.
func TestPoolCloseWaitsForLogins(t *testing.T) {
	for name, patience := range map[string]time.Duration{"and has the time": time.Minute, "and is in a hurry": time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := spotipie.NewMemoryStore()
				spotify := &services{before: func(int) { time.Sleep(3 * time.Second) }, api: func(req *http.Request) (*http.Response, error) {
					return respond(req, http.StatusOK, `{"id":"ada"}`), nil
				}}
				pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store, Transport: spotify}})
				_, login, err := pool.AuthorizationURL(nil)
				if err != nil {
					t.Fatal(err)
				}
				callback := "?code=C&state=" + login.State
				var group sync.WaitGroup
				group.Go(func() {
					signIn, err := pool.FinishLogin(t.Context(), login, callback)
					if err != nil || signIn.User.ID != "ada" {
						t.Errorf("the login came to %v, %v", signIn, err)
					}
				})
				time.Sleep(time.Second)
				ctx, stop := context.WithTimeout(t.Context(), patience)
				defer stop()
				began := time.Now()
				err = pool.Close(ctx)
				if hurries := patience < 3*time.Second; hurries != errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 3*time.Second {
					t.Errorf("Close returned %v after %s", err, time.Since(began))
				}
				if _, err := pool.FinishLogin(t.Context(), spotipie.Login{State: "other"}, callback); !errors.Is(err, spotipie.ErrClosed) {
					t.Errorf("another login: %v", err)
				}
				group.Wait()
				rec, found, err := store.Load(t.Context(), spotipie.Key{ClientID: "id", Profile: "ada"})
				if err != nil || !found || rec.Token.RefreshToken() != "R1" {
					t.Errorf("the store has %v, %v", rec, err)
				}
			})
		})
	}
}

// TestLoginThatIsNotKept finishes a login that began before the app needed more scopes.
// The user must not be signed in.
func TestLoginThatIsNotKept(t *testing.T) {
	server := spotifytest.New(t)
	store := spotipie.NewMemoryStore()
	before := newServerPool(t, server, store, spotipie.ScopeUserReadEmail)
	after := newServerPool(t, server, store, spotipie.ScopeUserReadEmail, spotipie.ScopeUserLibraryRead)
	login, callback := consent(t, server, before, "ada", nil)
	signIn, err := after.FinishLogin(t.Context(), login, callback)
	var mismatch *spotipie.RecordMismatchError
	if signIn != nil || !errors.As(err, &mismatch) {
		t.Errorf("got %v, %v", signIn, err)
	}
}
