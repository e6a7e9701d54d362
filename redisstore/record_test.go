package redisstore_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
)

const recordName = "{client:ada}:record"

func TestForeignValuesAreNamedAndNotOverwritten(t *testing.T) {
	for name, test := range map[string]struct {
		command []any
		says    string
	}{
		"a string":         {[]any{"SET", "", "x"}, "is not a hash"},
		"another hash":     {[]any{"HSET", "", "version", "7"}, "has no field format"},
		"unrelated hash":   {[]any{"HSET", "", "colour", "blue"}, "is not a record"},
		"a newer format":   {[]any{"HSET", "", "format", "2", "version", "7", "record", "{}"}, `has format "2"`},
		"no version":       {[]any{"HSET", "", "format", "1", "version", "new", "record", "{}"}, "an invalid field version"},
		"torn":             {[]any{"HSET", "", "format", "1", "version", "7", "record", `{"token":{"access_token":"s3cret`}, "not a record in JSON"},
		"no token in it":   {[]any{"HSET", "", "format", "1", "version", "7", "record", `{"token":{"access_token":3}}`}, "not a record in JSON"},
		"record too large": {[]any{"HSET", "", "format", "1", "version", "7", "record", strings.Repeat(" ", 2<<20)}, "not a record in JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(0)
			store, key := open(t, client, opts), opts.Prefix+recordName
			test.command[1] = key
			if err := client.Do(t.Context(), test.command...).Err(); err != nil {
				t.Fatal(err)
			}
			before := client.Dump(t.Context(), key).Val()

			_, err := store.Swap(t.Context(), storecheck.Key(), 0, storecheck.Record(t, "one"))
			if _, found, loadErr := store.Load(t.Context(), storecheck.Key()); found || loadErr == nil && name != "unrelated hash" {
				t.Errorf("Load: found %t, error %v", found, loadErr)
			} else if loadErr != nil && (!strings.Contains(loadErr.Error(), key) || strings.Contains(loadErr.Error(), "s3cret")) {
				t.Errorf("Load: the error does not name the key, or has a secret: %v", loadErr)
			}
			if errors.Is(err, spotipie.ErrVersionConflict) { // this one says that there is a record
				_, _, err = store.Load(t.Context(), storecheck.Key())
			}
			var mismatch *spotipie.RecordMismatchError
			if !errors.As(err, &mismatch) || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("Swap: %v; want a RecordMismatchError that says %q", err, test.says)
			}
			if client.Dump(t.Context(), key).Val() != before {
				t.Error("it was overwritten")
			}

			if err := store.Delete(t.Context(), storecheck.Key()); err != nil {
				t.Fatal(err)
			}
			storecheck.Swap(t, store, 0, "one")
		})
	}
}

func TestVersionsGoOnIfTheClockIsSetBack(t *testing.T) {
	client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(0)
	store := open(t, client, opts)
	storecheck.Swap(t, store, 0, "one")
	future := uint64(time.Now().Add(24 * time.Hour).UnixMicro())
	if err := client.HSet(t.Context(), opts.Prefix+recordName, "version", strconv.FormatUint(future, 10)).Err(); err != nil {
		t.Fatal(err)
	}
	if got := storecheck.Swap(t, store, future, "two"); got != future+1 {
		t.Errorf("version %d after %d", got, future)
	}
	if err := store.Delete(t.Context(), storecheck.Key()); err != nil {
		t.Fatal(err)
	}
	if got := storecheck.Swap(t, store, 0, "three"); got <= future+1 || got > future+10 {
		t.Errorf("version %d after a deleted %d", got, future+1)
	}
}

func TestScriptsAreLoadedAgain(t *testing.T) {
	client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(0)
	store := open(t, client, opts)
	version := storecheck.Swap(t, store, 0, "one")
	if err := client.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	storecheck.Swap(t, store, version, "two")
}
