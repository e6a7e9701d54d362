package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/lease"
)

const (
	seeLockSQL = `
SELECT owner, beat, length, last_owner, next_owner, next_until FROM locks WHERE client_id = ? AND profile = ?`

	takeLockSQL = `INSERT OR REPLACE INTO locks VALUES (?, ?, ?, ?, ?, ?, ?, ?)`

	extendLockSQL = `
UPDATE locks SET beat = beat + 1, length = ? WHERE client_id = ? AND profile = ? AND owner = ?`

	removeLockSQL = `DELETE FROM locks WHERE client_id = ? AND profile = ?`

	ownersSQL = `SELECT client_id, profile, owner FROM locks`
)

// maxWait is longer than any turn of a waiter. If a turn ends later than that,
// the clock has been set back.
const maxWait = 10 * time.Second

// leases are the store's locks in the database, a [lease.Server].
type leases struct{ *Store }

// lockRow is the row of a lock in the database.
type lockRow struct {
	owner     string // "": nobody
	beat      int64  // changes while the owner lives
	length    int64  // of its lease, in microseconds
	lastOwner string
	nextOwner string // who waits
	nextUntil int64  // as microseconds since 1970
}

// Lock implements [spotipie.Store]. When a process ends, however it ends, its
// locks are free at once; the lock of a suspended process is free when its
// lease has ended. unlock fails if the lock was lost before.
func (s *Store) Lock(ctx context.Context, key spotipie.Key) (func(context.Context) error, error) {
	return s.locks.Lock(ctx, key)
}

// Check implements [spotipie.Checker]. It extends the lease, and writes as many
// bytes as the record has, so that it fails for the same reasons as Swap.
func (s *Store) Check(ctx context.Context, key spotipie.Key) error {
	if err := s.locks.Check(ctx, key); err != nil {
		return err
	}
	err := s.presence.check()
	if err == nil {
		err = s.try(ctx, key, minTrial)
	}
	return s.wrap("checking whether one could save", key, err)
}

// Acquire implements [lease.Server]. Who finds nothing to do writes nothing.
func (l leases) Acquire(ctx context.Context, key spotipie.Key, owner string, turn time.Duration) (got bool, err error) {
	if err := l.presence.begin(ctx, processOf(owner)); err != nil {
		return false, err
	}
	now, err := l.see(ctx, l.reading, nil, key)
	if err != nil {
		return false, err
	}
	if next, got := l.acquire(key, now, owner, turn); next == now {
		return got, nil
	}
	err = l.locking.change(ctx, l.Store, func(tx *sql.Tx) error {
		now, err := l.see(ctx, l.locking, tx, key)
		if err != nil {
			return err
		}
		var next lockRow
		if next, got = l.acquire(key, now, owner, turn); next == now {
			return nil
		}
		return l.put(ctx, tx, key, next)
	})
	return got && err == nil, err
}

// acquire returns the lock's row after owner has asked for the lock, and whether
// owner holds the lock then.
func (l leases) acquire(key spotipie.Key, now lockRow, owner string, turn time.Duration) (next lockRow, got bool) {
	clock := time.Now()
	left := sameProcess(now.owner, owner) && now.owner <= owner // an earlier one of this process
	othersWait := now.nextOwner != "" && !sameProcess(now.nextOwner, owner) && now.waits(clock) &&
		l.presence.isAlive(processOf(now.nextOwner))
	next = now
	switch {
	case !left && l.isHeld(key, now):
		if !othersWait && !(now.nextOwner == owner && now.nextUntil > clock.Add(turn/2).UnixMicro()) {
			next.nextOwner, next.nextUntil = owner, clock.Add(turn).UnixMicro()
		}
		return next, false
	case othersWait && (left || sameProcess(now.lastOwner, owner)):
		if left {
			next.owner, next.lastOwner = "", now.owner
		}
		return next, false
	}
	next = lockRow{owner: owner, length: l.lease.Microseconds()}
	if othersWait {
		next.nextOwner, next.nextUntil = now.nextOwner, now.nextUntil
	}
	return next, true
}

// isHeld reports whether a lock has an owner who lives, and has not been seen
// without a sign of life for as long as its lease.
func (l leases) isHeld(key spotipie.Key, now lockRow) bool {
	return now.owner != "" && l.presence.isAlive(processOf(now.owner)) &&
		l.seen.of(key, now) < time.Duration(now.length)*time.Microsecond
}

// waits reports whether somebody waits for the lock.
func (r lockRow) waits(now time.Time) bool {
	return r.nextUntil > now.UnixMicro() && r.nextUntil <= now.Add(maxWait).UnixMicro()
}

// Extend implements [lease.Server].
func (l leases) Extend(ctx context.Context, key spotipie.Key, owner string) (still bool, err error) {
	if l.closed.Load() {
		return false, nil
	}
	err = l.locking.change(ctx, l.Store, func(tx *sql.Tx) error {
		still, err = l.locking.affects(ctx, tx, extendLockSQL, l.lease.Microseconds(), key.ClientID, key.Profile, owner)
		return err
	})
	return still && err == nil, err
}

// Release implements [lease.Server].
func (l leases) Release(ctx context.Context, key spotipie.Key, owner string) (was bool, err error) {
	err = l.giveUp(ctx, key, func(r lockRow) lockRow {
		if was = r.owner == owner; was {
			r.owner, r.lastOwner = "", owner
		}
		return r
	})
	return was && err == nil, err
}

// Leave implements [lease.Server].
func (l leases) Leave(ctx context.Context, key spotipie.Key, owner string) error {
	return l.giveUp(ctx, key, func(r lockRow) lockRow {
		if r.owner == owner {
			r.owner = ""
		}
		if r.nextOwner == owner {
			r.nextOwner, r.nextUntil = "", 0
		}
		return r
	})
}

// giveUp changes the row of a lock. It deletes the row if nobody has the lock
// or waits for it.
func (l leases) giveUp(ctx context.Context, key spotipie.Key, change func(lockRow) lockRow) error {
	return l.locking.change(ctx, l.Store, func(tx *sql.Tx) error {
		now, err := l.see(ctx, l.locking, tx, key)
		if err != nil {
			return err
		}
		switch next := change(now); {
		case next.owner == "" && !next.waits(time.Now()):
			return l.locking.exec(ctx, tx, removeLockSQL, key.ClientID, key.Profile)
		case next != now:
			return l.put(ctx, tx, key, next)
		}
		return nil
	})
}

func (l leases) see(ctx context.Context, d *database, tx *sql.Tx, key spotipie.Key) (r lockRow, err error) {
	err = d.row(ctx, tx, seeLockSQL, []any{key.ClientID, key.Profile},
		&r.owner, &r.beat, &r.length, &r.lastOwner, &r.nextOwner, &r.nextUntil)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return r, err
}

func (l leases) put(ctx context.Context, tx *sql.Tx, key spotipie.Key, r lockRow) error {
	return l.locking.exec(ctx, tx, takeLockSQL,
		key.ClientID, key.Profile, r.owner, r.beat, r.length, r.lastOwner, r.nextOwner, r.nextUntil)
}

// Wrap implements [lease.Server].
func (l leases) Wrap(doing string, key spotipie.Key, err error) error {
	return l.wrap(doing, key, err)
}

// Hopeless implements [lease.Server]: the store is closed, or the database is
// damaged or read-only.
func (l leases) Hopeless(err error) bool {
	if l.closed.Load() {
		return true
	}
	err = explain(l.path, err)
	return errors.Is(err, ErrDamaged) || errors.Is(err, ErrReadOnly)
}

// Released implements [lease.Server]. Looking takes some microseconds.
func (l leases) Released(spotipie.Key) (notices <-chan struct{}, stop func()) { return nil, func() {} }

// forgetLocks removes the locks of processes that have ended. It ignores
// errors, since nothing depends on this.
func (s *Store) forgetLocks(ctx context.Context) {
	rows, err := s.reading.QueryContext(ctx, ownersSQL)
	if err != nil {
		return
	}
	defer rows.Close()
	type held struct {
		key   spotipie.Key
		owner string
	}
	var dead []held
	for rows.Next() {
		var h held
		if rows.Scan(&h.key.ClientID, &h.key.Profile, &h.owner) == nil && !s.presence.isAlive(processOf(h.owner)) {
			dead = append(dead, h)
		}
	}
	for _, h := range dead {
		_ = leases{s}.Leave(ctx, h.key, h.owner)
	}
}

func processOf(owner string) string {
	if len(owner) < lease.OwnerPrefix {
		return ""
	}
	return owner[:lease.OwnerPrefix-1] // without the colon
}

func sameProcess(a, b string) bool { return processOf(a) != "" && processOf(a) == processOf(b) }
