package redisstore

import (
	"context"
	"crypto/rand"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
)

// What the swap script returns instead of a version.
const (
	swapConflict = "conflict"
	swapForeign  = "foreign"
)

// tombstoneLife is how long the version of a deleted record is remembered.
const tombstoneLife = 7 * 24 * time.Hour

// releasedLife is how long a lock remembers who released it.
const releasedLife = 10 * time.Second

// maxVersion is below 2^53, up to which the numbers of Lua are exact.
const maxVersion = 1<<53 - 2

// validVersion is a function of Lua: versions are whole numbers that can be
// counted up exactly.
const validVersion = `
local function valid(version)
	return type(version) == 'string' and string.find(version, '^[1-9]%d*$') and #version <= 16
		and tonumber(version) <= 9007199254740990
end`

const (
	// KEYS: lock. ARGV: owner, lease in milliseconds. The owner may ask twice:
	// the client repeats a command whose reply was lost.
	acquireScript = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] and string.sub(holder, 1, 9) ~= 'released:' then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`

	extendScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`

	// KEYS: lock. ARGV: owner, how long to remember it in milliseconds, so that
	// a repeated release is told from one that comes too late.
	releaseScript = `
local holder, released = redis.call('GET', KEYS[1]), 'released:' .. ARGV[1]
if holder == released then return 1 end
if holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], released, 'PX', ARGV[2])
return 1`

	// KEYS: record, tombstone. ARGV: format, version to replace, channel, tag,
	// writer, record. The writer is new for each swap, so that a repeated one
	// is known for what it is.
	swapScript = validVersion + `
local kind = redis.call('TYPE', KEYS[1]).ok
local previous = '0'
if kind == 'none' then
	if ARGV[2] ~= '0' then return 'conflict' end
	local deleted = redis.call('GET', KEYS[2])
	if valid(deleted) then previous = deleted end
elseif kind == 'hash' then
	local old = redis.call('HMGET', KEYS[1], 'format', 'version', 'writer')
	if old[1] ~= ARGV[1] or not valid(old[2]) then return 'foreign' end
	if old[3] == ARGV[5] then return old[2] end
	if old[2] ~= ARGV[2] then return 'conflict' end
	previous = old[2]
else
	return 'foreign'
end
local now = redis.call('TIME')
local version = string.format('%.0f', math.max(tonumber(previous) + 1, now[1] * 1000000 + now[2]))
if not valid(version) then return 'foreign' end
redis.call('HSET', KEYS[1], 'format', ARGV[1], 'version', version, 'writer', ARGV[5], 'record', ARGV[6])
redis.call('DEL', KEYS[2])
redis.pcall('PUBLISH', ARGV[3], ARGV[4])
return version`

	// KEYS: record, tombstone. ARGV: channel, tag, life of the tombstone in
	// milliseconds. With a full memory the tombstone is what is done without.
	deleteScript = validVersion + `
local version = redis.pcall('HGET', KEYS[1], 'version')
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
if valid(version) then
	redis.pcall('SET', KEYS[2], version, 'PX', ARGV[3])
end
redis.pcall('PUBLISH', ARGV[1], ARGV[2])
return 1`
)

type scripts struct {
	acquire, extend, release, swap, delete *redis.Script
}

func newScripts() scripts {
	return scripts{
		acquire: redis.NewScript(acquireScript),
		extend:  redis.NewScript(extendScript),
		release: redis.NewScript(releaseScript),
		swap:    redis.NewScript(swapScript),
		delete:  redis.NewScript(deleteScript),
	}
}

func (s *Store) runAcquire(ctx context.Context, key spotipie.Key, owner string) (bool, error) {
	return await(ctx, func(ctx context.Context) (bool, error) {
		return s.scripts.acquire.Run(ctx, s.client, []string{s.lockName(key)}, owner, s.lease.Milliseconds()).Bool()
	})
}

func (s *Store) runExtend(ctx context.Context, key spotipie.Key, owner string) (bool, error) {
	return await(ctx, func(ctx context.Context) (bool, error) {
		return s.scripts.extend.Run(ctx, s.client, []string{s.lockName(key)}, owner, s.lease.Milliseconds()).Bool()
	})
}

func (s *Store) runRelease(ctx context.Context, key spotipie.Key, owner string) (bool, error) {
	return await(ctx, func(ctx context.Context) (bool, error) {
		return s.scripts.release.Run(ctx, s.client, []string{s.lockName(key)}, owner, releasedLife.Milliseconds()).Bool()
	})
}

// runSwap returns the new version, swapConflict or swapForeign.
func (s *Store) runSwap(ctx context.Context, key spotipie.Key, version uint64, record []byte) (string, error) {
	writer := rand.Text()
	return await(ctx, func(ctx context.Context) (string, error) {
		return s.scripts.swap.Run(ctx, s.client, []string{s.recordName(key), s.tombstoneName(key)},
			format, strconv.FormatUint(version, 10), s.channel(), tag(key), writer, record).Text()
	})
}

func (s *Store) runDelete(ctx context.Context, key spotipie.Key) error {
	_, err := await(ctx, func(ctx context.Context) (any, error) {
		return s.scripts.delete.Run(ctx, s.client, []string{s.recordName(key), s.tombstoneName(key)},
			s.channel(), tag(key), tombstoneLife.Milliseconds()).Result()
	})
	return err
}
