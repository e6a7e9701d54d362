package redisstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/redisstore"
)

// A master that is gone, or hangs without breaking its connections, delays renewals and watchers
// only for some seconds.
func TestSentinelFailOver(t *testing.T) {
	for name, trouble := range map[string]func(t *testing.T, master *testservices.Server){
		"the master was killed": func(_ *testing.T, master *testservices.Server) { master.Kill() },
		"the master hangs":      func(t *testing.T, master *testservices.Server) { master.Freeze(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			master, _, sentinels := testservices.StartRedisSentinel(t)
			client := redis.NewFailoverClient(&redis.FailoverOptions{
				MasterName: testservices.SentinelMaster, SentinelAddrs: sentinels,
				ReadTimeout: time.Second, DialTimeout: time.Second,
			})
			t.Cleanup(func() { _ = client.Close() })
			store := open(t, client, fresh(2*time.Second))
			version := storecheck.Swap(t, store, 0, "one")
			if n, err := client.Wait(t.Context(), 1, 5*time.Second).Result(); err != nil || n != 1 {
				t.Fatalf("the replica does not follow: %d, %v", n, err)
			}
			changes, err := store.Watch(t.Context(), storecheck.Key())
			if err != nil {
				t.Fatal(err)
			}
			_, told := failOver(t, store, changes, func() { trouble(t, master) }, func(ctx context.Context) {
				for saved := false; !saved; {
					next, err := store.Swap(ctx, storecheck.Key(), version, storecheck.Record(t, "two"))
					if saved = err == nil; saved {
						version = next
					} else if ctx.Err() != nil {
						t.Fatalf("Swap: %v", err)
					}
				}
				storecheck.Expect(t, store, "two", version)
			})
			if told > 20*time.Second {
				t.Errorf("who watches was told after %s", told)
			}
		})
	}
}

// A cluster whose master is gone, or hangs, holds up renewals and watchers for some
// seconds only.
func TestClusterFailOver(t *testing.T) {
	for name, trouble := range map[string]func(t *testing.T, master *testservices.Server){
		"the master was killed": func(_ *testing.T, master *testservices.Server) { master.Kill() },
		"the master hangs":      func(t *testing.T, master *testservices.Server) { master.Freeze(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			masters, _ := testservices.StartRedisClusterWithReplicas(t)
			client := redis.NewClusterClient(&redis.ClusterOptions{
				Addrs: []string{masters[0].Address, masters[1].Address}, ReadTimeout: time.Second, DialTimeout: time.Second,
			})
			t.Cleanup(func() { _ = client.Close() })
			opts := fresh(2 * time.Second)
			opts.Replicas = 1 // so that the replica has what is saved
			store := open(t, client, opts)
			version := storecheck.Swap(t, store, 0, "one")
			changes, err := store.Watch(t.Context(), storecheck.Key())
			if err != nil {
				t.Fatal(err)
			}
			master, err := client.MasterForKey(t.Context(), opts.Prefix+recordName)
			if err != nil {
				t.Fatal(err)
			}
			locked, told := failOver(t, store, changes, func() {
				for _, one := range masters {
					if one.Address == master.Options().Addr {
						trouble(t, one)
					}
				}
			}, func(context.Context) {
				storecheck.Expect(t, store, "one", version)
				version = storecheck.Swap(t, store, version, "two")
				storecheck.Expect(t, store, "two", version)
			})
			if locked > 20*time.Second || told > 20*time.Second {
				t.Errorf("locked after %s, told after %s", locked, told)
			}
		})
	}
}

// failOver makes trouble for the master, and saves with the lock of the one that takes
// over. It returns how long it took until the lock was there, and until a watcher was
// told of the save.
func failOver(t *testing.T, store *redisstore.Store, changes <-chan struct{}, trouble func(), save func(context.Context)) (locked, told time.Duration) {
	t.Helper()
	trouble()
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	unlock, err := store.Lock(ctx, storecheck.Key())
	if err != nil {
		t.Fatalf("Lock: %v", err)
	}
	locked = time.Since(start)
	save(ctx)
	if err := unlock(ctx); err != nil {
		t.Errorf("unlock: %v", err)
	}
	select {
	case <-changes:
	case <-ctx.Done():
		t.Fatal("who watches was not told")
	}
	told = time.Since(start)
	t.Logf("locked after %s, told after %s", locked.Round(time.Millisecond), told.Round(time.Millisecond))
	return locked, told
}
