package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/storecheck"
	"github.com/spotipie/spotipie/internal/testservices"
)

func TestLeaseIsExtendedWhileItIsHeld(t *testing.T) {
	t.Parallel()
	pool, opts := connect(t, services.Postgres(t)), fresh(2*time.Second)
	storecheck.LeaseIsExtended(t, open(t, pool, opts), open(t, pool, opts), opts.Lease)
}

func TestUnlockTellsThatTheLeaseWasLost(t *testing.T) {
	t.Parallel()
	pool, opts := connect(t, services.Postgres(t)), fresh(150*time.Millisecond)
	storecheck.LostLeaseIsTold(t, open(t, pool, opts), open(t, pool, opts), opts.Lease, func() {
		do(t, pool, "UPDATE {table} SET lock_owner = NULL, lock_until = NULL", opts)
	})
}

func TestLockThatComesTooLateIsGivenBack(t *testing.T) {
	t.Parallel()
	proxy := testservices.NewProxy(t, address(t, services.Postgres(t)))
	store := open(t, connect(t, testservices.PostgresDSN(proxy.Address)), fresh(time.Minute))
	storecheck.LockTooLateIsGivenBack(t, store, proxy)
}

func TestRoundTrips(t *testing.T) {
	proxy := testservices.NewProxy(t, address(t, services.Postgres(t)))
	store := open(t, connect(t, testservices.PostgresDSN(proxy.Address)+"&pool_max_conns=1"), fresh(0))
	storecheck.RoundTrips(t, store, proxy, store.AwaitNotices)
}

func TestBusyHolderKeepsNobodyOut(t *testing.T) {
	pool, opts := connect(t, services.Postgres(t)), fresh(0)
	storecheck.BusyHolderKeepsNobodyOut(t, open(t, pool, opts), open(t, pool, opts))
}

func TestOutageDoesNotEndAWait(t *testing.T) {
	proxy := testservices.NewProxy(t, address(t, services.Postgres(t)))
	storecheck.OutageDoesNotEndAWait(t, open(t, connect(t, testservices.PostgresDSN(proxy.Address)), fresh(0)), proxy)
}

func TestUnlockDoesNotHang(t *testing.T) {
	proxy := testservices.NewProxy(t, address(t, services.Postgres(t)))
	storecheck.UnlockDoesNotHang(t, open(t, connect(t, testservices.PostgresDSN(proxy.Address)), fresh(0)), proxy)
}

func TestManySessions(t *testing.T) {
	pool, counter := counted(t, services.Postgres(t))
	storecheck.ManySessions(t, open(t, pool, fresh(0)), counter.commands)
}

func TestManyWaiters(t *testing.T) {
	dsn, opts := services.Postgres(t), fresh(0)
	pool, counter := counted(t, dsn)
	storecheck.ManyWaiters(t, open(t, connect(t, dsn), opts), open(t, pool, opts), counter.commands)
}

// counted returns a pool whose statements are counted.
func counted(t *testing.T, dsn string) (*pgxpool.Pool, *counter) {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	counter := &counter{}
	config.ConnConfig.Tracer = counter
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool, counter
}

// counter counts the statements of a pool.
type counter struct{ made atomic.Int64 }

func (c *counter) commands() int { return int(c.made.Load()) }

func (c *counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.made.Add(1)
	return ctx
}

func (c *counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// Check writes, so that it fails for the same reasons as Swap.
func TestCheckNoticesAServerThatTakesNothing(t *testing.T) {
	opts := fresh(0)
	pool := connect(t, services.Postgres(t)+"&pool_max_conns=1")
	store := open(t, pool, opts)
	unlock, err := store.Lock(t.Context(), storecheck.Key())
	if err != nil {
		t.Fatal(err)
	}
	do(t, pool, "SET default_transaction_read_only = on", opts)
	var answer *pgconn.PgError
	if err := store.Check(t.Context(), storecheck.Key()); !errors.As(err, &answer) || answer.Code != "25006" {
		t.Errorf("Check: %v, want that the transaction is read-only", err)
	}
	do(t, pool, "SET default_transaction_read_only = off", opts)
	if err := store.Check(t.Context(), storecheck.Key()); err != nil {
		t.Errorf("Check: %v", err)
	}
	if err := unlock(t.Context()); err != nil {
		t.Error(err)
	}
}

// Saves do not wait for their notices. Many notices are sent together, because PostgreSQL
// commits transactions that notify one after the other.
func TestSavesDoNotWaitForNotices(t *testing.T) {
	config, err := pgxpool.ParseConfig(services.Postgres(t) + "&pool_max_conns=20")
	if err != nil {
		t.Fatal(err)
	}
	slow := &slowNotices{goOn: make(chan struct{})}
	config.ConnConfig.Tracer = slow
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	opts := fresh(0)
	store := open(t, pool, opts)
	changes, err := open(t, connect(t, services.Postgres(t)), opts).WatchChanges(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const users = 200
	for user := range users {
		key := spotipie.Key{ClientID: "client", Profile: fmt.Sprint(user)}
		if _, err := store.Swap(t.Context(), key, 0, storecheck.Record(t, "one")); err != nil {
			t.Fatal(err)
		}
	}
	close(slow.goOn) // no notice has been sent before
	told := make(map[spotipie.Key]bool)
	for len(told) < users {
		select {
		case change := <-changes:
			if change.Key != (spotipie.Key{}) {
				told[change.Key] = true
			}
		case <-time.After(storecheck.Patience):
			t.Fatalf("told of %d of %d changes", len(told), users)
		}
	}
	if n := slow.statements.Load(); n > users/10 {
		t.Errorf("%d saves take %d statements that notify", users, n)
	}
}

// slowNotices delays statements that notify until goOn is closed, and counts them.
type slowNotices struct {
	goOn       chan struct{}
	statements atomic.Int64
}

func (s *slowNotices) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if strings.Contains(data.SQL, "pg_notify") {
		s.statements.Add(1)
		<-s.goOn
	}
	return ctx
}

func (s *slowNotices) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
