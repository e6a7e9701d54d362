package redisstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
)

// The scripts of the version without turns, and with tombstones under another name. It may run
// beside this one while a fleet is being updated.
const (
	olderAcquire = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] and string.sub(holder, 1, 9) ~= 'released:' then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`
	olderExtend = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`
	olderRelease = `
local holder, released = redis.call('GET', KEYS[1]), 'released:' .. ARGV[1]
if holder == released then return 1 end
if holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], released, 'PX', ARGV[2])
return 1`
	olderDelete = `
local version = redis.pcall('HGET', KEYS[1], 'version')
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
redis.pcall('SET', KEYS[2], version, 'PX', ARGV[1])
return 1`
)

func TestLocksBesideAnOlderVersion(t *testing.T) {
	client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(0)
	store, name := open(t, client, opts), opts.Prefix+"{client:ada}:lock"
	older := func(script string) bool {
		t.Helper()
		got, err := client.Eval(t.Context(), script, []string{name}, "OLDOWNER", 60_000).Bool()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	try := func() (func(context.Context) error, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		return store.Lock(ctx, storecheck.Key())
	}
	for range 2 {
		if !older(olderAcquire) {
			t.Fatal("the older version does not get a lock that is free")
		}
		if _, err := try(); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Lock of what the older version holds: %v", err)
		}
		if !older(olderExtend) || !older(olderRelease) {
			t.Fatal("the older version has lost its lock to one who waited")
		}
		unlock, err := try()
		if err != nil {
			t.Fatal(err)
		}
		other := make(chan error, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		go func() { _, err := open(t, client, opts).Lock(ctx, storecheck.Key()); other <- err }() // waits
		for ctx.Err() == nil {
			if older(olderAcquire) {
				t.Fatal("the older version gets a lock that is held")
			}
		}
		cancel()
		<-other
		if err := unlock(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOlderVersionDeletesBesideThisOne(t *testing.T) {
	client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(0)
	store := open(t, client, opts)
	for range 2 {
		version := storecheck.Swap(t, store, 0, "one")
		keys := []string{opts.Prefix + recordName, opts.Prefix + "{client:ada}:tombstone"}
		if err := client.Eval(t.Context(), olderDelete, keys, 60_000).Err(); err != nil {
			t.Fatal(err)
		}
		rec, found, err := store.Load(t.Context(), storecheck.Key())
		if found || err != nil || rec.Version != version {
			t.Errorf("Load: %v, %t, %v; want the deletion of version %d", rec, found, err, version)
		}
		if _, err := store.Swap(t.Context(), storecheck.Key(), version, storecheck.Record(t, "two")); !errors.Is(err, spotipie.ErrVersionConflict) {
			t.Errorf("Swap over what was deleted: %v, want a conflict", err)
		}
	}
}
