package redisstore_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/storetest"
)

func TestStore(t *testing.T) {
	address := services.Redis(t)
	storetest.Run(t, func(t *testing.T) spotipie.Store {
		return open(t, connect(t, &redis.Options{Addr: address}), fresh(0))
	})
}
