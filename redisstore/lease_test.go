package redisstore_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie/internal/lease"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

func TestLeaseIsExtendedWhileItIsHeld(t *testing.T) {
	t.Parallel()
	client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(2*time.Second)
	storecheck.LeaseIsExtended(t, open(t, client, opts), open(t, client, opts), opts.Lease)
}

func TestUnlockTellsThatTheLeaseWasLost(t *testing.T) {
	t.Parallel()
	client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(150*time.Millisecond)
	storecheck.LostLeaseIsTold(t, open(t, client, opts), open(t, client, opts), opts.Lease, func() {
		if err := client.Del(t.Context(), opts.Prefix+"{client:ada}:lock").Err(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestLockThatComesTooLateIsGivenBack(t *testing.T) {
	t.Parallel()
	proxy := testservices.NewProxy(t, services.Redis(t))
	storecheck.LockTooLateIsGivenBack(t, open(t, connect(t, &redis.Options{Addr: proxy.Address}), fresh(time.Minute)), proxy)
}

func TestRoundTrips(t *testing.T) {
	proxy := testservices.NewProxy(t, services.Redis(t))
	storecheck.RoundTrips(t, open(t, connect(t, &redis.Options{Addr: proxy.Address, PoolSize: 1}), fresh(0)), proxy, nil)
}

func TestBusyHolderKeepsNobodyOut(t *testing.T) {
	client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(0)
	storecheck.BusyHolderKeepsNobodyOut(t, open(t, client, opts), open(t, client, opts))
}

func TestOutageDoesNotEndAWait(t *testing.T) {
	proxy := testservices.NewProxy(t, services.Redis(t))
	storecheck.OutageDoesNotEndAWait(t, open(t, connect(t, &redis.Options{Addr: proxy.Address}), fresh(0)), proxy)
}

func TestUnlockDoesNotHang(t *testing.T) {
	proxy := testservices.NewProxy(t, services.Redis(t))
	storecheck.UnlockDoesNotHang(t, open(t, connect(t, &redis.Options{Addr: proxy.Address}), fresh(0)), proxy)
}

func TestManySessions(t *testing.T) {
	client, counter := connect(t, &redis.Options{Addr: services.Redis(t)}), &counter{}
	client.AddHook(counter)
	storecheck.ManySessions(t, open(t, client, fresh(0)), counter.commands)
}

func TestManyWaiters(t *testing.T) {
	address, opts := services.Redis(t), fresh(0)
	client, counter := connect(t, &redis.Options{Addr: address}), &counter{}
	client.AddHook(counter)
	holder := open(t, connect(t, &redis.Options{Addr: address}), opts)
	storecheck.ManyWaiters(t, holder, open(t, client, opts), counter.commands)
}

// counter counts the commands of a client.
type counter struct{ made atomic.Int64 }

func (c *counter) commands() int { return int(c.made.Load()) }

func (c *counter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.made.Add(1)
		return next(ctx, cmd)
	}
}

func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.made.Add(int64(len(cmds)))
		return next(ctx, cmds)
	}
}

// Check writes, so that it fails for the same reasons as Swap.
func TestCheckNoticesAServerThatTakesNothing(t *testing.T) {
	for name, setting := range map[string][]any{
		"full":                                  {"CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction"},
		"a replica":                             {"REPLICAOF", "127.0.0.1", "1"},
		"no replica that would have to take it": {"CONFIG", "SET", "min-replicas-to-write", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := connect(t, &redis.Options{Addr: testservices.StartRedis(t).Address, MaxRetries: 1})
			store := open(t, client, fresh(0))
			unlock, err := store.Lock(t.Context(), storecheck.Key())
			if err != nil {
				t.Fatal(err)
			}
			if err := client.Do(t.Context(), setting...).Err(); err != nil {
				t.Fatal(err)
			}
			if err := store.Check(t.Context(), storecheck.Key()); err == nil || errors.Is(err, lease.ErrLost) {
				t.Errorf("Check: %v, want what the server says", err)
			}
			if _, err := store.Swap(t.Context(), storecheck.Key(), 0, storecheck.Record(t, "one")); err == nil {
				t.Error("and Swap saves")
			}
			_ = unlock(t.Context())
		})
	}
}

// With a full memory and such a policy Redis evicts locks, which expire, but no records, which do
// not. A holder that has lost its lock in this way gets an error.
func TestCheckNoticesALockThatWasEvicted(t *testing.T) {
	client := connect(t, &redis.Options{Addr: testservices.StartRedis(t, "--maxmemory-policy", "volatile-lru").Address})
	store := open(t, client, fresh(0))
	unlock, err := store.Lock(t.Context(), storecheck.Key())
	if err != nil {
		t.Fatal(err)
	}
	if err := client.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	client.Set(t.Context(), "ballast", "x", 0) // makes Redis evict keys
	if err := client.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	if err := store.Check(t.Context(), storecheck.Key()); !errors.Is(err, lease.ErrLost) {
		t.Errorf("Check: %v, want ErrLost", err)
	}
	_ = unlock(t.Context())
}
