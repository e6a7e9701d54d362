package pgstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/loads"
)

// maxLoads is how many statements load at the same time before further loads are
// gathered into one. With fewer connections than that, it is their number.
const maxLoads = 4

// The answers to a key that is not UTF-8, and to one with characters that the database's
// encoding does not have.
const (
	codeNotInRepertoire = "22021"
	codeUntranslatable  = "22P05"
)

// Load implements [spotipie.Store]. Loads of one key at the same time share a
// statement, and so do loads of many keys while others are under way. A load
// that takes longer than ten seconds fails.
func (s *Store) Load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	rec, found, err := s.loads.Load(ctx, key)
	if err != nil && errors.Is(err, ctx.Err()) {
		err = s.wrap("loading", key, err)
	}
	return rec, found, err
}

// gather is Load without sharing the loads of one key.
func (s *Store) gather(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	load := s.gatherer.Load
	if strings.Contains(key.ClientID, "\x00") || strings.Contains(key.Profile, "\x00") {
		load = s.load // the statement fails, and in the simple protocol not with a code of its own
	}
	rec, found, err := load(ctx, key)
	if err != nil && err == ctx.Err() {
		err = s.wrap("loading", key, err)
	}
	return rec, found, err
}

// load loads a record with a statement of its own.
func (s *Store) load(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
	row, err := s.read(ctx, key)
	if err != nil {
		return spotipie.Record{}, false, err
	}
	return s.decode(key, row)
}

// loadAll loads records with one statement.
func (s *Store) loadAll(ctx context.Context, keys []spotipie.Key) []loads.Result {
	rows, err := s.readAll(ctx, keys)
	isKeyAtFault := hasCode(err, codeNotInRepertoire, codeUntranslatable)
	results := make([]loads.Result, len(keys))
	for i, key := range keys {
		r := &results[i]
		switch {
		case isKeyAtFault:
			r.Record, r.Found, r.Err = s.load(ctx, key)
		case err != nil:
			r.Err = s.wrap("loading", key, err)
		default:
			r.Record, r.Found, r.Err = s.decode(key, rows[i])
		}
	}
	return results
}

// row is what the table has for a key.
type row struct {
	format  int64
	version int64  // of the record or the deletion; 0 if there is neither
	record  []byte // JSON; nil if there is none
}

func (s *Store) read(ctx context.Context, key spotipie.Key) (r row, err error) {
	err = s.queryRow(ctx, s.statements.load, []any{key.ClientID, key.Profile}, &r.format, &r.version, &r.record)
	if errors.Is(err, pgx.ErrNoRows) {
		return row{}, nil
	}
	if err != nil {
		return row{}, s.wrap("loading", key, err)
	}
	return r, nil
}

// readAll returns a row for each key.
func (s *Store) readAll(ctx context.Context, keys []spotipie.Key) ([]row, error) {
	clients, profiles := make([]string, len(keys)), make([]string, len(keys))
	for i, key := range keys {
		clients[i], profiles[i] = key.ClientID, key.Profile
	}
	all := make([]row, len(keys))
	err := s.again(func() error {
		clear(all)
		return s.use(ctx, func(conn *pgxpool.Conn) error {
			ctx, cancel := context.WithTimeout(ctx, statementTimeout)
			defer cancel()
			found, err := conn.Query(ctx, s.statements.loadAll, s.inMode([]any{clients, profiles, maxRecord})...)
			if err != nil {
				return err
			}
			var n int64
			var r row
			_, err = pgx.ForEachRow(found, []any{&n, &r.format, &r.version, &r.record}, func() error {
				all[n-1] = r
				return nil
			})
			return err
		})
	})
	return all, err
}

// decode returns the record of a row.
func (s *Store) decode(key spotipie.Key, row row) (rec spotipie.Record, found bool, err error) {
	switch {
	case row.record == nil:
		return spotipie.Record{Version: uint64(max(row.version, 0))}, false, nil
	case row.format != format:
		return rec, false, s.mismatch(key, fmt.Sprintf("has format %d, and this program knows format %d", row.format, format))
	case row.version <= 0:
		return rec, false, s.mismatch(key, "has an invalid version")
	case len(row.record) > maxRecord || json.Unmarshal(row.record, &rec) != nil:
		return spotipie.Record{}, false, s.mismatch(key, "is not a record in JSON")
	}
	rec.Version = uint64(row.version)
	return rec, true, nil
}
