package pgstore

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Each migration may be run again.
//
//go:embed migrations/*.sql
var migrations embed.FS

// commentPrefix starts the comment of the table, which has the number of
// migrations it has been through.
const commentPrefix = "spotipie authorizations, schema "

// migrationLock is the advisory lock that migrations take, for the length of
// their transaction: "spotipie" in ASCII.
const migrationLock = 0x73706f7469706965

// Migrate makes the table, or updates one that an older version has made. Any
// number of processes may call it at the same time, at every start: if there is
// nothing to do, it reads one row and needs no other privilege. It does not
// change a table that a newer version has updated. If a table of that name is
// not the store's, it fails and changes nothing. If the program may not create
// tables, give the statements of [Store.Schema] to an administrator.
func (s *Store) Migrate(ctx context.Context) error {
	files, err := migrationFiles()
	if err != nil {
		return err
	}
	done, err := s.migrated(ctx)
	if err == nil && done < len(files) {
		err = s.migrate(ctx, done)
	}
	if err != nil {
		return fmt.Errorf("pgstore: migrating table %s: %w", s.table, clean(err))
	}
	return nil
}

// migrate sends all statements at once. This makes them one transaction, even
// through a pooler that sends each request to another connection. If two
// processes migrate, the second one finds everything done.
func (s *Store) migrate(ctx context.Context, done int) error {
	text, err := s.schema(done)
	if err != nil {
		return err
	}
	lock := fmt.Sprintf("SELECT pg_advisory_xact_lock(%d);\n", int64(migrationLock))
	_, err = s.pool.Exec(ctx, lock+text, pgx.QueryExecModeSimpleProtocol)
	return err
}

// Schema returns the statements that make the table, or update one that an
// older version has made, for a database in which the program itself may not do
// that. Run them in one transaction; they may be run again. Migrate has nothing
// to do afterwards.
func (s *Store) Schema() string {
	text, err := s.schema(0)
	if err != nil {
		panic(err) // the files are part of the program
	}
	return text
}

// Grants returns the statements that give a role the rights that the store
// needs, and no others. The table must exist.
func (s *Store) Grants(role string) string {
	role = pgx.Identifier{role}.Sanitize()
	text := fmt.Sprintf("GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %s;\n", s.table, role)
	if schema, _, named := strings.Cut(s.table, `"."`); named {
		text = fmt.Sprintf("GRANT USAGE ON SCHEMA %s\" TO %s;\n", schema, role) + text
	}
	return text
}

// schema returns the statements of the migrations after the first ones.
func (s *Store) schema(done int) (string, error) {
	files, err := migrationFiles()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(s.table))
	index := func(name string) string { return `"spotipie_` + name + `_` + hex.EncodeToString(sum[:8]) + `"` }
	names := strings.NewReplacer("{table}", s.table, "{index}", index("deleted"),
		"{authorized}", index("authorized"), "{rejected}", index("rejected"), "{unsummarized}", index("unsummarized"))
	var b strings.Builder
	for _, file := range files[done:] {
		sql, err := migrations.ReadFile(file)
		if err != nil {
			return "", err
		}
		b.WriteString(names.Replace(string(sql)))
	}
	fmt.Fprintf(&b, "COMMENT ON TABLE %s IS '%s%d';\n", s.table, commentPrefix, len(files))
	return b.String(), nil
}

func migrationFiles() ([]string, error) { return fs.Glob(migrations, "migrations/*.sql") }

// migrated returns how many migrations the table has been through: none if
// there is no table. The table's comment has the number; if a dump has left it
// out, the columns show it.
func (s *Store) migrated(ctx context.Context) (int, error) {
	var comment *string
	var columns []string
	var indexes int // with a condition
	// Reading pg_class makes the server look for tables that others have made
	// since the transaction began; to_regclass alone does not.
	err := s.queryRow(ctx, `
SELECT obj_description(c.oid, 'pg_class'),
	(SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
	(SELECT count(*) FROM pg_index WHERE indrelid = c.oid AND indpred IS NOT NULL)
FROM pg_class c WHERE c.oid = to_regclass($1::text)`, []any{s.table}, &comment, &columns, &indexes)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if comment == nil {
		if done := migratedAsSeen(columns, indexes); done > 0 {
			return done, nil
		}
	} else if number, ours := strings.CutPrefix(*comment, commentPrefix); ours {
		if done, err := strconv.Atoi(number); err == nil && done > 0 {
			return done, nil
		}
	}
	return 0, errors.New("this table belongs to another program: choose another name in Options.Table")
}

// migratedAsSeen returns how many migrations a table has been through, and 0 if
// it is another one.
func migratedAsSeen(columns []string, indexes int) int {
	has := make(map[string]bool)
	for _, column := range columns {
		has[column] = true
	}
	for _, column := range []string{"client_id", "profile", "format", "version", "record", "lock_owner", "lock_until", "updated_at"} {
		if !has[column] {
			return 0
		}
	}
	done := 1
	for _, migration := range []struct {
		columns []string
		indexes int // of this one and those before
	}{
		{nil, 1},
		{[]string{"last_owner", "next_owner", "next_until"}, 1},
		{[]string{"authorized_at", "rejected", "summarized"}, 4},
	} {
		lacks := func(column string) bool { return !has[column] }
		if slices.ContainsFunc(migration.columns, lacks) || indexes < migration.indexes {
			break
		}
		done++
	}
	return done
}
