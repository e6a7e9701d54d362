package redisstore_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

func TestWatchersOfARestartedServer(t *testing.T) {
	t.Parallel()
	server := testservices.StartRedis(t)
	store := open(t, connect(t, &redis.Options{Addr: server.Address}), fresh(0))
	storecheck.WatchersOutliveARestart(t, store, func() {
		server.Kill()
		server.Start(t)
	})
}

func TestWatchersShareAConnection(t *testing.T) {
	t.Parallel()
	client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(0)
	channel := opts.Prefix + "changed"
	storecheck.WatchersShareAConnection(t, open(t, client, opts), func() int {
		return int(client.PubSubNumSub(t.Context(), channel).Val()[channel])
	})
}

func TestWatchWithoutAServer(t *testing.T) {
	store := open(t, connect(t, &redis.Options{Addr: "127.0.0.1:1"}), fresh(0))
	if _, err := store.Watch(t.Context(), storecheck.Key()); err == nil {
		t.Error("no error")
	}
}

func TestSessionLearnsOfATokenThatAnotherGot(t *testing.T) {
	address, opts := services.Redis(t), fresh(0)
	storecheck.SessionLearnsOfANewToken(t, func() spotipie.Store {
		return open(t, connect(t, &redis.Options{Addr: address}), opts)
	})
}
