package redisstore_test

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/child"
	"github.com/spotipie/spotipie/redisstore"
)

func TestLinearizableDespiteKills(t *testing.T) {
	if place, isChild := child.Argument(); isChild {
		address, prefix, _ := strings.Cut(place, "|")
		storecheck.WorkUntilKilled(t, open(t, connect(t, &redis.Options{Addr: address}), &redisstore.Options{Prefix: prefix}))
	}
	address := services.Redis(t)
	storecheck.LinearizableDespiteKills(t, testservices.Count(t, "SPOTIPIE_TEST_HISTORIES", 1), func() (spotipie.Store, string) {
		opts := fresh(0)
		return open(t, connect(t, &redis.Options{Addr: address}), opts), address + "|" + opts.Prefix
	})
}
