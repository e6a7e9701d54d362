package storecheck

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/spotifytest"
)

// told fails the test unless a notice comes.
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

// WatchersOutliveARestart tests a store whose server restart stops and starts.
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

// WatchersShareAConnection tests a store that nobody else uses; connections
// asks its server how many listen.
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

// SessionLearnsOfANewToken tests a store that two sessions have opened, one by
// one, on the same records: one that watches is told of the token that the
// other has got, and asks the accounts service for nothing.
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
	<-updates // the first look
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

// WatchEnds fails the test unless the channel of a Watch is closed.
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
