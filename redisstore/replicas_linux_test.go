package redisstore_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/redisstore"
	"github.com/spotipie/spotipie/storetest"
)

// unconfirmed collects the calls of OnUnconfirmed.
type unconfirmed struct {
	mu   sync.Mutex
	told map[spotipie.Key][]error
}

func (u *unconfirmed) hear(key spotipie.Key, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.told == nil {
		u.told = make(map[spotipie.Key][]error)
	}
	u.told[key] = append(u.told[key], err)
}

// of returns the errors for a key since the last call.
func (u *unconfirmed) of(key spotipie.Key) []error {
	u.mu.Lock()
	defer u.mu.Unlock()
	told := u.told[key]
	delete(u.told, key)
	return told
}

// confirming returns options for a store that waits for a replica.
func confirming(u *unconfirmed, timeout time.Duration) *redisstore.Options {
	opts := fresh(0)
	opts.Replicas, opts.ReplicaTimeout, opts.OnUnconfirmed = 1, timeout, u.hear
	return opts
}

func TestStoreThatWaitsForAReplica(t *testing.T) {
	t.Parallel()
	master, _, _ := testservices.StartRedisSentinel(t)
	client := connect(t, &redis.Options{Addr: master.Address})
	u := &unconfirmed{}
	storetest.Run(t, func(t *testing.T) spotipie.Store { return open(t, client, confirming(u, 10*time.Second)) })
	if len(u.told) > 0 {
		t.Errorf("not confirmed: %v", u.told)
	}
	t.Run("answers that are lost", func(t *testing.T) {
		storecheck.LinearizableUnderTrouble(t, testservices.Count(t, "SPOTIPIE_TEST_HISTORIES", 3),
			func(t *testing.T, n int, _ time.Duration) (stores []spotipie.Checker, proxies []*testservices.Proxy) {
				opts := confirming(u, 20*time.Millisecond)
				for range n {
					proxy := testservices.NewProxy(t, master.Address)
					client := connect(t, &redis.Options{Addr: proxy.Address, ReadTimeout: 50 * time.Millisecond, WriteTimeout: 50 * time.Millisecond})
					stores, proxies = append(stores, open(t, client, opts)), append(proxies, proxy)
				}
				return stores, proxies
			})
	})
}

// The masters of this cluster have no replicas: everything is saved, and OnUnconfirmed is called.
func TestClusterWithoutReplicas(t *testing.T) {
	t.Parallel()
	addresses := testservices.StartRedisCluster(t)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addresses})
	t.Cleanup(func() { _ = client.Close() })
	u := &unconfirmed{}
	storetest.Run(t, func(t *testing.T) spotipie.Store { return open(t, client, confirming(u, time.Millisecond)) })
	u.of(storecheck.Key())
	storecheck.Swap(t, open(t, client, confirming(u, time.Millisecond)), 0, "one")
	if told := u.of(storecheck.Key()); len(told) != 1 || !strings.Contains(told[0].Error(), "0 of 1 replicas") {
		t.Errorf("told %v", told)
	}
}

// When Swap returns, the replica has the record. If it does not, OnUnconfirmed is called after the
// timeout, and only then.
func TestReplicaThatDoesNotConfirm(t *testing.T) {
	t.Parallel()
	master, replica, _ := testservices.StartRedisSentinel(t)
	u, timeout := &unconfirmed{}, 300*time.Millisecond
	opts := confirming(u, timeout)
	store := open(t, connect(t, &redis.Options{Addr: master.Address}), opts)
	onReplica := open(t, connect(t, &redis.Options{Addr: replica.Address}), opts)
	version, confirmed := uint64(0), 0
	for i := range 200 {
		access := fmt.Sprint("token-", i)
		version = storecheck.Swap(t, store, version, access)
		if told := u.of(storecheck.Key()); len(told) > 0 { // the machine is busy
			t.Logf("not confirmed: %v", told)
			continue
		}
		confirmed++
		storecheck.Expect(t, onReplica, access, version)
	}
	if confirmed < 100 {
		t.Errorf("%d of 200 saves were confirmed", confirmed)
	}

	replica.Freeze(t)
	start := time.Now()
	version = storecheck.Swap(t, store, version, "lonely")
	took := time.Since(start)
	told := u.of(storecheck.Key())
	if len(told) != 1 || !strings.Contains(told[0].Error(), "a fail-over may lose it") || strings.Contains(told[0].Error(), "lonely") || took < timeout {
		t.Errorf("told %v after %s", told, took)
	}
	unlock, err := store.Lock(t.Context(), storecheck.Key())
	if err != nil {
		t.Fatal(err)
	}
	start = time.Now()
	err = store.Check(t.Context(), storecheck.Key()) // the lock is held all the same
	if took := time.Since(start); err != nil || took < timeout || len(u.of(storecheck.Key())) != 0 {
		t.Errorf("Check: %v after %s, or it was told", err, took)
	}
	if err := unlock(t.Context()); err != nil {
		t.Error(err)
	}
	if err := store.Delete(t.Context(), storecheck.Key()); err != nil || len(u.of(storecheck.Key())) != 1 {
		t.Errorf("Delete: %v, or it was not told", err)
	}
	if _, err := store.Swap(t.Context(), storecheck.Key(), version, storecheck.Record(t, "old")); err == nil || len(u.of(storecheck.Key())) != 0 {
		t.Errorf("Swap over what was deleted: %v, or it was told that it was written", err)
	}
}

// The first save through a server that does not know the script yet, as after a
// fail-over, waits once like any other.
func TestServerThatDoesNotKnowTheScript(t *testing.T) {
	t.Parallel()
	const timeout = time.Second
	store := open(t, connect(t, &redis.Options{Addr: testservices.StartRedis(t).Address}), confirming(&unconfirmed{}, timeout))
	start := time.Now()
	storecheck.Swap(t, store, 0, "one")
	if took := time.Since(start); took < timeout || took > timeout*9/5 {
		t.Errorf("saving took %s, without a replica to wait %s for", took, timeout)
	}
}

// Saves that were confirmed are on the server that takes over.
func TestFailOverLosesNoConfirmedSave(t *testing.T) {
	t.Parallel()
	master, _, sentinels := testservices.StartRedisSentinel(t)
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: testservices.SentinelMaster, SentinelAddrs: sentinels, ReadTimeout: time.Second, DialTimeout: time.Second,
	})
	t.Cleanup(func() { _ = client.Close() })
	u := &unconfirmed{}
	store := open(t, client, confirming(u, 2*time.Second))
	const users = 20
	var saved [users]string
	var all sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for user := range users {
		all.Go(func() {
			key := spotipie.Key{ClientID: "client", Profile: fmt.Sprint(user)}
			version := uint64(0)
			for i := 0; ctx.Err() == nil; i++ {
				access := fmt.Sprintf("token-%d", i)
				next, err := store.Swap(t.Context(), key, version, storecheck.Record(t, access))
				if err != nil || len(u.of(key)) > 0 {
					return // the fail-over has ended it
				}
				version, saved[user] = next, access
			}
		})
	}
	time.Sleep(300 * time.Millisecond) // all save meanwhile
	master.Kill()
	time.AfterFunc(time.Second, stop)
	all.Wait()
	stop()
	for user, want := range saved {
		key := spotipie.Key{ClientID: "client", Profile: fmt.Sprint(user)}
		rec, found := spotipie.Record{}, false
		for deadline := time.Now().Add(storecheck.Patience); ; {
			var err error
			if rec, found, err = store.Load(t.Context(), key); err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("Load: %v", err)
			}
		}
		var got, asked int
		if found {
			_, _ = fmt.Sscanf(rec.Token.AccessToken(), "token-%d", &got)
		}
		_, _ = fmt.Sscanf(want, "token-%d", &asked)
		if want == "" || !found || got < asked {
			t.Errorf("user %d: %s was confirmed, and %t, token-%d is there", user, want, found, got)
		}
	}
	t.Logf("the last confirmed saves: %v", saved)
}

// TestFailOverLosesNoCheckedLock checks that the server that takes over has the locks
// that were checked before: a session whose renewal is under way keeps its turn.
func TestFailOverLosesNoCheckedLock(t *testing.T) {
	t.Parallel()
	master, _, sentinels := testservices.StartRedisSentinel(t)
	opts := confirming(&unconfirmed{}, 2*time.Second)
	opts.Lease = time.Minute
	var stores [2]*redisstore.Store
	for i := range stores {
		client := redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: testservices.SentinelMaster, SentinelAddrs: sentinels, ReadTimeout: time.Second, DialTimeout: time.Second,
		})
		t.Cleanup(func() { _ = client.Close() })
		stores[i] = open(t, client, opts)
	}
	holder, other := stores[0], stores[1]
	const users = 5
	keys, unlocks := make([]spotipie.Key, users), make([]func(context.Context) error, users)
	for i := range users {
		keys[i] = spotipie.Key{ClientID: "client", Profile: fmt.Sprint(i)}
		unlock, err := holder.Lock(t.Context(), keys[i])
		if err == nil {
			err = holder.Check(t.Context(), keys[i])
		}
		if err != nil {
			t.Fatal(err)
		}
		unlocks[i] = unlock
	}
	master.Kill()
	for i, key := range keys {
		for deadline := time.Now().Add(storecheck.Patience); ; {
			if _, _, err := other.Load(t.Context(), key); err == nil {
				break
			} else if time.Now().After(deadline) {
				t.Fatalf("Load: %v", err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if unlock, err := other.Lock(ctx, key); err == nil {
			t.Errorf("user %d: another process has the lock after the fail-over", i)
			_ = unlock(t.Context())
		}
		cancel()
		if err := holder.Check(t.Context(), key); err != nil {
			t.Errorf("user %d: the holder has lost the lock: %v", i, err)
		}
		if err := unlocks[i](t.Context()); err != nil {
			t.Errorf("user %d: %v", i, err)
		}
	}
}
