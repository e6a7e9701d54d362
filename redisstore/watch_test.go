package redisstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
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
	case <-time.After(20 * time.Second):
		t.Fatalf("not told of %s", of)
	}
}

func TestWatchersOfARestartedServer(t *testing.T) {
	t.Parallel()
	server := testservices.StartRedis(t)
	client, opts := connect(t, &redis.Options{Addr: server.Address}), fresh(0)
	store := open(t, client, opts)
	changes, err := store.Watch(t.Context(), someKey())
	if err != nil {
		t.Fatal(err)
	}
	server.Kill()
	server.Start(t)
	told(t, changes, "what may have been missed")
	swap(t, store, 0, record(t, "one"))
	told(t, changes, "a Swap")
}

func TestWatchersShareAConnection(t *testing.T) {
	t.Parallel()
	server := testservices.StartRedis(t)
	client, opts := connect(t, &redis.Options{Addr: server.Address}), fresh(0)
	store := open(t, client, opts)
	ctx, cancel := context.WithCancel(t.Context())
	for range 20 {
		if _, err := store.Watch(ctx, someKey()); err != nil {
			t.Fatal(err)
		}
	}
	if subscribers := client.PubSubNumSub(ctx, opts.Prefix+"changed").Val()[opts.Prefix+"changed"]; subscribers != 1 {
		t.Errorf("%d connections subscribe, want 1", subscribers)
	}
	cancel()
	for deadline := time.Now().Add(20 * time.Second); client.PubSubNumSub(t.Context(), opts.Prefix+"changed").Val()[opts.Prefix+"changed"] != 0; {
		if time.Now().After(deadline) {
			t.Fatal("the subscription stays when nobody watches")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestWatchWithoutAServer(t *testing.T) {
	store := open(t, connect(t, &redis.Options{Addr: "127.0.0.1:1"}), fresh(0))
	if _, err := store.Watch(t.Context(), someKey()); err == nil {
		t.Error("no error")
	}
}

func TestSessionLearnsOfATokenThatAnotherGot(t *testing.T) {
	address, opts := services.Redis(t), fresh(0)
	server := spotifytest.New(t)
	session := func() *spotipie.AuthorizationCodeSession {
		o := server.Options()
		o.Store, o.Profile = open(t, connect(t, &redis.Options{Addr: address}), opts), "ada"
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
