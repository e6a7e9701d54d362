package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/notices"
)

const (
	changesSQL = `
SELECT client_id, profile, version, change FROM records WHERE change > ? ORDER BY change LIMIT 1000`

	latestChangeSQL = `SELECT number FROM changes`
)

const (
	// How often watchers look for changes. If the system reports a write to the
	// log, they look right after it, and then less and less often, since the
	// write takes effect only when it is synced.
	firstLook = time.Millisecond
	lastLook  = 250 * time.Millisecond
)

// anyChange is the hub's name for all changes. The names of keys have quotes.
const anyChange = ""

// errWentBack means that the database counts fewer changes than before.
var errWentBack = errors.New("the database was put back to an older state")

// Watch implements [spotipie.Watcher]. A store looks for changes four times a
// second for all its watchers; on Linux the system reports them at once.
func (s *Store) Watch(ctx context.Context, key spotipie.Key) (<-chan struct{}, error) {
	changes, err := s.hub.Watch(ctx, key.String())
	if err != nil {
		return nil, s.wrap("watching", key, err)
	}
	return changes, nil
}

// WatchChanges implements [spotipie.ChangeWatcher]. A slow receiver gets
// changes later, and only the last one of each key.
func (s *Store) WatchChanges(ctx context.Context) (<-chan spotipie.Change, error) {
	ctx, stop := context.WithCancel(ctx)
	wake, err := s.hub.Watch(ctx, anyChange)
	var last int64
	if err == nil {
		last, err = s.latestChange(ctx)
	}
	if err != nil {
		stop()
		return nil, s.wrapDoing("watching", err)
	}
	changes := make(chan spotipie.Change)
	go func() {
		defer stop()
		defer close(changes)
		for range wake {
			var err error
			last, err = s.pass(ctx, last, changes)
			if err == nil {
				continue
			}
			if !send(ctx, changes, spotipie.Change{}) { // some may have been missed
				return
			}
			if latest, err := s.latestChange(ctx); err == nil {
				last = latest
			}
		}
	}()
	return changes, nil
}

// pass passes on all changes since last.
func (s *Store) pass(ctx context.Context, last int64, changes chan<- spotipie.Change) (int64, error) {
	for {
		page, newest, err := s.changesSince(ctx, last)
		if err != nil || len(page) == 0 {
			return newest, err
		}
		last = newest
		for _, change := range page {
			if !send(ctx, changes, change) {
				return last, ctx.Err()
			}
		}
	}
}

func send(ctx context.Context, changes chan<- spotipie.Change, change spotipie.Change) bool {
	select {
	case changes <- change:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Store) latestChange(ctx context.Context) (number int64, err error) {
	err = s.reading.row(ctx, nil, latestChangeSQL, nil, &number)
	return number, err
}

// changesSince returns the next changes after last, at most a thousand, and the
// number of the last of them.
func (s *Store) changesSince(ctx context.Context, last int64) (page []spotipie.Change, newest int64, err error) {
	if err := s.present(); err != nil {
		return nil, last, err
	}
	latest, err := s.latestChange(ctx)
	switch {
	case err != nil || latest == last:
		return nil, last, err
	case latest < last:
		return nil, last, errWentBack
	}
	newest = last
	err = s.reading.rows(ctx, changesSQL, []any{last}, func(scan func(...any) error) error {
		var change spotipie.Change
		var version int64
		if err := scan(&change.Key.ClientID, &change.Key.Profile, &version, &newest); err != nil {
			return err
		}
		change.Version = uint64(max(version, 0))
		page = append(page, change)
		return nil
	})
	return page, newest, err
}

// listen looks for changes and reports them until ctx ends or the store is
// closed.
func (s *Store) listen(ctx context.Context, ready func(), notify func(name string)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	written, stopWatching := s.watchLog()
	defer stopWatching()
	last, err := s.latestChange(ctx)
	if err != nil {
		return s.listenAgain(err)
	}
	ready()
	timer := time.NewTimer(lastLook)
	defer timer.Stop()
	for wait := lastLook; ; {
		select {
		case <-timer.C:
			wait = min(2*wait, lastLook)
		case <-written:
			wait = firstLook
		case <-s.done:
			return notices.ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
		for more := true; more; {
			page, newest, err := s.changesSince(ctx, last)
			if err != nil {
				return s.listenAgain(err)
			}
			for _, change := range page {
				notify(change.Key.String())
			}
			if more = len(page) > 0; more {
				notify(anyChange)
			}
			last = newest
		}
		timer.Reset(wait)
	}
}

// listenAgain marks the error with ErrClosed if the store is closed, so that
// the hub does not listen again.
func (s *Store) listenAgain(err error) error {
	if s.closed.Load() {
		return fmt.Errorf("%w: %w", notices.ErrClosed, err)
	}
	return err
}
