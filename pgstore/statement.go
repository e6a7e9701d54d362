package pgstore

import (
	"strings"
	"time"
)

// tombstoneLife is how long the row of a deleted record stays at least.
const tombstoneLife = 7 * 24 * time.Hour

// Each statement is a transaction of its own. Parameters have their types
// spelled out, as the server has to take them as text. Times are those of
// clock_timestamp, which goes on while a statement waits for a row.
const (
	loadSQL = `
SELECT format::bigint, version, record FROM {table}
WHERE client_id = $1::text AND profile = $2::text AND record IS NOT NULL`

	listSQL = `SELECT client_id, profile FROM {table} WHERE record IS NOT NULL`

	// The row may be there without a record: locked, or deleted.
	insertSQL = `
WITH saved AS (
	INSERT INTO {table} AS t (client_id, profile, format, version, record)
	VALUES ($1::text, $2::text, 1, {now}, $3::text)
	ON CONFLICT (client_id, profile) DO UPDATE
	SET format = 1, version = greatest(t.version + 1, {now}), record = excluded.record, updated_at = clock_timestamp()
	WHERE t.record IS NULL
	RETURNING version)
SELECT version, pg_notify($4::text, $5::text) FROM saved`

	updateSQL = `
WITH saved AS (
	UPDATE {table} SET version = greatest(version + 1, {now}), record = $3::text, updated_at = clock_timestamp()
	WHERE client_id = $1::text AND profile = $2::text AND record IS NOT NULL AND format = 1 AND version = $6::bigint
	RETURNING version)
SELECT version, pg_notify($4::text, $5::text) FROM saved`

	// A few rows that are past remembering go as well, none that anybody is at
	// work on. Their index takes no time that is not fixed, hence now().
	deleteSQL = `
WITH deleted AS (
	UPDATE {table} SET record = NULL, updated_at = clock_timestamp()
	WHERE client_id = $1::text AND profile = $2::text AND record IS NOT NULL
	RETURNING true
), cleared AS (
	DELETE FROM {table} WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM {table}
		WHERE record IS NULL AND updated_at < now() - $5::bigint * interval '1 microsecond'
		AND (lock_until IS NULL OR lock_until < clock_timestamp())
		LIMIT 100 FOR UPDATE SKIP LOCKED)))
SELECT pg_notify($3::text, $4::text) FROM deleted`

	// Whoever finds the lock held writes nothing.
	acquireSQL = `
INSERT INTO {table} AS t (client_id, profile, lock_owner, lock_until)
SELECT $1::text, $2::text, $3::text, clock_timestamp() + $4::bigint * interval '1 microsecond'
WHERE NOT EXISTS (
	SELECT FROM {table}
	WHERE client_id = $1::text AND profile = $2::text AND lock_owner <> $3::text AND lock_until > clock_timestamp())
ON CONFLICT (client_id, profile) DO UPDATE
SET lock_owner = $3::text, lock_until = clock_timestamp() + $4::bigint * interval '1 microsecond',
	updated_at = CASE WHEN t.record IS NULL THEN clock_timestamp() ELSE t.updated_at END -- the index stays as it is
WHERE t.lock_until IS NULL OR t.lock_until <= clock_timestamp() OR t.lock_owner = $3::text`

	extendSQL = `
UPDATE {table} SET lock_until = clock_timestamp() + $4::bigint * interval '1 microsecond'
WHERE client_id = $1::text AND profile = $2::text AND lock_owner = $3::text`

	releaseSQL = `
UPDATE {table} SET lock_owner = NULL, lock_until = NULL
WHERE client_id = $1::text AND profile = $2::text AND lock_owner = $3::text`
)

type statements struct {
	load, list, insert, update, delete, acquire, extend, release string
}

func newStatements(table string) statements {
	replacer := strings.NewReplacer("{table}", table, "{now}", "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
	return statements{
		load:    replacer.Replace(loadSQL),
		list:    replacer.Replace(listSQL),
		insert:  replacer.Replace(insertSQL),
		update:  replacer.Replace(updateSQL),
		delete:  replacer.Replace(deleteSQL),
		acquire: replacer.Replace(acquireSQL),
		extend:  replacer.Replace(extendSQL),
		release: replacer.Replace(releaseSQL),
	}
}
