package sqlitestore

import (
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"
)

const (
	// applicationID marks the file's header as this package's: "spot" in ASCII.
	applicationID = 0x73706f74
	// schemaNumber is the number of the schema below. It changes whenever an
	// older version of this package could not use the tables of a newer one.
	schemaNumber = 1
	pageSize     = 4096
	// format is the format number of the record column.
	format = 1
)

// A row without a record stands for a deletion and has its version. Times are
// microseconds since 1970. change counts all saves and deletions of the
// database, so that watchers find those that they have not seen.
//
// A row of locks exists while somebody has the lock or waits for it. beat
// changes when the holder extends its lease. If beat has not changed for the
// time in length, waiters regard the lease as ended.
//
// The only row of trial is what Check or Open has written last.
const schemaSQL = `
CREATE TABLE records (
	id           INTEGER PRIMARY KEY,
	client_id    TEXT    NOT NULL,
	profile      TEXT    NOT NULL,
	format       INTEGER NOT NULL,
	version      INTEGER NOT NULL,
	record       TEXT,              -- JSON; NULL: deleted
	consented_at INTEGER,           -- NULL: not known
	refused      INTEGER NOT NULL,  -- 1: its refresh token, for good
	saved_at     INTEGER NOT NULL,  -- or deleted at
	change       INTEGER NOT NULL,
	UNIQUE (client_id, profile)
) STRICT;
CREATE UNIQUE INDEX records_by_change ON records (change);
CREATE INDEX records_by_consent ON records (consented_at, id) WHERE consented_at IS NOT NULL;
CREATE INDEX records_refused ON records (client_id, profile) WHERE refused = 1;
CREATE INDEX deletions ON records (saved_at) WHERE record IS NULL;

CREATE TABLE changes (number INTEGER NOT NULL) STRICT;
INSERT INTO changes VALUES (0);

CREATE TABLE locks (
	client_id  TEXT    NOT NULL,
	profile    TEXT    NOT NULL,
	owner      TEXT    NOT NULL,  -- '': nobody
	beat       INTEGER NOT NULL,
	length     INTEGER NOT NULL,  -- of the lease, in microseconds
	last_owner TEXT    NOT NULL,
	next_owner TEXT    NOT NULL,  -- who waits
	next_until INTEGER NOT NULL,
	PRIMARY KEY (client_id, profile)
) STRICT, WITHOUT ROWID;

CREATE TABLE trial (id INTEGER PRIMARY KEY, data BLOB) STRICT;
`

// makeSchema makes the tables in a database that is new.
func makeSchema(c *sqlite3.Conn) error {
	return c.Exec(fmt.Sprintf(`
PRAGMA page_size = %d;
PRAGMA journal_mode = wal;
PRAGMA synchronous = full;
BEGIN IMMEDIATE;
%s
PRAGMA application_id = %d;
PRAGMA user_version = %d;
COMMIT;`, pageSize, schemaSQL, applicationID, schemaNumber))
}

// checkSchema fails unless a database is this package's and has a schema that
// it knows. It only reads.
func checkSchema(c *sqlite3.Conn, path string) error {
	application, err := number(c, `PRAGMA application_id`)
	if err != nil {
		return err
	}
	if application != applicationID {
		return &DatabaseError{
			Path: path, Problem: "is the database of another program", Err: ErrForeign,
			Advice: "nothing was changed; choose another file for the store",
		}
	}
	schema, err := number(c, `PRAGMA user_version`)
	if err != nil {
		return err
	}
	if schema > schemaNumber {
		return &DatabaseError{
			Path: path, Err: ErrNewerSchema,
			Problem: fmt.Sprintf("has schema %d, and this program knows schema %d", schema, schemaNumber),
			Advice:  "nothing was changed; update the program",
		}
	}
	tables, err := number(c, `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('records', 'changes', 'locks', 'trial')`)
	if err != nil {
		return err
	}
	more, err := number(c, `SELECT count(*) FROM sqlite_schema WHERE type IN ('trigger', 'view')`)
	if err != nil {
		return err
	}
	if schema != schemaNumber || tables != 4 || more != 0 {
		return damaged(path, "lacks tables of this store, or has others", nil)
	}
	return nil
}

// number returns the single number that a statement returns.
func number(c *sqlite3.Conn, query string) (n int64, err error) {
	statement, _, err := c.Prepare(query)
	if err != nil {
		return 0, err
	}
	if statement.Step() {
		n = statement.ColumnInt64(0)
	}
	return n, errors.Join(statement.Err(), statement.Close())
}
