package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3/driver"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/sqlitestore"
)

// measureSQLite compares the store with a simple table, with the same driver
// and the same guarantees after a crash.
func measureSQLite(ctx context.Context, s settings) (rows []row, err error) {
	dir, err := os.MkdirTemp("", "spotipie-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	store, err := sqlitestore.Open(ctx, filepath.Join(dir, "store", "store.db"), nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	rec := newRecord()
	if _, err := store.Swap(ctx, recordKey(), 0, rec); err != nil {
		return nil, err
	}
	plain, err := newRawTable(ctx, filepath.Join(dir, "raw.db"), rec)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, plain.Close()) }()
	load, err := compare(s, func(b *testing.B) { loadRecord(b.Context(), b, store) }, func(b *testing.B) {
		for b.Loop() {
			orFatal(b, plain.read(b.Context()))
		}
	})
	if err != nil {
		return nil, err
	}
	save, err := compare(s, func(b *testing.B) { saveRecord(b, store) }, func(b *testing.B) {
		for b.Loop() {
			orFatal(b, plain.save(b.Context()))
		}
	})
	if err != nil {
		return nil, err
	}
	loading := newRow("Store, load from SQLite", "ns", load).ratioAtMost(1.5)
	loading.Note = "raw: a prepared SELECT of version and record, and json.Unmarshal of the record. The store looks whether the file is still there besides."
	saving := newRow("Store, save to SQLite", "ns", save).ratioAtMost(1.5)
	saving.Note = "raw: a prepared UPDATE … WHERE version = …, in WAL mode with synchronous = FULL. " +
		"The store keeps five indexes and a count of changes, and says why it does not save."
	return []row{loading, saving}, nil
}

// rawTable does what a program without the store would do to keep a record in SQLite.
type rawTable struct {
	*sql.DB
	selecting, updating *sql.Stmt
	data                string
	version             int64
}

func newRawTable(ctx context.Context, path string, rec spotipie.Record) (*rawTable, error) {
	data, err := json.Marshal(rec)
	if err != nil {
		return nil, err
	}
	db, err := driver.Open("file:" + path + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	if err != nil {
		return nil, err
	}
	t := &rawTable{DB: db, data: string(data), version: 1}
	_, err = db.ExecContext(ctx, `CREATE TABLE records (profile TEXT PRIMARY KEY, version INTEGER, record TEXT)`)
	if err == nil {
		_, err = db.ExecContext(ctx, `INSERT INTO records VALUES ('ada', 1, ?)`, t.data)
	}
	if err == nil {
		t.selecting, err = db.PrepareContext(ctx, `SELECT version, record FROM records WHERE profile = 'ada'`)
	}
	if err == nil {
		t.updating, err = db.PrepareContext(ctx, `UPDATE records SET version = version + 1, record = ? WHERE profile = 'ada' AND version = ?`)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return t, nil
}

func (t *rawTable) read(ctx context.Context) error {
	var version int64
	var record string
	if err := t.selecting.QueryRowContext(ctx).Scan(&version, &record); err != nil {
		return err
	}
	return json.Unmarshal([]byte(record), new(spotipie.Record))
}

func (t *rawTable) save(ctx context.Context) error {
	result, err := t.updating.ExecContext(ctx, t.data, t.version)
	if err != nil {
		return err
	}
	t.version++
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(fmt.Errorf("%d rows were updated", n), err)
	}
	return nil
}
