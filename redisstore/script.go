package redisstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/spotipie/spotipie"
)

// What the write scripts return instead of a version.
const (
	writeConflict = "conflict"
	writeUnknown  = "unknown"
	writeForeign  = "foreign"
)

// tombstoneLife is how long a deletion is remembered.
const tombstoneLife = 7 * 24 * time.Hour

// maxVersion is below 2^53, up to which the numbers of Lua are exact.
const maxVersion = 1<<53 - 2

// prepareWrite begins the scripts that write a record or a tombstone.
//
// KEYS: record. ARGV: format, version to replace (0 if there is neither record
// nor tombstone), the lowest that the new one may follow on, operation, attempt,
// channel, tag.
//
// The client repeats a command whose reply was lost, so each operation has a
// unique name, and each attempt a number. A write replaces only the version
// that it names; a repetition does not find that version any more if an earlier
// attempt has succeeded. The repetition then writes the same value again, because
// WAIT waits only for writes of its own connection.
const prepareWrite = `
local function valid(version)
	return type(version) == 'string' and string.find(version, '^[1-9]%d*$') and #version <= 16
		and tonumber(version) <= 9007199254740990
end
local kind = redis.call('TYPE', KEYS[1]).ok
local current, operation, deleted = '0', nil, nil
if kind == 'hash' then
	local old = redis.call('HMGET', KEYS[1], 'format', 'version', 'writer', 'deleted')
	if old[1] == ARGV[1] and valid(old[2]) then
		current, operation, deleted = old[2], old[3], old[4]
	else
		current = 'foreign'
	end
elseif kind ~= 'none' then
	current = 'foreign'
end
if operation == ARGV[4] then
	redis.pcall('HSET', KEYS[1], 'writer', operation)
	return current
end
if current ~= ARGV[2] then
	if current == 'foreign' then return 'foreign' end
	if ARGV[5] ~= '1' then return 'unknown' end
	return 'conflict'
end
local now = redis.call('TIME')
local last = current == 'foreign' and 0 or tonumber(current)
local version = string.format('%.0f', math.max(last + 1, tonumber(ARGV[3]) + 1, now[1] * 1000000 + now[2]))
`

// publishChange publishes the tag with the new version, and right after it only
// the tag, for older versions of this package.
const publishChange = `
redis.pcall('PUBLISH', ARGV[6], ARGV[7] .. ' ' .. version)
redis.pcall('PUBLISH', ARGV[6], ARGV[7])`

const (
	// ARGV: … record. A full memory refuses the first write of a script only,
	// so that must not be DEL, which removes the tombstone's expiry.
	swapScript = prepareWrite + `
if not valid(version) then return 'foreign' end
if deleted then
	redis.call('HSET', KEYS[1], 'format', ARGV[1])
	redis.call('DEL', KEYS[1])
end
redis.call('HSET', KEYS[1], 'format', ARGV[1], 'version', version, 'writer', ARGV[4], 'record', ARGV[8])
` + publishChange + `
return version`

	// ARGV: … life of the tombstone in milliseconds. Something that is not a
	// record may be deleted too: the version to replace is "foreign" then. DEL
	// comes first, so that it works with a full memory.
	deleteScript = prepareWrite + `
if not valid(version) then version = '9007199254740990' end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'format', ARGV[1], 'version', version, 'writer', ARGV[4], 'deleted', '1')
redis.call('PEXPIRE', KEYS[1], ARGV[8])
` + publishChange + `
return version`
)

type scripts struct {
	acquire, extend, release, leave, swap, delete *redis.Script
}

func newScripts() scripts {
	return scripts{
		acquire: redis.NewScript(acquireScript),
		extend:  redis.NewScript(extendScript),
		release: redis.NewScript(releaseScript),
		leave:   redis.NewScript(leaveScript),
		swap:    redis.NewScript(swapScript),
		delete:  redis.NewScript(deleteScript),
	}
}

// attempt is an argument of a command that counts how often the client sends
// the command.
type attempt struct{ sent int }

// MarshalBinary is called by the client each time it sends the command.
func (a *attempt) MarshalBinary() ([]byte, error) {
	a.sent++
	return strconv.AppendInt(nil, int64(a.sent), 10), nil
}

// String is for programs that print commands.
func (a *attempt) String() string { return "attempt" }

// write runs a script that writes. It returns the new version, or one of the
// words above.
func (s *Store) write(ctx context.Context, script *redis.Script, key spotipie.Key, over string, floor uint64, last any) (string, error) {
	w := writing{
		script: script, name: s.recordName(key),
		before: []any{format, over, strconv.FormatUint(floor, 10), rand.Text()},
		after:  []any{s.channel(), tag(key), last},
	}
	return await(ctx, s, func(ctx context.Context) (string, error) {
		if s.replicas > 0 {
			return s.writeConfirmed(ctx, key, w)
		}
		version, err := w.evalSha(ctx, s.client).Text()
		if redis.HasErrorPrefix(err, "NOSCRIPT") { // so the script did not run
			version, err = w.eval(ctx, s.client).Text()
		}
		return version, err
	})
}

// writing is a script that writes, with the arguments that come before and after
// the number of the attempt.
type writing struct {
	script        *redis.Script
	name          string // of the record
	before, after []any
}

func (w writing) evalSha(ctx context.Context, c redis.Scripter) *redis.Cmd {
	return w.script.EvalSha(ctx, c, []string{w.name}, w.arguments()...)
}

func (w writing) eval(ctx context.Context, c redis.Scripter) *redis.Cmd {
	return w.script.Eval(ctx, c, []string{w.name}, w.arguments()...)
}

func (w writing) arguments() []any { return slices.Concat(w.before, []any{&attempt{}}, w.after) }

// maxTries is how often a write starts again because another process has
// written between its read and its write.
const maxTries = 20

// errUnknown means that the client has repeated a write and it is unknown
// whether the first attempt succeeded.
var errUnknown = fmt.Errorf("the server's answer was lost, and another process has saved or deleted since: it is not known whether this was done before")
