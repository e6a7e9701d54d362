package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/loads"
)

// SetSilence sets how often the pools are checked.
func (s *Store) SetSilence(d time.Duration) { s.silence = d }

// SendNoNotices makes the store send no notices.
func (s *Store) SendNoNotices() {
	s.notifier.send = func(context.Context, []string) error { return nil }
}

// GatherEachLoad makes each load use the statement for many.
func (s *Store) GatherEachLoad() {
	s.loads = loads.NewGroup(func(ctx context.Context, key spotipie.Key) (spotipie.Record, bool, error) {
		r := s.loadAll(ctx, []spotipie.Key{key})[0]
		return r.Record, r.Found, r.Err
	})
}

// AwaitNotices waits until all notices have been sent.
func (s *Store) AwaitNotices() {
	for {
		s.notifier.mu.Lock()
		running := s.notifier.running
		s.notifier.mu.Unlock()
		if !running {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// InsertLate calls meanwhile before it executes the statement of a first save. It ignores
// the result of the statement.
func (s *Store) InsertLate(ctx context.Context, key spotipie.Key, rec spotipie.Record, meanwhile func()) error {
	now, err := s.read(ctx, key)
	if err != nil {
		return err
	}
	c, err := encode(key, rec)
	if err != nil {
		return err
	}
	meanwhile()
	_, err = s.save(ctx, s.statements.insert, key, now.version, c)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}

// DeleteLate is InsertLate for a deletion.
func (s *Store) DeleteLate(ctx context.Context, key spotipie.Key, meanwhile func()) error {
	now, err := s.read(ctx, key)
	if err != nil {
		return err
	}
	meanwhile()
	return s.exec(ctx, s.statements.delete, key.ClientID, key.Profile, now.version, tombstoneLife.Microseconds())
}

// ExplainPage returns the server's plan for the first page of a query, if no columns need an
// update.
func (s *Store) ExplainPage(ctx context.Context, query spotipie.SummaryQuery) (string, error) {
	statement, arguments := s.pageSQL(query, cursor{Order: order(query)})
	lines, err := collect[struct{ Line string }](ctx, s, "EXPLAIN "+statement, arguments)
	return fmt.Sprint(lines), err
}
