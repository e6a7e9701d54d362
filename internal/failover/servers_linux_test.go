package failover_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/spotipie/spotipie/internal/testservices"
)

// deployment is a store's servers.
type deployment struct {
	store storeConfig
	// begin is called when the processes work; from then on the replica lags
	// behind.
	begin func(users []string)
	// fail makes the fail-over happen.
	fail func()
	// isAffected reports whether a user's record is where it happens.
	isAffected func(user string) bool
}

// How much later than its primary a replica has a save: one that nobody waits for
// is farther away. The replicas of a cluster, which have no proxy before them, follow
// at once.
const (
	lag     = 100 * time.Millisecond
	nearLag = 10 * time.Millisecond
)

func lagOf(isWaitedFor bool) time.Duration {
	if isWaitedFor {
		return nearLag
	}
	return lag
}

// What becomes of a primary.
const (
	isKilled = false
	hangs    = true // without closing its connections
)

// strike ends a primary, with what is on its way to the replica.
func strike(t *testing.T, primary *testservices.Server, link *testservices.Proxy, hangs bool) {
	t.Helper()
	if hangs {
		link.Hang()
		primary.Freeze(t)
		return
	}
	link.Cut()
	primary.Kill()
}

func everybody(string) bool { return true }

// redisSentinel has a master, a replica that lags behind, and three sentinels.
// Saves wait for so many replicas.
func redisSentinel(replicas int, hangs bool) func(*testing.T) *deployment {
	return func(t *testing.T) *deployment {
		t.Helper()
		var link *testservices.Proxy
		master, _, sentinels := testservices.StartRedisSentinelOver(t, func(master string) string {
			link = testservices.NewProxy(t, master)
			return link.Address
		})
		return &deployment{
			store: storeConfig{
				Kind: kindSentinel, Addresses: sentinels, Replicas: replicas,
				Near: map[string]string{link.Address: master.Address},
			},
			begin:      func([]string) { link.Slow(lagOf(replicas > 0)) },
			fail:       func() { strike(t, master, link, hangs) },
			isAffected: everybody,
		}
	}
}

// postgres has a primary and a replica that lags behind. The replica is promoted
// as soon as the primary is gone.
func postgres(synchronous, hangs bool) func(*testing.T) *deployment {
	return func(t *testing.T) *deployment {
		t.Helper()
		primary := testservices.StartPostgres(t)
		link := testservices.NewProxy(t, primary.Address)
		replica := testservices.StartPostgresReplica(t, link.Address)
		if synchronous {
			makeSynchronous(t, primary)
		}
		return &deployment{
			store: storeConfig{Kind: kindPostgres, Addresses: []string{primary.Address, replica.Address}},
			begin: func([]string) { link.Slow(lagOf(synchronous)) },
			fail: func() {
				strike(t, primary, link, hangs)
				testservices.PromotePostgres(t, replica)
			},
			isAffected: everybody,
		}
	}
}

// redisCluster has three masters with a replica each, and loses one. Saves wait
// for so many replicas.
func redisCluster(replicas int) func(*testing.T) *deployment {
	return func(t *testing.T) *deployment {
		t.Helper()
		masters, others := testservices.StartRedisClusterWithReplicas(t)
		d := &deployment{store: storeConfig{Kind: kindCluster, Replicas: replicas}}
		for _, s := range append(masters[1:], others...) {
			d.store.Addresses = append(d.store.Addresses, s.Address)
		}
		affected := make(map[string]bool)
		d.begin = func(users []string) {
			for user := range usersOn(t, masters[0].Address, users) {
				affected[user] = true
			}
		}
		d.fail = masters[0].Kill
		d.isAffected = func(user string) bool { return affected[user] }
		return d
	}
}

// movingSlots is a cluster of three masters. All slots of one that have users move
// to another one.
func movingSlots(t *testing.T) *deployment {
	t.Helper()
	addresses := testservices.StartRedisCluster(t)
	d := &deployment{store: storeConfig{Kind: kindCluster, Addresses: addresses}}
	var slots map[string]int64
	d.begin = func(users []string) { slots = usersOn(t, addresses[0], users) }
	d.fail = func() { moveSlots(t, addresses, slots) }
	d.isAffected = func(user string) bool { _, moved := slots[user]; return moved }
	return d
}

// testRow is a fail-over, and what may come of it.
type testRow struct {
	name  string
	start func(*testing.T) *deployment
	// losesSaves tells that acknowledged saves may be lost.
	losesSaves bool
	// longest is for how long nobody may renew.
	longest time.Duration
}

func rows() []testRow {
	const seconds = time.Second
	return []testRow{
		{"Redis with Sentinel, killed", redisSentinel(0, isKilled), true, 10 * seconds},
		{"Redis with Sentinel, killed, saves wait", redisSentinel(1, isKilled), false, 10 * seconds},
		{"Redis with Sentinel, hangs, saves wait", redisSentinel(1, hangs), false, 15 * seconds},
		{"Redis Cluster, a master killed", redisCluster(0), true, 15 * seconds},
		{"Redis Cluster, a master killed, saves wait", redisCluster(1), false, 15 * seconds},
		{"Redis Cluster, slots move", movingSlots, false, 10 * seconds},
		{"PostgreSQL, killed, asynchronous", postgres(false, isKilled), true, 10 * seconds},
		{"PostgreSQL, killed, synchronous", postgres(true, isKilled), false, 10 * seconds},
		{"PostgreSQL, hangs, asynchronous", postgres(false, hangs), true, 20 * seconds},
		{"PostgreSQL, hangs, synchronous", postgres(true, hangs), false, 20 * seconds},
	}
}

func profileOf(i int) string { return fmt.Sprintf("account%04d", i) }
