package redisstore_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie/internal/storecheck"
)

func TestDeletionIsForgottenAfterAWeek(t *testing.T) {
	client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(0)
	store := open(t, client, opts)
	left := func() time.Duration { return client.TTL(t.Context(), opts.Prefix+recordName).Val() }
	storecheck.Swap(t, store, 0, "one")
	mustDelete(t, store)
	if life := left(); life < 7*24*time.Hour-time.Minute || life > 7*24*time.Hour {
		t.Errorf("it is remembered for %s, want a week", life)
	}
	if keys := client.Keys(t.Context(), opts.Prefix+"*").Val(); len(keys) != 1 {
		t.Errorf("a deletion takes the keys %v, want one", keys)
	}
	storecheck.Swap(t, store, 0, "two")
	if life := left(); life != -1 {
		t.Errorf("the record that came after expires after %s", life)
	}
	if fields := client.HKeys(t.Context(), opts.Prefix+recordName).Val(); len(fields) != 4 {
		t.Errorf("the record has the fields %v", fields)
	}
}

// Older versions kept a deletion under a separate name.
func TestDeletionOfAnOlderVersion(t *testing.T) {
	client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(0)
	store := open(t, client, opts)
	name := opts.Prefix + "{client:ada}:tombstone"
	future := uint64(time.Now().Add(time.Hour).UnixMicro())
	for _, again := range []func(){
		func() { storecheck.Swap(t, store, 0, "one") },
		func() { mustDelete(t, store); storecheck.Swap(t, store, 0, "one") },
	} {
		client.Del(t.Context(), opts.Prefix+recordName)
		if err := client.Set(t.Context(), name, strconv.FormatUint(future, 10), time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		rec, found, err := store.Load(t.Context(), storecheck.Key())
		if found || err != nil || rec.Version != future {
			t.Errorf("Load: %v, %t, %v; want a deletion with version %d", rec, found, err, future)
		}
		again()
		rec, found, err = store.Load(t.Context(), storecheck.Key())
		if !found || err != nil || rec.Version <= future {
			t.Errorf("Load: %v, %t, %v; want a version above %d", rec, found, err, future)
		}
	}
}
