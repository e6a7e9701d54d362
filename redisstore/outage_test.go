//go:build unix

package redisstore_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
)

// outageFleet returns an authorization in the Redis at address, with a client
// that gives up soon.
func outageFleet(t *testing.T, address string) *fleet.Fleet {
	t.Helper()
	client := connect(t, &redis.Options{
		Addr: address, ReadTimeout: 200 * time.Millisecond, DialTimeout: 200 * time.Millisecond, MaxRetries: 1,
	})
	opts := fresh(time.Second) // a lost unlock costs this time
	return fleet.New(t, open(t, client, opts), fleet.Config{Address: address, Place: opts.Prefix, Lease: opts.Lease}, true)
}

func outage(begin, end func()) fleet.Outage {
	return fleet.Outage{StoreName: "redisstore: ", Begin: begin, End: end}
}

func TestServerThatIsRestarted(t *testing.T) {
	t.Parallel()
	server := testservices.StartRedis(t)
	outageFleet(t, server.Address).TestOutage(t, outage(server.Kill, func() {
		server.Kill()
		server.Start(t)
	}))
}

func TestServerOutOfReach(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*testservices.Proxy){
		"connections cut":  (*testservices.Proxy).Cut,
		"connections hang": (*testservices.Proxy).Hang,
		"far too slow":     func(p *testservices.Proxy) { p.Slow(700 * time.Millisecond) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := testservices.NewProxy(t, services.Redis(t))
			outageFleet(t, proxy.Address).TestOutage(t, outage(func() { fail(proxy) }, proxy.Pass))
		})
	}
}

func TestServerThatDoesNotWrite(t *testing.T) {
	t.Parallel()
	for name, setting := range map[string]struct{ bad, good []any }{
		"full": {
			[]any{"CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction"},
			[]any{"CONFIG", "SET", "maxmemory", "0"},
		},
		"a replica": {[]any{"REPLICAOF", "127.0.0.1", "1"}, []any{"REPLICAOF", "NO", "ONE"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testservices.StartRedis(t)
			admin := connect(t, &redis.Options{Addr: server.Address})
			do := func(command []any) func() {
				return func() {
					if err := admin.Do(t.Context(), command...).Err(); err != nil {
						t.Error(err)
					}
				}
			}
			outageFleet(t, server.Address).TestOutage(t, outage(do(setting.bad), do(setting.good)))
		})
	}
}

// A slow server is not an error: only calls that need it wait.
func TestSlowServerServes(t *testing.T) {
	t.Parallel()
	proxy := testservices.NewProxy(t, services.Redis(t))
	f := outageFleet(t, proxy.Address)
	proxy.Slow(20 * time.Millisecond)
	f.TestOneRefresh(t, []*fleet.Member{f.Start(t, f.Config), f.Start(t, f.Config)}, 5, 1)
}

func TestMethodsEndWithTheirContexts(t *testing.T) {
	proxy := testservices.NewProxy(t, services.Redis(t))
	storecheck.MethodsEndWithTheirContexts(t, open(t, connect(t, &redis.Options{Addr: proxy.Address}), fresh(0)), proxy)
}
