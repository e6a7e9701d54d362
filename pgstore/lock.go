package pgstore

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"github.com/spotipie/spotipie"
)

// leases are the store's locks in the table, a [lease.Server].
type leases struct{ *Store }

// Lock implements [spotipie.Store]. The lock is a lease that is extended until
// unlock is called; if the holder dies, the lock is free when the lease ends.
// unlock fails if the lease was lost before. No connection is held meanwhile.
// While the server is out of reach Lock keeps trying until ctx ends.
func (s *Store) Lock(ctx context.Context, key spotipie.Key) (func(context.Context) error, error) {
	return s.locks.Lock(ctx, key)
}

// Check implements [spotipie.Checker]. It extends the lease, which is a write,
// so it fails for the same reasons as Swap: a replica, a server that is
// read-only or whose disk is full.
func (s *Store) Check(ctx context.Context, key spotipie.Key) error {
	return s.locks.Check(ctx, key)
}

// Acquire implements [lease.Server].
func (l leases) Acquire(ctx context.Context, key spotipie.Key, owner string, turn time.Duration) (got bool, err error) {
	arguments := []any{key.ClientID, key.Profile, owner, l.lease.Microseconds(), turn.Microseconds()}
	err = l.queryRow(ctx, l.statements.acquire, arguments, &got)
	if errors.Is(err, pgx.ErrNoRows) { // there was nothing to do
		return false, nil
	}
	return got, err
}

// Extend implements [lease.Server]. A lease that has ended still belongs to
// owner if nobody has taken it since.
func (l leases) Extend(ctx context.Context, key spotipie.Key, owner string) (bool, error) {
	return l.affects(ctx, l.statements.extend, key.ClientID, key.Profile, owner, l.lease.Microseconds())
}

// Release implements [lease.Server].
func (l leases) Release(ctx context.Context, key spotipie.Key, owner string) (bool, error) {
	return l.giveUp(ctx, l.statements.release, key, owner)
}

// Leave implements [lease.Server].
func (l leases) Leave(ctx context.Context, key spotipie.Key, owner string) error {
	_, err := l.giveUp(ctx, l.statements.leave, key, owner)
	return err
}

// giveUp runs a statement that gives up a lock or a turn, and reports whether
// there was one.
func (l leases) giveUp(ctx context.Context, statement string, key spotipie.Key, owner string) (bool, error) {
	var waitedFor, empty bool
	err := l.queryRow(ctx, statement, []any{key.ClientID, key.Profile, owner}, &waitedFor, &empty)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err != nil:
		return false, err
	case waitedFor:
		l.notifier.notify(releasedNotice(key))
	case empty: // if this fails, Delete removes the row in a week
		_ = l.exec(ctx, l.statements.forget, key.ClientID, key.Profile)
	}
	return true, nil
}

// Wrap implements [lease.Server].
func (l leases) Wrap(doing string, key spotipie.Key, err error) error { return l.wrap(doing, key, err) }

// Hopeless implements [lease.Server]: the pool is closed, or the server has
// refused for good.
func (l leases) Hopeless(err error) bool {
	if errors.Is(err, puddle.ErrClosedPool) {
		return true
	}
	var answer *pgconn.PgError
	if !errors.As(err, &answer) {
		return false
	}
	// Invalid data, missing rights, no such table or database.
	for _, class := range []string{"22", "28", "3D", "3F", "42"} {
		if strings.HasPrefix(answer.Code, class) {
			return true
		}
	}
	return false
}

// Released implements [lease.Server].
func (l leases) Released(key spotipie.Key) (notices <-chan struct{}, stop func()) {
	return l.hub.Overhear(releasedNotice(key))
}
