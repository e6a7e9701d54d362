package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/testservices"
)

// A primary that hangs keeps no places of the pool: all are in use when that
// happens, and each connection would keep its own for as long as pgx waits for the
// server to say that it has given up a statement.
func TestBusyPoolWhosePrimaryHangs(t *testing.T) {
	t.Parallel()
	primary := testservices.StartPostgres(t)
	replica := testservices.StartPostgresReplica(t, primary.Address)
	opts := fresh(0)
	store := open(t, connect(t, bothDSN(primary, replica, "target_session_attrs=read-write&connect_timeout=2&pool_max_conns=4")), opts)
	onReplica(t, replica, opts)

	const users = 40
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var mu sync.Mutex
	lastLocked := make(map[int]time.Time)
	for user := range users {
		all.Go(func() {
			for ctx.Err() == nil {
				if err := lockOnce(ctx, store, fmt.Sprint(user)); err == nil {
					mu.Lock()
					lastLocked[user] = time.Now()
					mu.Unlock()
				} else if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
					time.Sleep(50 * time.Millisecond)
				}
			}
		})
	}
	allSince := func(since time.Time) bool {
		mu.Lock()
		defer mu.Unlock()
		locked := 0
		for _, at := range lastLocked {
			if at.After(since) {
				locked++
			}
		}
		return locked == users
	}
	eventually(t, func() bool { return allSince(time.Time{}) })

	primary.Freeze(t)
	testservices.PromotePostgres(t, replica)
	promoted := time.Now()
	for !allSince(promoted) && time.Since(promoted) < time.Minute {
		time.Sleep(20 * time.Millisecond)
	}
	took := time.Since(promoted)
	stop()
	all.Wait()
	t.Logf("all locked again %s after the promotion", took.Round(10*time.Millisecond))
	if took > 14*time.Second {
		t.Errorf("all have locked again after %s", took)
	}
}

// The same if nothing was in use: the store does not try one connection after the
// other.
func TestIdlePoolWhosePrimaryHangs(t *testing.T) {
	t.Parallel()
	primary := testservices.StartPostgres(t)
	replica := testservices.StartPostgresReplica(t, primary.Address)
	opts := fresh(0)
	pool := connect(t, bothDSN(primary, replica, "target_session_attrs=read-write&connect_timeout=2&pool_min_conns=8&pool_max_conns=8"))
	store := open(t, pool, opts)
	onReplica(t, replica, opts)
	eventually(t, func() bool { return pool.Stat().IdleConns() == 8 })
	time.Sleep(1100 * time.Millisecond) // pgx asks only those that were idle for a second

	primary.Freeze(t)
	testservices.PromotePostgres(t, replica)
	promoted := time.Now()
	if err := lockOnce(t.Context(), store, "ada"); err != nil {
		t.Fatal(err)
	}
	took := time.Since(promoted)
	t.Logf("locked again %s after the promotion", took.Round(10*time.Millisecond))
	if took > 11*time.Second {
		t.Errorf("locked again after %s", took)
	}
}

func lockOnce(ctx context.Context, store spotipie.Store, profile string) error {
	ctx, cancel := context.WithTimeout(ctx, 45*time.Second)
	defer cancel()
	unlock, err := store.Lock(ctx, spotipie.Key{ClientID: "client", Profile: profile})
	if err != nil {
		return err
	}
	return unlock(ctx)
}
