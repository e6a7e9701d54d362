package pgstore

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spotipie/spotipie/internal/lease"
)

// tombstoneLife is how long the row of a deleted record stays at least.
const tombstoneLife = 7 * 24 * time.Hour

// Each operation is one statement, because a pooler may give each to another server
// connection. {table} stands for the table's name, quoted, and {now} for the
// microseconds of the server's clock; now() itself would be the start of the
// transaction, and does not advance while a statement waits for a row.
//
// A row without a record stands for a deletion, and has its version, or exists
// only for the lock, and has version 0. A statement replaces only the version
// that it names, so a statement that was delayed on its way, for however long,
// does not replace anything newer.
const (
	loadSQL = `
SELECT format::bigint, version, record FROM {table} WHERE client_id = $1::text AND profile = $2::text`

	// The keys of the rows are counted from 1. A record that is too large stays
	// in the server: its reader would delay the others.
	loadAllSQL = `
SELECT k.n, t.format::bigint, t.version, CASE WHEN octet_length(t.record) > $3::bigint THEN '' ELSE t.record END
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (client_id, profile, n)
JOIN {table} AS t ON t.client_id = k.client_id AND t.profile = k.profile`

	listSQL = `SELECT client_id, profile FROM {table} WHERE record IS NOT NULL`

	// $4: the version to replace, $5: the lowest that the new one may follow on.
	// {began} is when the statement arrived, and the same wherever it stands, so
	// that summarized is the version.
	insertSQL = `
INSERT INTO {table} AS t (client_id, profile, format, version, summarized, record, authorized_at, rejected)
SELECT $1::text, $2::text, 1, greatest($5::bigint + 1, {began}), greatest($5::bigint + 1, {began}),
	$3::text, $6::timestamptz, $7::boolean
WHERE $4::bigint = 0 OR EXISTS (SELECT FROM {table} WHERE client_id = $1::text AND profile = $2::text)
ON CONFLICT (client_id, profile) DO UPDATE SET
	version = greatest(t.version + 1, $5::bigint + 1, {began}), summarized = greatest(t.version + 1, $5::bigint + 1, {began}),
	format = 1, record = excluded.record, updated_at = clock_timestamp(),
	authorized_at = excluded.authorized_at, rejected = excluded.rejected
WHERE t.record IS NULL AND t.version = $4::bigint
RETURNING version`

	updateSQL = `
UPDATE {table} SET
	version = greatest(version + 1, $5::bigint + 1, {began}), summarized = greatest(version + 1, $5::bigint + 1, {began}),
	record = $3::text, updated_at = clock_timestamp(), authorized_at = $6::timestamptz, rejected = $7::boolean
WHERE client_id = $1::text AND profile = $2::text AND record IS NOT NULL AND format = 1 AND version = $4::bigint
RETURNING version`

	// $3: the version to replace. A few rows of old deletions are removed too,
	// except those that another statement works on. Their index needs a fixed
	// time, so this uses now().
	deleteSQL = `
WITH cleared AS (
	DELETE FROM {table} WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM {table}
		WHERE record IS NULL AND updated_at < now() - $4::bigint * interval '1 microsecond'
		AND (lock_until IS NULL OR lock_until < clock_timestamp())
		AND (client_id, profile) <> ($1::text, $2::text)
		LIMIT 100 FOR UPDATE SKIP LOCKED)))
INSERT INTO {table} AS t (client_id, profile, version)
SELECT $1::text, $2::text, {now}
WHERE $3::bigint = 0 OR EXISTS (SELECT FROM {table} WHERE client_id = $1::text AND profile = $2::text)
ON CONFLICT (client_id, profile) DO UPDATE
SET format = 1, version = greatest(t.version + 1, {now}), record = NULL, updated_at = clock_timestamp(),
	authorized_at = NULL, rejected = NULL, summarized = NULL
WHERE t.version = $3::bigint
RETURNING version`
)

// The lock. The owners of one process have their first {prefix} bytes in common.
const (
	// A statement with nothing to do writes nothing. A lease that an earlier
	// owner of the same process has left behind is free. The process that had
	// the lock last does not get it while another one waits. If a lease lasts
	// much longer than the usual one, the server's clock was set back: the lease is
	// shortened, and its holder, if there still is one, extends it. The turn of a
	// waiter from before that no longer counts.
	acquireSQL = `
INSERT INTO {table} AS t (client_id, profile, lock_owner, lock_until)
SELECT $1::text, $2::text, $3::text, clock_timestamp() + $4::bigint * interval '1 microsecond'
WHERE NOT EXISTS (
	SELECT FROM {table} AS t
	WHERE client_id = $1::text AND profile = $2::text AND CASE
		WHEN {held} THEN t.lock_until <= {longest} AND ({others_wait}
			OR next_owner = $3::text AND next_until > clock_timestamp() + $5::bigint / 2 * interval '1 microsecond')
		ELSE {others_turn} AND t.lock_owner IS NULL END)
ON CONFLICT (client_id, profile) DO UPDATE SET
	lock_owner = CASE WHEN {held} THEN t.lock_owner WHEN {others_turn} THEN NULL ELSE $3::text END,
	lock_until = CASE WHEN {held} THEN least(t.lock_until, {longest}) WHEN {others_turn} THEN NULL ELSE excluded.lock_until END,
	last_owner = CASE WHEN {left} THEN t.lock_owner ELSE t.last_owner END,
	next_owner = CASE WHEN {others_wait} THEN t.next_owner WHEN {held} THEN $3::text END,
	next_until = CASE WHEN {others_wait} THEN t.next_until
		WHEN {held} THEN clock_timestamp() + $5::bigint * interval '1 microsecond' END
RETURNING coalesce(lock_owner = $3::text, false)`

	heldExpression       = `(coalesce(t.lock_until > clock_timestamp(), false) AND NOT {left})`
	leftExpression       = `coalesce({ours:t.lock_owner} AND t.lock_owner COLLATE "C" <= $3::text, false)`
	othersWaitExpression = `coalesce(NOT {ours:t.next_owner} AND t.next_until > clock_timestamp()
		AND t.next_until < clock_timestamp() + interval '10 seconds', false)`
	othersTurnExpression = `({others_wait} AND ({left} OR coalesce({ours:t.last_owner}, false)))`
	longestExpression    = `(clock_timestamp() + 4 * $4::bigint * interval '1 microsecond')`
	oursExpression       = `(left(%[1]s, {prefix}) = left($3::text, {prefix}))`

	extendSQL = `
UPDATE {table} SET lock_until = clock_timestamp() + $4::bigint * interval '1 microsecond'
WHERE client_id = $1::text AND profile = $2::text AND lock_owner = $3::text`

	// It returns whether another process waits, and whether the row is there
	// only for the lock.
	releaseSQL = `
UPDATE {table} SET lock_owner = NULL, lock_until = NULL, last_owner = lock_owner
WHERE client_id = $1::text AND profile = $2::text AND lock_owner = $3::text
RETURNING coalesce(next_until > clock_timestamp(), false), record IS NULL AND version = 0`

	leaveSQL = `
UPDATE {table} SET
	lock_owner = nullif(lock_owner, $3::text),
	lock_until = CASE WHEN lock_owner <> $3::text THEN lock_until END,
	next_owner = nullif(next_owner, $3::text),
	next_until = CASE WHEN next_owner <> $3::text THEN next_until END
WHERE client_id = $1::text AND profile = $2::text AND (lock_owner = $3::text OR next_owner = $3::text)
RETURNING coalesce(next_until > clock_timestamp(), false), record IS NULL AND version = 0`

	// A lock for an unknown profile leaves no row behind.
	forgetSQL = `
DELETE FROM {table}
WHERE client_id = $1::text AND profile = $2::text AND record IS NULL AND version = 0
AND coalesce(lock_until <= clock_timestamp(), true) AND coalesce(next_until <= clock_timestamp(), true)`
)

type statements struct {
	load, loadAll, list                     string
	insert, update, delete                  string
	summary, unsummarized, summarize        string
	acquire, extend, release, leave, forget string
	channel, notify                         string
}

func newStatements(table string) statements {
	replacer := strings.NewReplacer(
		"{table}", table, "{prefix}", strconv.Itoa(lease.OwnerPrefix),
		"{now}", "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
		"{began}", "(extract(epoch FROM statement_timestamp()) * 1000000)::bigint")
	channel := strings.ReplaceAll(channelSQL, "{name}", "'"+strings.ReplaceAll(table, "'", "''")+"'")
	return statements{
		load:    replacer.Replace(loadSQL),
		loadAll: replacer.Replace(loadAllSQL),
		list:    replacer.Replace(listSQL),
		insert:  replacer.Replace(insertSQL),
		update:  replacer.Replace(updateSQL),
		delete:  replacer.Replace(deleteSQL),

		summary:      replacer.Replace(summarySQL),
		unsummarized: replacer.Replace(unsummarizedSQL),
		summarize:    replacer.Replace(summarizeSQL),

		acquire: replacer.Replace(spellOut(acquireSQL)),
		extend:  replacer.Replace(extendSQL),
		release: replacer.Replace(releaseSQL),
		leave:   replacer.Replace(leaveSQL),
		forget:  replacer.Replace(forgetSQL),
		channel: channel,
		notify:  strings.ReplaceAll(notifySQL, "{channel}", channel),
	}
}

// spellOut puts the expressions of the lock in their places.
func spellOut(sql string) string {
	for _, e := range [][2]string{
		{"{held}", heldExpression}, {"{others_turn}", othersTurnExpression}, {"{longest}", longestExpression},
		{"{others_wait}", othersWaitExpression}, {"{left}", leftExpression},
	} {
		sql = strings.ReplaceAll(sql, e[0], e[1])
	}
	for _, column := range []string{"t.lock_owner", "t.next_owner", "t.last_owner"} {
		sql = strings.ReplaceAll(sql, "{ours:"+column+"}", fmt.Sprintf(oursExpression, column))
	}
	return sql
}
