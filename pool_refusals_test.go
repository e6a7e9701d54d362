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
)

// refusesUsers makes the accounts service refuse the users whose names begin with bad,
// and renew the others.
func refusesUsers(s *services) {
	s.token = func(n int, req *http.Request) (*http.Response, error) {
		if strings.HasPrefix(s.form(n).Get("refresh_token"), "R-bad") {
			return respond(req, http.StatusBadRequest, `{"error":"invalid_grant","error_description":"Refresh token revoked"}`), nil
		}
		return respond(req, http.StatusOK, renewed(n)), nil
	}
}

// TestOthersWhileManyAreRefused checks that a pool with many refusals slows down but does
// not stop, even if callers give up waiting, and that users can sign in.
func TestOthersWhileManyAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bad, good, seconds = 60, 100, 40
		store := spotipie.NewMemoryStore()
		var names []string
		for i := range bad {
			names = append(names, fmt.Sprint("bad-", i))
		}
		addUsers(t, store, time.Hour, append(names, users(good)...)...)
		spotify := &services{before: func(int) { time.Sleep(100 * time.Millisecond) }, api: func(req *http.Request) (*http.Response, error) {
			return respond(req, http.StatusOK, `{"id":"new"}`), nil
		}}
		refusesUsers(spotify)
		pool := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{
			Store: store, Transport: spotify, RefreshTimeout: 10 * time.Second,
		}, TokenRequests: bad})
		time.Sleep(2 * time.Hour)
		var group sync.WaitGroup
		ask := func(ctx context.Context, user string) error {
			s, err := pool.Session(ctx, user)
			if err == nil {
				_, err = s.Token(ctx)
			}
			return err
		}
		for _, user := range names {
			group.Go(func() { _ = ask(t.Context(), user) })
		}
		group.Wait()
		before := spotify.requests()
		ctx, stop := context.WithTimeout(t.Context(), seconds*time.Second)
		defer stop()
		for _, user := range users(good) {
			group.Go(func() {
				for ask(ctx, user) != nil && ctx.Err() == nil {
					time.Sleep(2 * time.Second)
				}
			})
		}
		time.Sleep(15 * time.Second)
		_, login, err := pool.AuthorizationURL(nil)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := pool.FinishLogin(t.Context(), login, "?code=C&state="+login.State); err != nil || time.Since(began) > time.Second {
			t.Errorf("a login returned %v after %s", err, time.Since(began))
		}
		group.Wait()
		if got := spotify.requests() - before; got < seconds*3/4 || got > seconds+5 {
			t.Errorf("%d token requests in %d seconds, want about one in each", got, seconds)
		}
	})
}

// TestRetryWhatAnotherReplicaSawRefused retries users that another replica saw refused
// and that this one has in memory.
func TestRetryWhatAnotherReplicaSawRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := spotipie.NewMemoryStore()
		addUsers(t, store, time.Hour, "bad-ada")
		spotify := &services{}
		refusesUsers(spotify)
		one := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store, Transport: spotify}})
		other := newPool(t, &spotipie.PoolOptions{Options: spotipie.Options{Store: store, Transport: spotify}})
		sessionOf(t, other, "bad-ada")
		if _, err := sessionOf(t, one, "bad-ada").RefreshToken(t.Context()); !errors.Is(err, spotipie.ErrReauthorizationRequired) {
			t.Fatal(err)
		}
		spotify.token = nil
		report, err := other.RetryRefused(t.Context(), time.Time{})
		if err != nil || report != (spotipie.RetryReport{Renewed: 1}) {
			t.Errorf("got %+v, %v", report, err)
		}
	})
}
