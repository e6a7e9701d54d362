package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// statementTimeout limits a statement on one record. When the server hangs, the
	// next attempt may be made on another one.
	statementTimeout = 5 * time.Second
	// hangTimeout is how long a server may take to confirm that it has given up a
	// statement, and a connection to answer before it is used.
	hangTimeout = time.Second
)

// queryRow, exec and affects run a statement on one record.

func (s *Store) queryRow(ctx context.Context, statement string, arguments []any, results ...any) error {
	return s.again(func() error {
		return s.use(ctx, func(conn *pgxpool.Conn) error {
			ctx, cancel := context.WithTimeout(ctx, statementTimeout)
			defer cancel()
			return conn.QueryRow(ctx, statement, s.inMode(arguments)...).Scan(results...)
		})
	})
}

func (s *Store) exec(ctx context.Context, statement string, arguments ...any) error {
	_, err := s.affects(ctx, statement, arguments...)
	return err
}

func (s *Store) affects(ctx context.Context, statement string, arguments ...any) (bool, error) {
	var tag pgconn.CommandTag
	err := s.again(func() error {
		return s.use(ctx, func(conn *pgxpool.Conn) (err error) {
			ctx, cancel := context.WithTimeout(ctx, statementTimeout)
			defer cancel()
			tag, err = conn.Exec(ctx, statement, s.inMode(arguments)...)
			return err
		})
	})
	return tag.RowsAffected() > 0, err
}

// use runs f with a connection of the pool.
func (s *Store) use(ctx context.Context, f func(*pgxpool.Conn) error) error {
	began := time.Now()
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		if ctx.Err() != nil && time.Since(began) >= hangTimeout { // one that was idle may not answer
			s.leaveServer(began)
		}
		return err
	}
	defer s.giveBack(conn, time.Now())
	return f(conn)
}

// giveBack gives a connection back that was taken out of the pool at a time. pgx
// closes a connection whose statement was given up, and asks the server before to
// end the statement. If the server hangs, that takes 15 seconds, and the pool counts
// the connection as long: it would soon have no room for others. So it loses the
// connection earlier.
func (s *Store) giveBack(conn *pgxpool.Conn, taken time.Time) {
	if !conn.Conn().IsClosed() {
		conn.Release()
		return
	}
	go func() {
		timer := time.NewTimer(hangTimeout)
		defer timer.Stop()
		select {
		case <-conn.Conn().PgConn().CleanupDone():
			conn.Release()
		case <-timer.C:
			hung := conn.Hijack()
			s.leaveServer(taken)
			_ = hung.PgConn().Conn().Close()
		}
	}()
}

// leaveServer makes the pool give up connections that are idle, because its server
// hangs, unless it has done so since a time. Those in use show that by themselves.
func (s *Store) leaveServer(since time.Time) {
	if s.connected.Load() < since.UnixNano() && s.pool.Stat().IdleConns() > 0 {
		s.connectAnew()
	}
}

// connectAnew makes the pool connect again if its server hangs, or takes no writes:
// it may have been the primary when the pool connected. It does so at most once a
// second.
func (s *Store) connectAnew() {
	now := time.Now().UnixNano()
	if last := s.connected.Load(); now-last >= int64(time.Second) && s.connected.CompareAndSwap(last, now) {
		s.pool.Reset()
	}
}
