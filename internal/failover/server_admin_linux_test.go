package failover_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie/internal/testservices"
)

// makeSynchronous has a PostgreSQL server wait for its replica before it
// acknowledges anything.
func makeSynchronous(t *testing.T, primary *testservices.Server) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), testservices.PostgresDSN(primary.Address))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, statement := range []string{"ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	for deadline := time.Now().Add(patience); ; pause(50 * time.Millisecond) {
		var state string
		err := conn.QueryRow(t.Context(), "SELECT sync_state FROM pg_stat_replication").Scan(&state)
		if state == "sync" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the replica is %q: %v", state, err)
		}
	}
}

// node is one of a Redis Cluster.
type node struct {
	*redis.Client
	id string
}

func connectNode(t *testing.T, address string) node {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: address})
	t.Cleanup(func() { _ = client.Close() })
	id, err := client.ClusterMyID(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	return node{client, id}
}

// usersOn returns the users whose records a node has, and their slots.
func usersOn(t *testing.T, address string, users []string) map[string]int64 {
	t.Helper()
	n := connectNode(t, address)
	keys, err := n.Keys(t.Context(), "*}:record").Result()
	if err != nil {
		t.Fatal(err)
	}
	slots := make(map[string]int64)
	for _, key := range keys {
		for _, user := range users {
			if strings.Contains(key, user) {
				slots[user] = n.ClusterKeySlot(t.Context(), key).Val()
			}
		}
	}
	if len(slots) == 0 {
		t.Fatal("the node has no users")
	}
	return slots
}

// halfMoved is how long slots stay half moved: before a key has moved, and after
// all that were there have.
const halfMoved = 2 * time.Second

// moveSlots moves users' slots from the first node of a cluster to the second, as
// redis-cli does, but slowly.
func moveSlots(t *testing.T, addresses []string, slots map[string]int64) {
	t.Helper()
	from, to := connectNode(t, addresses[0]), connectNode(t, addresses[1])
	for _, slot := range slots {
		from.mustDo(t, to, "CLUSTER", "SETSLOT", slot, "IMPORTING", from.id)
		from.mustDo(t, from, "CLUSTER", "SETSLOT", slot, "MIGRATING", to.id)
	}
	pause(halfMoved)
	for _, slot := range slots {
		from.migrate(t, to, slot)
	}
	pause(halfMoved)
	for _, slot := range slots {
		from.migrate(t, to, slot)
		for _, address := range []string{addresses[1], addresses[0], addresses[2]} {
			from.mustDo(t, connectNode(t, address), "CLUSTER", "SETSLOT", slot, "NODE", to.id)
		}
	}
}

// migrate moves the keys of a slot.
func (n node) migrate(t *testing.T, to node, slot int64) {
	t.Helper()
	host, port, _ := net.SplitHostPort(to.Options().Addr)
	keys, err := n.ClusterGetKeysInSlot(t.Context(), int(slot), 100).Result()
	if err != nil {
		t.Error(err)
	}
	for _, key := range keys {
		n.mustDo(t, n, "MIGRATE", host, port, key, 0, 5000)
	}
}

func (n node) mustDo(t *testing.T, on node, command ...any) {
	t.Helper()
	if err := on.Do(t.Context(), command...).Err(); err != nil {
		t.Errorf("%v: %v", command, err)
	}
}
