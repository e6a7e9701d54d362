package redisstore_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/lease"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/redisstore"
)

func TestRecordThatLoadWouldRefuseIsNotWritten(t *testing.T) {
	store := open(t, connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(0))
	version := storecheck.Swap(t, store, 0, "one")
	large := storecheck.Record(t, "two")
	large.Rejected = strings.Repeat("x", 1<<20)
	_, err := store.Swap(t.Context(), storecheck.Key(), version, large)
	if err == nil || !strings.Contains(err.Error(), recordName) || !strings.Contains(err.Error(), "the store accepts at most 1048576") {
		t.Errorf("Swap: %v; want an error with the key and the limit", err)
	}
	storecheck.Expect(t, store, "one", version)
}

func TestVersionsThatLuaCannotCountAreRefused(t *testing.T) {
	for _, version := range []string{"9007199254740991", "9007199254740993", "18446744073709551615", "nan", "inf", "1e9", "0x7", "007", "7.0", "-7", "0", " 7"} {
		t.Run(version, func(t *testing.T) {
			client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(0)
			store := open(t, client, opts)
			storecheck.Swap(t, store, 0, "one")
			if err := client.HSet(t.Context(), opts.Prefix+recordName, "version", version).Err(); err != nil {
				t.Fatal(err)
			}
			before := client.Dump(t.Context(), opts.Prefix+recordName).Val()
			var mismatch *spotipie.RecordMismatchError
			if _, _, err := store.Load(t.Context(), storecheck.Key()); !errors.As(err, &mismatch) {
				t.Errorf("Load: %v, want a RecordMismatchError", err)
			}
			for _, over := range []uint64{0, 7, 9007199254740991, 9007199254740993, 1<<64 - 1} {
				if _, err := store.Swap(t.Context(), storecheck.Key(), over, storecheck.Record(t, "two")); !errors.As(err, &mismatch) {
					t.Errorf("Swap over %d: %v, want a RecordMismatchError", over, err)
				}
			}
			if client.Dump(t.Context(), opts.Prefix+recordName).Val() != before {
				t.Error("it was overwritten")
			}
			if err := store.Delete(t.Context(), storecheck.Key()); err != nil {
				t.Fatal(err)
			}
			now := uint64(time.Now().Add(time.Minute).UnixMicro())
			if got := storecheck.Swap(t, store, 0, "three"); got > now {
				t.Errorf("version %d after Delete, which goes on from what is none", got)
			}
		})
	}
}

func TestLastOfAllVersions(t *testing.T) {
	client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(0)
	store := open(t, client, opts)
	storecheck.Swap(t, store, 0, "one")
	const last = 1<<53 - 2
	if err := client.HSet(t.Context(), opts.Prefix+recordName, "version", last-1).Err(); err != nil {
		t.Fatal(err)
	}
	if got := storecheck.Swap(t, store, last-1, "two"); got != last {
		t.Errorf("version %d after %d", got, last-1)
	}
	var mismatch *spotipie.RecordMismatchError
	if _, err := store.Swap(t.Context(), storecheck.Key(), last, storecheck.Record(t, "three")); !errors.As(err, &mismatch) {
		t.Errorf("Swap over the last version: %v, want a RecordMismatchError", err)
	}
	storecheck.Expect(t, store, "two", last)
}

func TestPrefixWithABrace(t *testing.T) {
	for _, prefix := range []string{"{a:b}", "a{", "a{b}:"} {
		if _, err := redisstore.New(connect(t, &redis.Options{}), &redisstore.Options{Prefix: prefix}); err == nil || !strings.Contains(err.Error(), "Options.Prefix") {
			t.Errorf("New with the prefix %q: %v, want an error", prefix, err)
		}
	}
}

func TestListWithAPrefixThatLooksLikeAPattern(t *testing.T) {
	client := connect(t, &redis.Options{Addr: services.Redis(t)})
	for _, middle := range []string{"*", "?", "[ab]", "[^a]", "a]", `\`, `\\*`, "}"} {
		opts := fresh(0)
		opts.Prefix += middle + ":"
		store := open(t, client, opts)
		storecheck.Swap(t, store, 0, "one")
		if keys, err := store.List(t.Context()); err != nil || !slices.Equal(keys, []spotipie.Key{storecheck.Key()}) {
			t.Errorf("List with %q in the prefix: %v, %v", middle, keys, err)
		}
	}
}

// Nobody has noticed the loss: the lease is extended every 20 s.
func TestOldUnlockLeavesTheNextHoldersLock(t *testing.T) {
	client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(time.Minute)
	a, b, lock := open(t, client, opts), open(t, client, opts), opts.Prefix+"{client:ada}:lock"
	old, err := a.Lock(t.Context(), storecheck.Key())
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Del(t.Context(), lock).Err(); err != nil {
		t.Fatal(err)
	}
	next, err := b.Lock(t.Context(), storecheck.Key())
	if err != nil {
		t.Fatal(err)
	}
	holder := client.Get(t.Context(), lock).Val()
	for i, want := range []error{lease.ErrLost, nil} {
		if err := old(t.Context()); !errors.Is(err, want) {
			t.Errorf("the old unlock no. %d: %v, want %v", i+1, err, want)
		}
	}
	if now := client.Get(t.Context(), lock).Val(); now != holder || holder == "" {
		t.Errorf("the lock has %q, and had %q before the old unlock", now, holder)
	}
	if err := next(t.Context()); err != nil {
		t.Errorf("the next unlock: %v", err)
	}
}

func TestReleasedLockIsFreeAndDoesNotStay(t *testing.T) {
	client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(time.Hour)
	a, b := open(t, client, opts), open(t, client, opts)
	for range 2 {
		for _, s := range []*redisstore.Store{a, b} {
			unlock, err := s.Lock(t.Context(), storecheck.Key())
			if err != nil {
				t.Fatal(err)
			}
			if err := unlock(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	if left := client.PTTL(t.Context(), opts.Prefix+"{client:ada}:lock").Val(); left > 10*time.Second || left == -1 {
		t.Errorf("what is left of it stays for %s", left)
	}
}

func TestWatchEndsWithTheClient(t *testing.T) {
	client := connect(t, &redis.Options{Addr: services.Redis(t)})
	store := open(t, client, fresh(0))
	changes, err := store.Watch(t.Context(), storecheck.Key())
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	storecheck.WatchEnds(t, changes)
	if _, err := store.Watch(t.Context(), storecheck.Key()); !errors.Is(err, redis.ErrClosed) {
		t.Errorf("a new Watch: %v, want redis.ErrClosed", err)
	}
}
