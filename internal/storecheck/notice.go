package storecheck

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/spotifytest"
)

// told waits for a notice, and fails the test if none comes.
func told(t *testing.T, changes <-chan struct{}, of string) {
	t.Helper()
	select {
	case _, more := <-changes:
		if !more {
			t.Fatalf("the channel was closed instead of telling of %s", of)
		}
	case <-time.After(Patience):
		t.Fatalf("not told of %s", of)
	}
}

// WatchersOutliveARestart tests that watchers still get notices after restart, which
// stops and starts the server.
func WatchersOutliveARestart(t *testing.T, s spotipie.Watcher, restart func()) {
	t.Helper()
	changes, err := s.Watch(t.Context(), Key())
	if err != nil {
		t.Fatal(err)
	}
	restart()
	told(t, changes, "what may have been missed")
	Swap(t, s, 0, "one")
	told(t, changes, "a Swap")
}

// WatchersShareAConnection tests a store that nobody else uses. connections returns
// how many connections to its server listen for notices.
func WatchersShareAConnection(t *testing.T, s spotipie.Watcher, connections func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 20 {
		if _, err := s.Watch(ctx, Key()); err != nil {
			t.Fatal(err)
		}
	}
	if n := connections(); n != 1 {
		t.Errorf("%d connections listen, want 1", n)
	}
	cancel()
	for deadline := time.Now().Add(Patience); connections() != 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the connection stays when nobody watches")
		}
	}
}

// SessionLearnsOfANewToken tests two sessions whose stores have the same records.
// The session that watches must be told of the token that the other one got, and must
// ask the accounts service for nothing.
func SessionLearnsOfANewToken(t *testing.T, open func() spotipie.Store) {
	t.Helper()
	server := spotifytest.New(t)
	session := func() *spotipie.AuthorizationCodeSession {
		o := server.Options()
		o.Store, o.Profile = open(), "ada"
		s, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, b := session(), session()
	server.Login(t, a)
	updates := make(chan *spotipie.Token, 9)
	b.OnTokenUpdated(func(_ context.Context, e spotipie.TokenUpdated) error { updates <- e.NewToken; return nil })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.Watch(ctx) }()
	<-updates // the token of the first load
	fresh, err := a.RefreshToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := <-updates; got.AccessToken() != fresh.AccessToken() {
		t.Error("another token than the new one")
	}
	if n := server.Stats().TokenRequests.RefreshToken; n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Watch: %v", err)
	}
}

// WatchEnds waits until the channel of a Watch is closed, and fails the test if it
// stays open.
func WatchEnds(t *testing.T, changes <-chan struct{}) {
	t.Helper()
	end := time.After(Patience)
	for {
		select {
		case _, more := <-changes:
			if !more {
				return
			}
		case <-end:
			t.Fatal("the channel is not closed")
		}
	}
}
