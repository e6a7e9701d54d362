package pgstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed migrations/*.sql
var migrations embed.FS

// commentPrefix starts the comment of the table, which has the number of
// migrations it has been through.
const commentPrefix = "spotipie authorizations, schema "

// migrationLock is the advisory lock that migrations take, for the length of
// their transaction: "spotipie" in ASCII.
const migrationLock = 0x73706f7469706965

// Migrate makes the table, or brings one that an older version made up to
// date. Any number of processes may call it at once, at every start: if there
// is nothing to do it reads one row and needs no privileges but those. A table
// that a newer version has brought further stays as it is. It fails, and
// changes nothing, if a table of that name is not the store's.
func (s *Store) Migrate(ctx context.Context) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	done, err := s.migrated(ctx, s.pool)
	if err == nil && done < len(files) {
		err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return s.migrate(ctx, tx, files) })
	}
	if err != nil {
		return fmt.Errorf("pgstore: migrating table %s: %w", s.table, clean(err))
	}
	return nil
}

func (s *Store) migrate(ctx context.Context, tx pgx.Tx, files []string) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1::bigint)`, pgx.QueryExecModeExec, int64(migrationLock)); err != nil {
		return err
	}
	done, err := s.migrated(ctx, tx) // again: another process may have been faster
	if err != nil || done >= len(files) {
		return err
	}
	for _, file := range files[done:] {
		sql, err := migrations.ReadFile(file)
		if err != nil {
			return err
		}
		statement := strings.ReplaceAll(string(sql), "{table}", s.table)
		if _, err := tx.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	comment := fmt.Sprintf("COMMENT ON TABLE %s IS '%s%d'", s.table, commentPrefix, len(files))
	_, err = tx.Exec(ctx, comment, pgx.QueryExecModeSimpleProtocol)
	return err
}

type querier interface {
	QueryRow(ctx context.Context, sql string, arguments ...any) pgx.Row
}

// migrated returns how many migrations the table has been through: none if
// there is no table.
func (s *Store) migrated(ctx context.Context, q querier) (int, error) {
	var comment string
	// Reading pg_class has the server look for tables that others have made
	// since the transaction began; to_regclass alone does not.
	err := q.QueryRow(ctx, `
SELECT coalesce(obj_description(oid, 'pg_class'), '') FROM pg_class WHERE oid = to_regclass($1::text)`,
		pgx.QueryExecModeExec, s.table).Scan(&comment)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	number, ours := strings.CutPrefix(comment, commentPrefix)
	done, err := strconv.Atoi(number)
	if !ours || err != nil || done < 1 {
		return 0, errors.New("there is such a table, but its comment does not say that it is this store's: choose another name in Options.Table")
	}
	return done, nil
}
