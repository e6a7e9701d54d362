package redisstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

// A replica answers reads. Every write fails with the replica's message, names the store, and changes
// nothing.
func TestReplicaIsReadOnly(t *testing.T) {
	master, replica, _ := testservices.StartRedisSentinel(t)
	opts := fresh(0)
	client := connect(t, &redis.Options{Addr: master.Address})
	store := open(t, client, opts)
	version := storecheck.Swap(t, store, 0, "one")
	if n, err := client.Wait(t.Context(), 1, 5*time.Second).Result(); err != nil || n != 1 {
		t.Fatalf("the replica does not follow: %d, %v", n, err)
	}
	onReplica := open(t, connect(t, &redis.Options{Addr: replica.Address}), opts)
	storecheck.Expect(t, onReplica, "one", version)
	for doing, call := range map[string]func(context.Context) error{
		"Swap": func(ctx context.Context) error {
			_, err := onReplica.Swap(ctx, storecheck.Key(), version, storecheck.Record(t, "two"))
			return err
		},
		"Delete": func(ctx context.Context) error { return onReplica.Delete(ctx, storecheck.Key()) },
		"Lock":   func(ctx context.Context) error { _, err := onReplica.Lock(ctx, storecheck.Key()); return err },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		err := call(ctx)
		cancel()
		if err == nil || !strings.HasPrefix(err.Error(), "redisstore: ") || !strings.Contains(err.Error(), "READONLY") {
			t.Errorf("%s: %v, want that the replica is read-only", doing, err)
		}
		if err != nil && strings.Contains(err.Error(), "refresh-") {
			t.Errorf("%s: the error has a token: %v", doing, err)
		}
		if doing != "Lock" && errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v, want at once", doing, err)
		}
	}
	storecheck.Expect(t, store, "one", version)
}
