package failover_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/pgstore"
	"github.com/spotipie/spotipie/redisstore"
)

// storeConfig says where the store is. Clients are set up as docs/stores.md says.
type storeConfig struct {
	Kind      string // one of those below
	Addresses []string
	// Near has the address at which a server is reached directly, by that which
	// the others know it by.
	Near     map[string]string
	Replicas int // that a save waits for
}

const (
	kindSentinel = "Redis with Sentinel"
	kindCluster  = "Redis Cluster"
	kindPostgres = "PostgreSQL"
)

// serverStore is what a store with a server can do.
type serverStore interface {
	spotipie.Checker
	spotipie.Watcher
	spotipie.ChangeWatcher
	spotipie.Summarizer
	spotipie.VersionDeleter
}

// open opens the store. unconfirmed is called as by [redisstore.Options].
func (c storeConfig) open(ctx context.Context, unconfirmed func(spotipie.Key, error)) (store serverStore, done func(), err error) {
	if c.Kind == kindPostgres {
		return c.openPostgres(ctx)
	}
	client := c.redisClient()
	store, err = redisstore.New(client, &redisstore.Options{Replicas: c.Replicas, OnUnconfirmed: unconfirmed})
	if err != nil {
		_ = client.Close()
		return nil, nil, err
	}
	return store, func() { _ = client.Close() }, nil
}

const redisTimeout = 2 * time.Second

func (c storeConfig) redisClient() redis.UniversalClient {
	if c.Kind == kindCluster {
		return redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addresses, ReadTimeout: redisTimeout, DialTimeout: redisTimeout})
	}
	return redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: testservices.SentinelMaster, SentinelAddrs: c.Addresses,
		ReadTimeout: redisTimeout, DialTimeout: redisTimeout,
		Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
			if near, isFar := c.Near[address]; isFar {
				address = near
			}
			dialer := net.Dialer{Timeout: redisTimeout}
			return dialer.DialContext(ctx, network, address)
		},
	})
}

func (c storeConfig) openPostgres(ctx context.Context) (serverStore, func(), error) {
	pool, err := pgxpool.New(ctx, fmt.Sprintf(
		"postgres://spotipie@%s,%s/postgres?sslmode=disable&target_session_attrs=read-write&connect_timeout=3&pool_max_conns=16",
		c.Addresses[0], c.Addresses[1]))
	if err != nil {
		return nil, nil, err
	}
	store, err := pgstore.New(pool, nil)
	if err == nil {
		err = store.Migrate(ctx)
	}
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return store, pool.Close, nil
}

// save is one that the store has acknowledged, and load what a load has found.
// Times are those of this machine's clock, in nanoseconds.
type save struct {
	Process, User string
	Version       uint64
	RefreshToken  string // digest
	Ended         int64
	IsUnconfirmed bool // by a replica
}

type load struct {
	Process, User string
	Version       uint64 // 0 if there is neither a record nor a deletion
	RefreshToken  string // digest
	Begun, Ended  int64
}

// recordedStore keeps account of saves and loads.
type recordedStore struct {
	serverStore
	process string

	mu          sync.Mutex
	saves       []save
	loads       []load
	unconfirmed map[string]bool // by user, until the save has ended
}

func (s *recordedStore) noteUnconfirmed(key spotipie.Key, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unconfirmed[key.Profile] = true
}

func (s *recordedStore) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	begun := time.Now().UnixNano()
	rec, found, err := s.serverStore.Load(ctx, key)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.loads = append(s.loads, load{
			Process: s.process, User: key.Profile, Version: rec.Version, RefreshToken: digest(rec.Token.RefreshToken()),
			Begun: begun, Ended: time.Now().UnixNano(),
		})
	}
	return rec, found, err
}

func (s *recordedStore) Swap(ctx context.Context, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	saved, err := s.serverStore.Swap(ctx, key, version, rec)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.saves = append(s.saves, save{
			Process: s.process, User: key.Profile, Version: saved, RefreshToken: digest(rec.Token.RefreshToken()),
			Ended: time.Now().UnixNano(), IsUnconfirmed: s.unconfirmed[key.Profile],
		})
	}
	delete(s.unconfirmed, key.Profile)
	return saved, err
}

// digest names a token without telling it.
func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:8])
}
