package pgstore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/puddle/v2"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/notices"
)

const (
	// probeTimeout is how long a notice from the store to itself may take.
	probeTimeout = 5 * time.Second
	// silence is how long a connection may be silent before the store tests it
	// with a notice to itself, which must arrive within probeTimeout, and how
	// often the pools are tested.
	silence = 5 * time.Second
	// closeTimeout limits closing the connection to the server.
	closeTimeout = time.Second
)

var errNoNotices = errors.New("LISTEN has no effect: the connection seems to go through a pooler in transaction mode; set Options.Listen to a pool that goes to the server")

// channelSQL names the channel of the store's notices, by the table's oid and
// not its name, which can be written in several ways.
const channelSQL = `'spotipie_' || (SELECT oid FROM pg_class WHERE oid = to_regclass({name}))`

// notice names a key in notifications, which have little room.
func notice(key spotipie.Key) string {
	sum := sha256.Sum256([]byte(key.String()))
	return hex.EncodeToString(sum[:16])
}

// releasedNotice is what the channel says when a lock is released that somebody
// waits for.
func releasedNotice(key spotipie.Key) string { return "released " + notice(key) }

// Watch implements [spotipie.Watcher]. All watchers share one connection. When
// it fails, the store connects again, and all watchers get a value, since
// notices may have been lost. Watch fails if notices do not arrive; see
// [Options.Listen]. The channels are closed some seconds after the pool.
func (s *Store) Watch(ctx context.Context, key spotipie.Key) (<-chan struct{}, error) {
	changes, err := s.hub.Watch(ctx, notice(key))
	if err != nil {
		return nil, s.wrap("watching", key, err)
	}
	return changes, nil
}

// WatchChanges implements [spotipie.ChangeWatcher]. It shares the connection of
// all watchers, and ends as they do. It does not report changes by older
// versions of this package, nor changes of keys that are longer than some
// thousand characters: their notices do not have the key.
func (s *Store) WatchChanges(ctx context.Context) (<-chan spotipie.Change, error) {
	changes, err := s.hub.WatchAll(ctx)
	if err != nil {
		return nil, fmt.Errorf("pgstore: watching table %s: %w", s.table, clean(err))
	}
	return changes, nil
}

// maxPayload is less than PostgreSQL takes in a notification.
const maxPayload = 7500

// changeNotice returns a notice with the hash of a key, its version, and the
// key itself. It has no comma. It is empty if it would be too long.
func changeNotice(key spotipie.Key, version int64) []string {
	text := fmt.Sprintf("%s %d %s:%s", notice(key), version, url.QueryEscape(key.ClientID), url.QueryEscape(key.Profile))
	if len(text) > maxPayload {
		return nil
	}
	return []string{text}
}

// parseChangeNotice is the reverse of changeNotice.
func parseChangeNotice(text string) (change spotipie.Change, ok bool) {
	fields := strings.Split(text, " ")
	if len(fields) != 3 {
		return change, false
	}
	version, err := strconv.ParseInt(fields[1], 10, 64)
	id, profile, hasColon := strings.Cut(fields[2], ":")
	var err1, err2 error
	change.Key.ClientID, err1 = url.QueryUnescape(id)
	change.Key.Profile, err2 = url.QueryUnescape(profile)
	change.Version = uint64(max(version, 0))
	return change, hasColon && errors.Join(err, err1, err2) == nil && notice(change.Key) == fields[0]
}

// reader interprets notifications, in order.
type reader struct {
	hub    *notices.Hub
	notify func(notice string)
	last   string // the notice of the key that the last one was about
}

// read passes a notification on. It ignores the notice with only the hash of a
// key after the one with the version, since that is for older versions of this
// package.
func (r *reader) read(payload string) {
	last := r.last
	r.last = ""
	if payload == last {
		return
	}
	change, ok := parseChangeNotice(payload)
	if !ok {
		r.notify(payload)
		return
	}
	r.last = notice(change.Key)
	r.notify(r.last)
	r.hub.Changed(change)
}

// listen listens and passes notices on until ctx ends, the connection fails or
// a pool is closed.
func (s *Store) listen(ctx context.Context, ready func(), notify func(notice string)) error {
	open, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go s.stopWhenClosed(open, stop)
	err := s.listenOnce(open, ready, notify)
	if cause := context.Cause(open); errors.Is(cause, puddle.ErrClosedPool) {
		err = cause
	}
	if errors.Is(err, puddle.ErrClosedPool) {
		return fmt.Errorf("%w: %w", notices.ErrClosed, err)
	}
	return err
}

// stopWhenClosed asks the pools, because a connection taken out of one for good
// outlives it.
func (s *Store) stopWhenClosed(ctx context.Context, stop context.CancelCauseFunc) {
	ticker := time.NewTicker(s.silence)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		for _, pool := range []*pgxpool.Pool{s.pool, s.listenPool} {
			wait, cancel := context.WithTimeout(ctx, probeTimeout)
			conn, err := pool.Acquire(wait)
			cancel()
			if err == nil {
				conn.Release()
			} else if errors.Is(err, puddle.ErrClosedPool) {
				stop(err)
				return
			}
		}
	}
}

func (s *Store) listenOnce(ctx context.Context, ready func(), notify func(notice string)) error {
	pooled, err := s.listenPool.Acquire(ctx)
	if err != nil {
		return err
	}
	conn := pooled.Hijack()
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	var channel *string
	if err := conn.QueryRow(ctx, `SELECT `+s.statements.channel, pgx.QueryExecModeSimpleProtocol).Scan(&channel); err != nil {
		return err
	}
	if channel == nil {
		return fmt.Errorf("table %s does not exist in the database of the pool of Options.Listen", s.table)
	}
	listen := "LISTEN " + pgx.Identifier{*channel}.Sanitize()
	if _, err := conn.Exec(ctx, listen, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	if err := s.probe(ctx, conn); err != nil {
		return err
	}
	ready()
	incoming := reader{hub: s.hub, notify: notify}
	for {
		wait, cancel := context.WithTimeout(ctx, s.silence)
		notification, err := conn.WaitForNotification(wait)
		overdue := wait.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			incoming.read(notification.Payload)
		case overdue && !conn.IsClosed():
			ping, cancel := context.WithTimeout(ctx, probeTimeout)
			err := conn.Ping(ping)
			cancel()
			if err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// probe sends a notice through the store's own pool and waits for it on conn.
func (s *Store) probe(ctx context.Context, conn *pgx.Conn) error {
	word := rand.Text()
	if err := s.sendNotices(ctx, []string{word}); err != nil {
		return fmt.Errorf("notifying: %w", err)
	}
	wait, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	for {
		notification, err := conn.WaitForNotification(wait)
		switch {
		case err != nil && wait.Err() != nil && ctx.Err() == nil:
			return errNoNotices
		case err != nil:
			return err
		case notification.Payload == word:
			return nil
		}
	}
}
