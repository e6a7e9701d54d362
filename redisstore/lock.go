package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/lease"
)

// releasedLife is how long a lock remembers who released it.
const releasedLife = 10 * time.Second

// readLock begins the scripts of locks. A lock is one string:
//
//	HOLDER [NEXT UNTIL]
//
// HOLDER is its owner, or "released:" and the last owner, so that a repeated
// release differs from one that comes too late. NEXT waits for the lock, and
// comes again before UNTIL, in milliseconds of the server's clock; until then
// the last holder's process does not get it again. An UNTIL that is far
// off is from before the clock was set back, and no longer counts. Older versions of this
// package write only the holder, without a colon; such a lock is left as it is.
//
// KEYS: lock. ARGV: owner, length of the part that all owners of a process have
// in common.
const readLock = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function ours(owner)
	return owner and string.sub(owner, 1, ARGV[2]) == string.sub(ARGV[1], 1, ARGV[2])
end
local holder = redis.call('GET', KEYS[1])
local waiter, till
if holder then
	local first, second, third = string.match(holder, '^(%S+) (%S+) (%d+)$')
	if first then holder, waiter, till = first, second, third end
end
if waiter and (tonumber(till) <= now or tonumber(till) > now + 10000) then waiter = nil end
local function value(holder)
	if waiter then return holder .. ' ' .. waiter .. ' ' .. till end
	return holder
end
`

const (
	// ARGV: … lease, turn, how long to remember who released it, all in
	// milliseconds. If a lease lasts much longer than the usual one, the server's
	// clock was set back: the lease is shortened (LT needs Redis 7), and its holder,
	// if there still is one, extends it.
	acquireScript = readLock + `
local last = holder and string.match(holder, '^released:(.*)$')
local left = not last and ours(holder) and holder <= ARGV[1]
if ours(waiter) then waiter = nil end
if waiter and (left or ours(last)) then
	if left then redis.call('SET', KEYS[1], value('released:' .. holder), 'PX', ARGV[5]) end
	return 0
end
if not holder or last or left then
	redis.call('SET', KEYS[1], value(ARGV[1]), 'PX', ARGV[3])
	return 1
end
redis.pcall('PEXPIRE', KEYS[1], string.format('%.0f', 4 * ARGV[3]), 'LT')
if not waiter and string.find(holder, ':', 1, true) then
	waiter, till = ARGV[1], string.format('%.0f', now + ARGV[4])
	redis.call('SET', KEYS[1], value(holder), 'KEEPTTL')
end
return 0`

	// ARGV: … lease in milliseconds. It uses SET and not PEXPIRE, so that it
	// fails if nothing can be saved.
	extendScript = readLock + `
if holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], value(holder), 'PX', ARGV[3])
return 1`

	// ARGV: … how long to remember it in milliseconds, channel, notice. If the
	// memory is full, Redis refuses new keys.
	releaseScript = readLock + `
local released = 'released:' .. ARGV[1]
if holder == released then return 1 end
if holder ~= ARGV[1] then return 0 end
local kept = redis.pcall('SET', KEYS[1], value(released), 'PX', ARGV[3])
if kept.err then redis.call('DEL', KEYS[1]) end
if waiter then redis.pcall('PUBLISH', ARGV[4], ARGV[5]) end
return 1`

	leaveScript = readLock + `
if waiter == ARGV[1] then waiter = nil elseif holder ~= ARGV[1] then return 0 end
if holder ~= ARGV[1] then
	redis.pcall('SET', KEYS[1], value(holder), 'KEEPTTL')
	return 0
end
local kept = redis.pcall('SET', KEYS[1], value('released:' .. holder), 'PX', ARGV[3])
if kept.err then redis.call('DEL', KEYS[1]) end
if waiter then redis.pcall('PUBLISH', ARGV[4], ARGV[5]) end
return 0`
)

// leases are the store's locks in Redis, a [lease.Server].
type leases struct{ *Store }

// Lock implements [spotipie.Store]. The lock is a lease that is extended until
// unlock is called; if the holder dies, the lock is free when the lease ends.
// unlock fails if the lease was lost before. While Redis is out of reach Lock
// keeps trying until ctx ends.
func (s *Store) Lock(ctx context.Context, key spotipie.Key) (func(context.Context) error, error) {
	return s.locks.Lock(ctx, key)
}

// Check implements [spotipie.Checker]. It extends the lease, which is a write,
// so it fails for the same reasons as Swap: a replica, a full memory, a full
// disk.
func (s *Store) Check(ctx context.Context, key spotipie.Key) error {
	return s.locks.Check(ctx, key)
}

func (l leases) run(ctx context.Context, script *redis.Script, key spotipie.Key, owner string, more ...any) (bool, error) {
	arguments := append([]any{owner, lease.OwnerPrefix}, more...)
	return await(ctx, l.Store, func(ctx context.Context) (bool, error) {
		return script.Run(ctx, l.client, []string{l.lockName(key)}, arguments...).Bool()
	})
}

// Acquire implements [lease.Server].
func (l leases) Acquire(ctx context.Context, key spotipie.Key, owner string, turn time.Duration) (bool, error) {
	return l.run(ctx, l.scripts.acquire, key, owner, l.lease.Milliseconds(), turn.Milliseconds(), releasedLife.Milliseconds())
}

// Extend implements [lease.Server].
func (l leases) Extend(ctx context.Context, key spotipie.Key, owner string) (bool, error) {
	if l.replicas > 0 {
		return l.extendConfirmed(ctx, key, owner)
	}
	return l.run(ctx, l.scripts.extend, key, owner, l.lease.Milliseconds())
}

// Release implements [lease.Server].
func (l leases) Release(ctx context.Context, key spotipie.Key, owner string) (bool, error) {
	return l.run(ctx, l.scripts.release, key, owner, releasedLife.Milliseconds(), l.channel(), releasedNotice(key))
}

// Leave implements [lease.Server].
func (l leases) Leave(ctx context.Context, key spotipie.Key, owner string) error {
	_, err := l.run(ctx, l.scripts.leave, key, owner, releasedLife.Milliseconds(), l.channel(), releasedNotice(key))
	return err
}

// Wrap implements [lease.Server].
func (l leases) Wrap(doing string, key spotipie.Key, err error) error { return l.wrap(doing, key, err) }

// Hopeless implements [lease.Server]: the client is closed, or the server has
// refused for good.
func (l leases) Hopeless(err error) bool {
	if errors.Is(err, redis.ErrClosed) {
		return true
	}
	for _, prefix := range []string{"NOPERM", "NOAUTH", "WRONGPASS", "WRONGTYPE"} {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return false
}

// Released implements [lease.Server].
func (l leases) Released(key spotipie.Key) (notices <-chan struct{}, stop func()) {
	return l.hub.Overhear(releasedNotice(key))
}

// releasedNotice is the message on the channel when a lock is released that
// others wait for. No tag has a space.
func releasedNotice(key spotipie.Key) string { return "released " + tag(key) }
