package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
)

// The statements on records.
const (
	loadSQL = `SELECT format, version, record FROM records WHERE client_id = ? AND profile = ?`

	listSQL = `SELECT client_id, profile FROM records WHERE record IS NOT NULL`

	countSQL = `UPDATE changes SET number = number + 1`

	replaceSQL = `
INSERT INTO records (client_id, profile, format, version, record, consented_at, refused, saved_at, change)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, (SELECT number FROM changes))
ON CONFLICT (client_id, profile) DO UPDATE SET
	format = excluded.format, version = excluded.version, record = excluded.record, consented_at = excluded.consented_at,
	refused = excluded.refused, saved_at = excluded.saved_at, change = excluded.change`

	forgetSQL = `
DELETE FROM records WHERE id IN (
	SELECT id FROM records WHERE record IS NULL AND saved_at < ? AND NOT (client_id = ? AND profile = ?) LIMIT 100)`

	trySQL = `
INSERT OR REPLACE INTO trial VALUES (1, randomblob(max(?, coalesce(
	(SELECT length(record) FROM records WHERE client_id = ? AND profile = ?), 0))))`
)

func readStatements() []string {
	statements := []string{loadSQL, listSQL, seeLockSQL, changesSQL, latestChangeSQL, consentPageSQL}
	for _, page := range []string{pageSQL, pageOfAppSQL, refusedPageSQL} {
		statements = append(statements, page, firstPage(page))
	}
	return statements
}

func saveStatements() []string { return []string{loadSQL, countSQL, replaceSQL, forgetSQL, trySQL} }

func lockStatements() []string {
	return []string{seeLockSQL, takeLockSQL, extendLockSQL, removeLockSQL}
}

// database is connections of one kind, and the statements that they run.
type database struct {
	*sql.DB
	prepared map[string]*sql.Stmt
}

func (s *Store) newDatabase(ctx context.Context, connections int, pragmas string, statements []string) (*database, error) {
	db, err := s.connect(connections, pragmas)
	if err != nil {
		return nil, err
	}
	d := &database{DB: db, prepared: make(map[string]*sql.Stmt)}
	for _, statement := range statements {
		if d.prepared[statement], err = db.PrepareContext(ctx, statement); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return d, nil
}

// statement returns a statement, in a transaction if there is one.
func (d *database) statement(ctx context.Context, tx *sql.Tx, query string) *sql.Stmt {
	if tx == nil {
		return d.prepared[query]
	}
	return tx.StmtContext(ctx, d.prepared[query])
}

func (d *database) row(ctx context.Context, tx *sql.Tx, query string, arguments []any, results ...any) error {
	return ended(ctx, d.statement(ctx, tx, query).QueryRowContext(ctx, arguments...).Scan(results...))
}

func (d *database) exec(ctx context.Context, tx *sql.Tx, query string, arguments ...any) error {
	_, err := d.affects(ctx, tx, query, arguments...)
	return err
}

func (d *database) affects(ctx context.Context, tx *sql.Tx, query string, arguments ...any) (bool, error) {
	result, err := d.statement(ctx, tx, query).ExecContext(ctx, arguments...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// rows calls each for every row that a statement returns.
func (d *database) rows(ctx context.Context, query string, arguments []any, each func(scan func(...any) error) error) error {
	rows, err := d.prepared[query].QueryContext(ctx, arguments...)
	if err != nil {
		return ended(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return ended(ctx, rows.Err())
}

// change runs a function in a transaction, which waits until no other process
// writes. If the disk is full, it writes the log back into the database, which
// frees room in the log, and tries again.
func (d *database) change(ctx context.Context, s *Store, do func(tx *sql.Tx) error) error {
	err := withCause(s.path, ended(ctx, d.changeOnce(ctx, s, do)))
	if !isFull(err) {
		return err
	}
	if _, emptyErr := d.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`); emptyErr != nil {
		return err
	}
	return ended(ctx, d.changeOnce(ctx, s, do))
}

func (d *database) changeOnce(ctx context.Context, s *Store, do func(tx *sql.Tx) error) error {
	if err := s.present(); err != nil {
		return err
	}
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	if err := do(tx); err != nil {
		return err
	}
	if err := s.present(); err != nil {
		return err
	}
	return tx.Commit()
}
