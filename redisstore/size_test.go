package redisstore_test

import (
	"encoding/json"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

// TestSize measures many records, as make fleets does with 200,000.
func TestSize(t *testing.T) {
	records := testservices.Count(t, "SPOTIPIE_TEST_RECORDS", 3000)
	client, opts := connect(t, &redis.Options{Addr: services.Redis(t)}), fresh(0)
	store := open(t, client, opts)
	for from := 0; from < records; from += 1000 {
		_, err := client.Pipelined(t.Context(), func(pipe redis.Pipeliner) error {
			for n := from; n < min(from+1000, records); n++ {
				data, err := json.Marshal(storecheck.SizeRecord(t, n))
				if err != nil {
					return err
				}
				name := opts.Prefix + "{client:" + storecheck.SizeKey(n).Profile + "}:record"
				pipe.HSet(t.Context(), name, "format", "1", "version", n+1, "writer", "x", "record", data)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	storecheck.Size(t, store, records)
}
