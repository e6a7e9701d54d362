package main

import (
	"context"
	"encoding/json"
	"net"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/pgstore"
	"github.com/spotipie/spotipie/redisstore"
)

func measureRedis(ctx context.Context, s settings) ([]row, error) {
	const loadTitle, contextTitle = "Store, load from Redis", "  with a context that can end, beside a GET that returns then"
	const tripsTitle = "Store, refresh with Redis: round trips until the token is saved"
	server, err := testservices.NewRedis()
	if err != nil {
		return notMeasured(err, loadTitle, contextTitle, tripsTitle)
	}
	defer server.Remove()
	client := redis.NewClient(&redis.Options{Addr: server.Address})
	defer client.Close()
	store, err := redisstore.New(client, nil)
	if err != nil {
		return nil, err
	}
	rec := newRecord()
	if _, err := store.Swap(ctx, recordKey(), 0, rec); err != nil {
		return nil, err
	}
	data, err := json.Marshal(rec)
	if err != nil {
		return nil, err
	}
	if err := client.Set(ctx, "raw", data, 0).Err(); err != nil {
		return nil, err
	}
	get := func(ctx context.Context) error {
		data, err := client.Get(ctx, "raw").Bytes()
		if err != nil {
			return err
		}
		return json.Unmarshal(data, new(spotipie.Record))
	}
	load, err := compare(s, func(b *testing.B) { loadRecord(context.Background(), b, store) }, func(b *testing.B) {
		for b.Loop() {
			orFatal(b, get(context.Background()))
		}
	})
	if err != nil {
		return nil, err
	}
	loading := newRow(loadTitle, "ns", load).ratioAtMost(1.3)
	loading.Note = "raw: a GET and json.Unmarshal of the record. The context is one that never ends."
	load, err = compare(s, func(b *testing.B) { loadRecord(b.Context(), b, store) }, func(b *testing.B) {
		for b.Loop() {
			orFatal(b, detached(b.Context(), get))
		}
	})
	if err != nil {
		return nil, err
	}
	withContext := newRow(contextTitle, "ns", load).ratioAtMost(1.3)
	withContext.Note = "The client looks at a context only between reads, so both have it run in a goroutine, " +
		"which doubles the time where client and server share two CPUs."

	proxy, err := startProxy(server.Address)
	if err != nil {
		return nil, err
	}
	defer proxy.Close()
	single := redis.NewClient(&redis.Options{Addr: proxy.Address, PoolSize: 1})
	defer single.Close()
	behind, err := redisstore.New(single, nil)
	if err != nil {
		return nil, err
	}
	saved, err := renewalTrips(ctx, behind, proxy)
	return []row{loading, withContext, tripsRow(tripsTitle, saved, 0)}, err
}

// detached runs f in a goroutine. It returns when f returns or when ctx ends.
func detached(ctx context.Context, f func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func measurePostgres(ctx context.Context, s settings) ([]row, error) {
	const loadTitle, preparedTitle = "Store, load from PostgreSQL", "  with prepared statements"
	const tripsTitle = "Store, refresh with PostgreSQL: round trips until the token is saved"
	server, err := testservices.NewPostgres()
	if err != nil {
		return notMeasured(err, loadTitle, preparedTitle, tripsTitle)
	}
	defer server.Remove()
	pool, err := pgxpool.New(ctx, testservices.PostgresDSN(server.Address))
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	loading, err := loadPostgres(ctx, s, pool, loadTitle, false)
	if err != nil {
		return nil, err
	}
	loading.Note = "raw: a SELECT of both through the same pool in the same mode, and json.Unmarshal of the record."
	prepared, err := loadPostgres(ctx, s, pool, preparedTitle, true)
	if err != nil {
		return nil, err
	}

	proxy, err := startProxy(server.Address)
	if err != nil {
		return nil, err
	}
	defer proxy.Close()
	single, err := pgxpool.New(ctx, testservices.PostgresDSN(proxy.Address)+"&pool_max_conns=1")
	if err != nil {
		return nil, err
	}
	defer single.Close()
	behind, err := pgstore.New(single, nil)
	if err != nil {
		return nil, err
	}
	saved, err := renewalTrips(ctx, behind, proxy)
	return []row{loading, prepared, tripsRow(tripsTitle, saved, 1)}, err
}

// loadPostgres compares loads with a SELECT that is prepared in the same way.
func loadPostgres(ctx context.Context, s settings, pool *pgxpool.Pool, title string, prepare bool) (row, error) {
	store, err := pgstore.New(pool, &pgstore.Options{Prepare: prepare})
	if err != nil {
		return row{}, err
	}
	if err := store.Migrate(ctx); err != nil {
		return row{}, err
	}
	if err := store.Delete(ctx, recordKey()); err != nil {
		return row{}, err
	}
	if _, err := store.Swap(ctx, recordKey(), 0, newRecord()); err != nil {
		return row{}, err
	}
	const query = `SELECT version, record FROM ` + pgstore.DefaultTable + ` WHERE client_id = $1::text AND profile = $2::text`
	arguments := []any{recordKey().ClientID, recordKey().Profile}
	if !prepare {
		arguments = append([]any{pgx.QueryExecModeExec}, arguments...)
	}
	load, err := compare(s, func(b *testing.B) { loadRecord(b.Context(), b, store) }, func(b *testing.B) {
		for b.Loop() {
			var version int64
			var record string
			orFatal(b, pool.QueryRow(b.Context(), query, arguments...).Scan(&version, &record))
			orFatal(b, json.Unmarshal([]byte(record), new(spotipie.Record)))
		}
	})
	if err != nil {
		return row{}, err
	}
	return newRow(title, "ns", load).ratioAtMost(1.3), nil
}

func startProxy(target string) (*testservices.Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return testservices.ServeProxy(listener, target), nil
}
