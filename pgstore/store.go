package pgstore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/lease"
	"github.com/spotipie/spotipie/internal/loads"
	"github.com/spotipie/spotipie/internal/notices"
)

// Defaults of [Options].
const (
	DefaultTable = "spotipie_authorizations"
	DefaultLease = 30 * time.Second
)

const (
	format    = 1       // of the record column
	maxRecord = 1 << 20 // bytes of a record's JSON
	maxName   = 63      // bytes of an identifier in PostgreSQL
	// maxAttempts is how often a statement is tried if the server rolls it
	// back.
	maxAttempts = 20
)

// Options adjust a store. A nil *Options and the zero value mean the defaults
// named here.
type Options struct {
	// Table is the table's name, with its schema before a dot if it is not in
	// the search path. Each has 63 bytes at most. Stores with the same table
	// share their records.
	// Default: [DefaultTable].
	Table string
	// Lease is how long a lock lasts after its holder has died. At least 50 ms.
	// It should be much longer than a healthy process ever pauses. Default:
	// [DefaultLease].
	Lease time.Duration
	// Prepare lets the pool prepare statements as it is configured, which by
	// pgx's default saves the server work. It does not work with a pooler in
	// transaction mode, unless the pooler supports prepared statements.
	// Default: nothing is prepared.
	Prepare bool
	// Listen is a pool whose connections go to the server itself and not
	// through a pooler in transaction mode. While there is a watcher, Watch
	// uses one of its connections. Default: the store's own pool.
	Listen *pgxpool.Pool
}

// Store is a [spotipie.Checker], [spotipie.Watcher], [spotipie.ChangeWatcher]
// and [spotipie.Summarizer] on PostgreSQL. Make one with New. It may be used
// from many goroutines, and any number of stores may share the same table.
type Store struct {
	pool       *pgxpool.Pool
	listenPool *pgxpool.Pool
	table      string // quoted
	lease      time.Duration
	prepare    bool
	statements statements
	silence    time.Duration
	locks      *lease.Locks
	gatherer   *loads.Gatherer
	loads      *loads.Group
	hub        *notices.Hub
	notifier   *notifier
	connected  atomic.Int64 // when the pool was last told to connect anew
}

// New returns a store that uses pool. The caller closes the pool when nothing
// uses the store any longer. New does not connect. It fails for a lease that is
// too short and an invalid table name.
func New(pool *pgxpool.Pool, opts *Options) (*Store, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	o.Table = cmp.Or(o.Table, DefaultTable)
	o.Lease = cmp.Or(o.Lease, DefaultLease)
	if pool == nil {
		return nil, errors.New("pgstore: the pool is nil")
	}
	if o.Listen == nil {
		o.Listen = pool
	}
	if o.Lease < lease.MinLength {
		return nil, fmt.Errorf("pgstore: Options.Lease is %s, less than %s", o.Lease, lease.MinLength)
	}
	name := pgx.Identifier(strings.Split(o.Table, "."))
	for _, part := range name {
		if part == "" || len(name) > 2 {
			return nil, fmt.Errorf("pgstore: Options.Table: %q is neither a table nor schema.table", o.Table)
		}
		if len(part) > maxName { // PostgreSQL would cut it off
			return nil, fmt.Errorf("pgstore: Options.Table: %q is longer than %d bytes", part, maxName)
		}
	}
	s := &Store{pool: pool, listenPool: o.Listen, table: name.Sanitize(), lease: o.Lease, prepare: o.Prepare}
	s.statements = newStatements(s.table)
	s.silence = silence
	s.hub = notices.NewHub(s.listen)
	s.notifier = &notifier{send: s.sendNotices}
	s.locks = lease.NewLocks(leases{s}, o.Lease)
	s.gatherer = loads.NewGatherer(s.load, s.loadAll, min(maxLoads, int(pool.Stat().MaxConns())))
	s.loads = loads.NewGroup(s.gather)
	return s, nil
}

// maxTries is how often a write starts again because another process wrote
// between its look and its write.
const maxTries = 20

// contents are the columns of a record.
type contents struct {
	record       string // JSON
	authorizedAt *time.Time
	rejected     bool
	floor        uint64 // the lowest version that the new one may follow on
}

// encode returns the columns of a record.
func encode(key spotipie.Key, rec spotipie.Record) (contents, error) {
	c := contents{rejected: rec.Rejected != "", floor: rec.Version}
	if !rec.AuthorizedAt.IsZero() {
		c.authorizedAt = &rec.AuthorizedAt
	}
	rec.Version = 0
	data, err := json.Marshal(rec)
	if err != nil {
		return c, fmt.Errorf("pgstore: encoding the record of %s: %w", key, err)
	}
	c.record = string(data)
	return c, nil
}

// Swap implements [spotipie.Store].
func (s *Store) Swap(ctx context.Context, key spotipie.Key, version uint64, rec spotipie.Record) (uint64, error) {
	c, err := encode(key, rec)
	switch {
	case err != nil:
		return 0, err
	case len(c.record) > maxRecord:
		return 0, s.wrap("saving", key, fmt.Errorf("the record has %d bytes as JSON, and the store accepts at most %d", len(c.record), maxRecord))
	case c.floor >= math.MaxInt64:
		return 0, s.wrap("saving", key, fmt.Errorf("no version can follow %d", c.floor))
	}
	if version == 0 {
		return s.swapNew(ctx, key, c)
	}
	// As an int64, an impossible version becomes one that does not exist.
	saved, err := s.save(ctx, s.statements.update, key, int64(version), c)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, s.conflict(ctx, key)
	}
	return saved, err
}

// swapNew saves a new record. It first looks what is there, so that the write
// does not replace anything newer, however late it arrives.
func (s *Store) swapNew(ctx context.Context, key spotipie.Key, c contents) (uint64, error) {
	for range maxTries {
		now, err := s.read(ctx, key)
		switch {
		case err != nil:
			return 0, err
		case now.record != nil:
			return 0, s.conflict(ctx, key)
		}
		saved, err := s.save(ctx, s.statements.insert, key, now.version, c)
		if !errors.Is(err, pgx.ErrNoRows) {
			return saved, err
		}
	}
	return 0, s.conflict(ctx, key)
}

// save runs a statement that saves a record over a version.
func (s *Store) save(ctx context.Context, statement string, key spotipie.Key, over int64, c contents) (uint64, error) {
	var saved int64
	arguments := []any{key.ClientID, key.Profile, c.record, over, int64(c.floor), c.authorizedAt, c.rejected}
	err := s.queryRow(ctx, statement, arguments, &saved)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, err
	}
	if err != nil {
		return 0, s.wrap("saving", key, err)
	}
	s.notifier.changed(key, saved)
	return uint64(saved), nil
}

// conflict returns why a record was not saved.
func (s *Store) conflict(ctx context.Context, key spotipie.Key) error {
	var mismatch *spotipie.RecordMismatchError
	if _, _, err := s.load(ctx, key); errors.As(err, &mismatch) {
		return err
	}
	return s.wrap("saving", key, spotipie.ErrVersionConflict)
}

// Delete implements [spotipie.Store]. It also removes a record of another
// format, which Load refuses.
func (s *Store) Delete(ctx context.Context, key spotipie.Key) error {
	return s.deleteIf(ctx, key, func(row) bool { return true })
}

// DeleteVersion implements [spotipie.VersionDeleter].
func (s *Store) DeleteVersion(ctx context.Context, key spotipie.Key, version uint64) error {
	return s.deleteIf(ctx, key, func(now row) bool {
		if now.record == nil {
			return version == 0
		}
		return uint64(max(now.version, 0)) == version
	})
}

// deleteIf deletes what isWanted.
func (s *Store) deleteIf(ctx context.Context, key spotipie.Key, isWanted func(row) bool) error {
	for range maxTries {
		now, err := s.read(ctx, key)
		if err != nil {
			return err
		}
		if !isWanted(now) {
			return s.wrap("deleting", key, spotipie.ErrVersionConflict)
		}
		var version int64
		arguments := []any{key.ClientID, key.Profile, now.version, tombstoneLife.Microseconds()}
		err = s.queryRow(ctx, s.statements.delete, arguments, &version)
		switch {
		case err == nil:
			s.notifier.changed(key, version)
			return nil
		case !errors.Is(err, pgx.ErrNoRows):
			return s.wrap("deleting", key, err)
		}
	}
	return s.wrap("deleting", key, errors.New("other processes keep saving it"))
}

// List implements [spotipie.Store].
func (s *Store) List(ctx context.Context) ([]spotipie.Key, error) {
	keys, err := collect[spotipie.Key](ctx, s, s.statements.list, nil)
	if err != nil {
		return nil, fmt.Errorf("pgstore: listing table %s: %w", s.table, advised(err))
	}
	return keys, nil
}

// again runs a statement once more if the server has rolled it back because of
// an isolation level stricter than READ COMMITTED, or to end a deadlock.
func (s *Store) again(run func() error) error {
	for attempt := 1; ; attempt++ {
		err := run()
		switch {
		case hasCode(err, "40001", "40P01") && attempt < maxAttempts:
			continue
		case hasCode(err, codeReadOnly):
			s.connectAnew()
		}
		return err
	}
}

// codeReadOnly is the answer to a write of a replica, and of a server whose
// transactions are read-only.
const codeReadOnly = "25006"

// codeNoTable is the answer to a statement on a table that does not exist.
const codeNoTable = "42P01"

func hasCode(err error, codes ...string) bool {
	if err == nil {
		return false
	}
	var answer *pgconn.PgError
	return errors.As(err, &answer) && slices.Contains(codes, answer.Code)
}

// inMode makes a statement run in one round trip without leaving a prepared
// statement behind, unless Prepare is set.
func (s *Store) inMode(arguments []any) []any {
	if s.prepare {
		return arguments
	}
	return append([]any{pgx.QueryExecModeExec}, arguments...)
}

// wrap adds to an error what was being done, and with which table and key.
func (s *Store) wrap(doing string, key spotipie.Key, err error) error {
	return fmt.Errorf("pgstore: %s %s in table %s: %w", doing, key, s.table, advised(err))
}

// advised is clean, and adds what to do if the server's answer does not say it.
func advised(err error) error {
	switch err = clean(err); {
	case hasCode(err, codeReadOnly):
		return fmt.Errorf("%w: if this is a replica, name the primary, or all hosts and target_session_attrs=read-write", err)
	case hasCode(err, codeNoTable):
		return fmt.Errorf("%w: call Migrate once, or let an administrator run the statements of Schema", err)
	}
	return err
}

// clean removes from the server's error what may quote a row, and so a token.
func clean(err error) error {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		answer.Detail, answer.Where, answer.InternalQuery = "", "", ""
	}
	return err
}

func (s *Store) mismatch(key spotipie.Key, reason string) error {
	return &spotipie.RecordMismatchError{Key: key, Reason: fmt.Sprintf(
		"pgstore: the record in table %s %s: update the older program, or delete the record and authorize again",
		s.table, reason)}
}
