package redisstore_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
	"github.com/spotipie/spotipie/redisstore"
)

var services testservices.Services

func TestMain(m *testing.M) {
	fleet.RunMember(func(c fleet.Config) (spotipie.Store, error) {
		return redisstore.New(redis.NewClient(&redis.Options{Addr: c.Address}), &redisstore.Options{Prefix: c.Place, Lease: c.Lease})
	})
	logging.Disable() // connections fail on purpose
	goleak.VerifyTestMain(m, goleak.Cleanup(services.Exit))
}

// connect returns a client that is closed when the test ends.
func connect(t testing.TB, opts *redis.Options) *redis.Client {
	t.Helper()
	client := redis.NewClient(opts)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func open(t testing.TB, client redis.UniversalClient, opts *redisstore.Options) *redisstore.Store {
	t.Helper()
	store, err := redisstore.New(client, opts)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// fresh returns options for a store with a prefix that nobody else uses.
func fresh(lease time.Duration) *redisstore.Options {
	return &redisstore.Options{Prefix: "test:" + rand.Text() + ":", Lease: lease}
}
