package sqlitestore

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/lease"
)

// RefuseWrites makes SQLite refuse writes from now on, like a disk that the system has
// made read-only because of errors.
func (s *Store) RefuseWrites(t *testing.T) {
	t.Helper()
	for _, d := range []*database{s.saving, s.locking} {
		if _, err := d.Exec("PRAGMA query_only = on"); err != nil {
			t.Fatal(err)
		}
	}
}

// SetBusyTimeout sets how long a caller without a deadline waits for another process that
// saves.
func (s *Store) SetBusyTimeout(t *testing.T, d time.Duration) {
	t.Helper()
	if _, err := s.saving.Exec(fmt.Sprintf("PRAGMA busy_timeout = %d", d.Milliseconds())); err != nil {
		t.Fatal(err)
	}
}

// Statements returns the statements that read many records.
func Statements() []string {
	return []string{changesSQL, pageSQL, pageOfAppSQL, refusedPageSQL, consentPageSQL, firstPage(pageSQL), firstPage(pageOfAppSQL), firstPage(refusedPageSQL)}
}

// CountLockRequests returns a function that counts the requests for locks from now on. The
// store must not be in use yet.
func (s *Store) CountLockRequests() (made func() int) {
	counter := &countingLeases{leases: leases{s}}
	s.locks = lease.NewLocks(counter, s.lease)
	return func() int { return int(counter.made.Load()) }
}

// countingLeases counts a store's requests for locks.
type countingLeases struct {
	leases
	made atomic.Int64
}

// Acquire implements [lease.Server].
func (c *countingLeases) Acquire(ctx context.Context, key spotipie.Key, owner string, turn time.Duration) (bool, error) {
	c.made.Add(1)
	return c.leases.Acquire(ctx, key, owner, turn)
}

// Extend implements [lease.Server].
func (c *countingLeases) Extend(ctx context.Context, key spotipie.Key, owner string) (bool, error) {
	c.made.Add(1)
	return c.leases.Extend(ctx, key, owner)
}

// Release implements [lease.Server].
func (c *countingLeases) Release(ctx context.Context, key spotipie.Key, owner string) (bool, error) {
	c.made.Add(1)
	return c.leases.Release(ctx, key, owner)
}

// Leave implements [lease.Server].
func (c *countingLeases) Leave(ctx context.Context, key spotipie.Key, owner string) error {
	c.made.Add(1)
	return c.leases.Leave(ctx, key, owner)
}
