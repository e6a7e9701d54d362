package redisstore_test

import (
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/redisstore"
	"github.com/spotipie/spotipie/storetest"
)

func TestStoreInACluster(t *testing.T) {
	addresses := testservices.StartRedisCluster(t)
	for _, address := range addresses {
		aclUser(t, address, "test:", "+cluster|slots")
	}
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addresses, Username: "app", Password: "secret"})
	t.Cleanup(func() { _ = client.Close() })
	storetest.Run(t, func(t *testing.T) spotipie.Store { return open(t, client, fresh(0)) })
}

// The server has its own certificate authority, and accepts only clients with a certificate.
func TestStoreOverTLS(t *testing.T) {
	server := testservices.StartRedisTLS(t)
	config := server.Config(t)
	storetest.Run(t, func(t *testing.T) spotipie.Store {
		return open(t, connect(t, &redis.Options{Addr: server.Address, TLSConfig: config}), fresh(0))
	})

	for name, change := range map[string]func(*tls.Config){
		"without a certificate": func(c *tls.Config) { c.Certificates = nil },
		"without the authority": func(c *tls.Config) { c.RootCAs = nil },
	} {
		t.Run(name, func(t *testing.T) {
			config := config.Clone()
			change(config)
			store := open(t, connect(t, &redis.Options{Addr: server.Address, TLSConfig: config, MaxRetries: -1, DialerRetries: 1}), fresh(0))
			var err error
			for range 10 { // the server may close the connection before the client has read why
				if _, err = store.Swap(t.Context(), storecheck.Key(), 0, storecheck.Record(t, "one")); err == nil || strings.Contains(err.Error(), "certificate") {
					break
				}
			}
			if err == nil || !strings.Contains(err.Error(), "certificate") {
				t.Errorf("Swap: %v, want that the certificate is wrong", err)
			}
		})
	}
}

// By default the client speaks RESP 3. Notices have another form in RESP 2.
func TestStoreWithEachProtocol(t *testing.T) {
	address := services.Redis(t)
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprint("RESP ", protocol), func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) spotipie.Store {
				return open(t, connect(t, &redis.Options{Addr: address, Protocol: protocol}), fresh(0))
			})
		})
	}
}

// The store keeps its contract through Sentinel, as the ACL user.
func TestStoreThroughSentinel(t *testing.T) {
	master, replica, sentinels := testservices.StartRedisSentinel(t)
	aclUser(t, master.Address, "test:")
	aclUser(t, replica.Address, "test:")
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: testservices.SentinelMaster, SentinelAddrs: sentinels, Username: "app", Password: "secret",
	})
	t.Cleanup(func() { _ = client.Close() })
	storetest.Run(t, func(t *testing.T) spotipie.Store { return open(t, client, fresh(0)) })
}

// aclUser makes the Redis user that the package's documentation describes, with another
// password and prefix.
func aclUser(t *testing.T, address, prefix string, more ...any) *redis.Options {
	t.Helper()
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rule, _ := strings.Cut(string(source), "//\tACL ")
	rule, _, _ = strings.Cut(rule, "\n//\n")
	rule = strings.NewReplacer("\n//", " ", "PASSWORD", "secret", redisstore.DefaultPrefix, prefix).Replace("ACL " + rule)
	var command []any
	for _, word := range strings.Fields(rule) {
		command = append(command, word)
	}
	admin := connect(t, &redis.Options{Addr: address})
	if err := admin.Do(t.Context(), append(command, more...)...).Err(); err != nil {
		t.Fatal(err)
	}
	return &redis.Options{Addr: address, Username: "app", Password: "secret"}
}

func TestStoreAsAnACLUser(t *testing.T) {
	address := testservices.StartRedis(t).Address
	opts := aclUser(t, address, "test:")
	opts.DB = 1 // the client selects it
	storetest.Run(t, func(t *testing.T) spotipie.Store { return open(t, connect(t, opts), fresh(0)) })

	t.Run("and nothing beyond the prefix", func(t *testing.T) {
		store := open(t, connect(t, opts), &redisstore.Options{Prefix: "other:"})
		if _, err := store.Swap(t.Context(), storecheck.Key(), 0, storecheck.Record(t, "one")); !redis.HasErrorPrefix(err, "NOPERM") {
			t.Errorf("Swap: %v, want NOPERM", err)
		}
	})
}

// Without the right to publish and subscribe, other processes only learn of changes later.
func TestWithoutNotices(t *testing.T) {
	address := testservices.StartRedis(t).Address
	store := open(t, connect(t, aclUser(t, address, "test:", "resetchannels")), fresh(0))
	version := storecheck.Swap(t, store, 0, "one")
	storecheck.Swap(t, store, version, "two")
	if _, err := store.Watch(t.Context(), storecheck.Key()); !redis.HasErrorPrefix(err, "NOPERM") {
		t.Errorf("Watch: %v, want NOPERM", err)
	}
}

func TestNewRefuses(t *testing.T) {
	single := connect(t, &redis.Options{Addr: "127.0.0.1:1"})
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": "127.0.0.1:1"}})
	t.Cleanup(func() { _ = ring.Close() })
	replicas := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}, RouteByLatency: true})
	t.Cleanup(func() { _ = replicas.Close() })
	for name, test := range map[string]struct {
		client redis.UniversalClient
		opts   *redisstore.Options
		says   string
	}{
		"no client":              {nil, nil, "client is nil"},
		"a nil client":           {(*redis.Client)(nil), nil, "client is nil"},
		"a short lease":          {single, &redisstore.Options{Lease: time.Millisecond}, "Options.Lease"},
		"a negative lease":       {single, &redisstore.Options{Lease: -time.Hour}, "Options.Lease"},
		"fewer than no replicas": {single, &redisstore.Options{Replicas: -1}, "Options.Replicas"},
		"a wait of no time":      {single, &redisstore.Options{Replicas: 1, ReplicaTimeout: time.Microsecond}, "Options.ReplicaTimeout"},
		"an empty hash tag":      {single, &redisstore.Options{Prefix: "{}app:"}, "Options.Prefix"},
		"a ring":                 {ring, nil, "redis.Ring"},
		"reads from a replica":   {replicas, nil, "lag behind"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := redisstore.New(test.client, test.opts); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got error %v, want one that says %q", err, test.says)
			}
		})
	}
}
