package replicas_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/pgstore"
	"github.com/spotipie/spotipie/redisstore"
)

// database is a kind of server that the replicas share.
type database struct {
	name  string
	start func(testing.TB) *testservices.Server
}

func postgres() database { return database{name: "PostgreSQL", start: testservices.StartPostgres} }

func redisServer() database {
	return database{name: "Redis", start: func(t testing.TB) *testservices.Server { return testservices.StartRedis(t) }}
}

// openStore opens the store in a database at an address.
func openStore(ctx context.Context, kind, address string, lease time.Duration) (store spotipie.Store, done func(), err error) {
	switch kind {
	case postgres().name:
		pool, err := pgxpool.New(ctx, testservices.PostgresDSN(address)+"&pool_max_conns=16")
		if err != nil {
			return nil, nil, err
		}
		store, err := pgstore.New(pool, &pgstore.Options{Lease: lease})
		if err == nil {
			err = store.Migrate(ctx)
		}
		if err != nil {
			pool.Close()
			return nil, nil, err
		}
		return store, pool.Close, nil
	case redisServer().name:
		client := redis.NewClient(&redis.Options{Addr: address})
		store, err := redisstore.New(client, &redisstore.Options{Lease: lease})
		if err != nil {
			_ = client.Close()
			return nil, nil, err
		}
		return store, func() { _ = client.Close() }, nil
	}
	return nil, nil, fmt.Errorf("there is no database %q", kind)
}
