package redisstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
	"github.com/spotipie/spotipie/redisstore"
)

// mover moves the slot of storecheck.Key from one node of a cluster to another.
type mover struct {
	t        *testing.T
	slot     int64
	from, to *redis.Client
	ids      map[*redis.Client]string
	all      []*redis.Client
}

func newMover(t *testing.T, addresses []string, recordKey string) *mover {
	t.Helper()
	m := &mover{t: t, ids: make(map[*redis.Client]string)}
	for _, address := range addresses {
		node := connect(t, &redis.Options{Addr: address})
		m.all = append(m.all, node)
		m.ids[node] = node.ClusterMyID(t.Context()).Val()
		m.slot = node.ClusterKeySlot(t.Context(), recordKey).Val()
	}
	for _, node := range m.all {
		if err := node.Get(t.Context(), recordKey).Err(); redis.HasErrorPrefix(err, "MOVED") {
			m.to = node
		} else {
			m.from = node
		}
	}
	if m.from == nil || m.to == nil {
		t.Fatal("no node has the slot")
	}
	return m
}

func (m *mover) do(node *redis.Client, command ...any) {
	m.t.Helper()
	if err := node.Do(m.t.Context(), command...).Err(); err != nil {
		m.t.Fatalf("%v: %v", command, err)
	}
}

// begin starts the migration of the slot: existing keys stay, and new ones go to the other
// node.
func (m *mover) begin() {
	m.t.Helper()
	m.do(m.to, "CLUSTER", "SETSLOT", m.slot, "IMPORTING", m.ids[m.from])
	m.do(m.from, "CLUSTER", "SETSLOT", m.slot, "MIGRATING", m.ids[m.to])
}

// migrate moves one of the slot's keys.
func (m *mover) migrate(key string) {
	m.t.Helper()
	host, port, _ := strings.Cut(m.to.Options().Addr, ":")
	m.do(m.from, "MIGRATE", host, port, key, 0, 5000)
}

func (m *mover) end() {
	m.t.Helper()
	for _, node := range append([]*redis.Client{m.to, m.from}, m.all...) {
		m.do(node, "CLUSTER", "SETSLOT", m.slot, "NODE", m.ids[m.to])
	}
}

// renew does everything that a session does, and more.
func renew(t *testing.T, s spotipie.Checker, name string) {
	t.Helper()
	unlock, err := s.Lock(t.Context(), storecheck.Key())
	if err != nil {
		t.Fatalf("%s: Lock: %v", name, err)
	}
	rec, found, err := s.Load(t.Context(), storecheck.Key())
	if err != nil {
		t.Fatalf("%s: Load: %v", name, err)
	}
	if err := s.Check(t.Context(), storecheck.Key()); err != nil {
		t.Errorf("%s: Check: %v", name, err)
	}
	over := rec.Version
	if !found {
		over = 0
	}
	version := storecheck.Swap(t, s, over, "one")
	storecheck.Expect(t, s, "one", version)
	if err := unlock(t.Context()); err != nil {
		t.Errorf("%s: unlock: %v", name, err)
	}
}

func TestRenewalsWhileASlotMoves(t *testing.T) {
	renewalsWhileASlotMoves(t, fresh(0))
}

// The masters have no replicas, so all waits for a replica end without one.
func TestRenewalsThatWaitForAReplicaWhileASlotMoves(t *testing.T) {
	opts := fresh(0)
	opts.Replicas, opts.ReplicaTimeout = 1, time.Millisecond
	renewalsWhileASlotMoves(t, opts)
}

func renewalsWhileASlotMoves(t *testing.T, opts *redisstore.Options) {
	t.Helper()
	addresses := testservices.StartRedisCluster(t)
	for _, address := range addresses {
		aclUser(t, address, "test:", "+cluster|slots", "+wait")
	}
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addresses, Username: "app", Password: "secret"})
	t.Cleanup(func() { _ = client.Close() })
	store := open(t, client, opts)
	record, lock := opts.Prefix+recordName, opts.Prefix+"{client:ada}:lock"
	m := newMover(t, addresses, record)

	renew(t, store, "before")
	m.begin()
	renew(t, store, "nothing has moved")
	m.migrate(record)
	renew(t, store, "the record has moved")
	mustDelete(t, store)
	renew(t, store, "after a deletion")
	m.migrate(lock)
	renew(t, store, "all has moved")
	m.end()
	renew(t, store, "the slot has moved")
	mustDelete(t, store)
	renew(t, store, "after all")
}

// A key that moves to a node that was already scanned is not missed.
func TestListWhileSlotsMove(t *testing.T) {
	addresses := testservices.StartRedisCluster(t)
	opts := fresh(0)
	record := opts.Prefix + recordName
	m := newMover(t, addresses, record)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addresses})
	t.Cleanup(func() { _ = client.Close() })
	moves := &movesDuringScan{mover: m, key: record, scanned: make(chan struct{})}
	client.OnNewNode(func(node *redis.Client) { node.AddHook(nodeHook{moves, node.Options().Addr}) })
	store := open(t, client, opts)
	want := map[spotipie.Key]bool{storecheck.Key(): true}
	storecheck.Swap(t, store, 0, "one")
	for i := range 30 {
		key := spotipie.Key{ClientID: "client", Profile: fmt.Sprint(i)}
		if _, err := store.Swap(t.Context(), key, 0, storecheck.Record(t, "one")); err != nil {
			t.Fatal(err)
		}
		want[key] = true
	}
	moves.on = true
	keys, err := store.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !moves.moved {
		t.Fatal("nothing has moved")
	}
	for _, key := range keys {
		delete(want, key)
	}
	if len(want) != 0 {
		t.Errorf("List lacks %v", want)
	}
}

// movesDuringScan moves a key after its new node was scanned, and before its old node is.
type movesDuringScan struct {
	*mover
	key     string
	on      bool
	moved   bool
	scanned chan struct{}
}

type nodeHook struct {
	*movesDuringScan
	address string
}

func (h nodeHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h nodeHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h nodeHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if !h.on || cmd.Name() != "scan" || h.moved {
			return next(ctx, cmd)
		}
		switch h.address {
		case h.to.Options().Addr:
			err := next(ctx, cmd)
			close(h.scanned)
			return err
		case h.from.Options().Addr:
			<-h.scanned
			h.begin()
			h.migrate(h.key)
			h.end()
			h.moved = true
		}
		return next(ctx, cmd)
	}
}

func TestListOfOneNodeOfACluster(t *testing.T) {
	addresses := testservices.StartRedisCluster(t)
	store := open(t, connect(t, &redis.Options{Addr: addresses[0]}), fresh(0))
	if keys, err := store.List(t.Context()); err == nil || !strings.Contains(err.Error(), "cluster client") {
		t.Errorf("List: %v, %v; want an error", keys, err)
	}
}
