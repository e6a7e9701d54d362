package sqlitestore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/privatedir"
)

// What can be wrong with a database. Test for these errors with [errors.Is];
// they are wrapped in a [*DatabaseError].
var (
	// ErrForeign means that the file is the database of another program.
	ErrForeign = errors.New("another program's database")

	// ErrNewerSchema means that a later version of this package has made or
	// upgraded the database.
	ErrNewerSchema = errors.New("a newer schema")

	// ErrDamaged means that the file is not a complete database: it is cut
	// short, empty, or not a database at all.
	ErrDamaged = errors.New("not a complete database")

	// ErrMissing means that the database is not where it was when it was
	// opened. The store is not treated as empty, since the disk may be
	// unmounted.
	ErrMissing = errors.New("the database is missing")

	// ErrExposed means that other users can access the database or its folder,
	// or that one of them belongs to another user than the program's or root.
	ErrExposed = errors.New("open to others")

	// ErrFull means that the disk is full.
	ErrFull = errors.New("the disk is full")

	// ErrReadOnly means that the disk, the folder or the file is read-only.
	ErrReadOnly = errors.New("read-only")

	// ErrBusy means that another process has blocked writes for so long that it
	// may be suspended.
	ErrBusy = errors.New("another process is writing")

	// ErrClosed means that the store has been closed.
	ErrClosed = errors.New("the store is closed")
)

// DatabaseError means that a database cannot be used or cannot be written to.
// Nothing in it was changed.
type DatabaseError struct {
	Path    string // of the database, or of its folder if that is the problem
	Problem string // what is wrong
	Advice  string // what to do
	Err     error  // such as [ErrDamaged]

	doing string // if it is known
	cause error
}

// Error never quotes what is in the database.
func (e *DatabaseError) Error() string {
	text := fmt.Sprintf("%s %s: %s", e.Path, e.Problem, e.Advice)
	if e.doing != "" {
		text = e.doing + ": " + text
	}
	if e.cause != nil {
		text += fmt.Sprintf(" (%v)", e.cause)
	}
	return "sqlitestore: " + text
}

// Unwrap returns Err, and the error of SQLite or the system if there is one.
func (e *DatabaseError) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.cause}
}

func damaged(path, problem string, cause error) error {
	return &DatabaseError{
		Path: path, Problem: problem, Err: ErrDamaged, cause: cause,
		Advice: "nothing was changed; restore it from a backup, or remove it with its -wal and -shm and authorize again",
	}
}

func missing(path string) error {
	return &DatabaseError{
		Path: path, Problem: "no longer exists, or is another file now", Err: ErrMissing,
		Advice: "mount or restore it, and open the store again if it is another file",
	}
}

// exposed turns an error of privatedir into one of this package.
func exposed(err error) error {
	var e *privatedir.ExposedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return &DatabaseError{Path: e.Path, Problem: e.Problem, Advice: e.Advice, Err: ErrExposed}
	}
	return fmt.Errorf("sqlitestore: %w", err)
}

// explain turns an error of SQLite or the system into one of this package, if
// the user can do something about it.
func explain(path string, err error) error {
	err = withCause(path, err)
	var known *DatabaseError
	var code sqlite3.ErrorCode
	_ = errors.As(err, &code)
	explained := &DatabaseError{Path: path, cause: err}
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case isFull(err):
		explained.Problem, explained.Err = "has no room left", ErrFull
		explained.Advice = "the disk is full: make room"
	case code == sqlite3.READONLY, errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		explained.Problem, explained.Err = "cannot be written to", ErrReadOnly
		explained.Advice = "let this user write the file and its folder, and mount the disk writable"
	case code == sqlite3.NOTADB:
		return damaged(path, "is not a database", err)
	case code == sqlite3.CORRUPT:
		return damaged(path, "is damaged", err)
	case code == sqlite3.BUSY:
		explained.Problem, explained.Err = fmt.Sprintf("has been locked by another process for %s", busyTimeout), ErrBusy
		explained.Advice = "look for a suspended process"
	default:
		return err
	}
	return explained
}

// probeSize is how much withCause writes to find out why SQLite could not
// write: more than SQLite writes at once.
const probeSize = 64 << 10

// withCause finds out why a write has failed, since SQLite loses the reason
// when it cleans up: it writes a file in the same folder, which fails for the
// same reason.
func withCause(path string, err error) error {
	var code sqlite3.ErrorCode
	if !errors.As(err, &code) || code != sqlite3.IOERR || isFull(err) {
		return err
	}
	file, cause := os.CreateTemp(filepath.Dir(path), tempPrefix(path)+"*"+tempSuffix)
	if cause == nil {
		data := make([]byte, probeSize)
		_, _ = rand.Read(data) // never fails; some file systems use no space for zeros
		_, cause = file.Write(data)
		cause = errors.Join(cause, file.Sync(), file.Close(), os.Remove(file.Name()))
	}
	if cause == nil {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// isFull reports whether a write failed because the disk is full.
func isFull(err error) bool {
	return errors.Is(err, sqlite3.FULL) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// ended turns an error into the context's error, if the end of the context has
// caused it.
func ended(ctx context.Context, err error) error {
	switch {
	case err == nil || ctx.Err() == nil:
		return err
	case errors.Is(err, sqlite3.BUSY):
		return fmt.Errorf("waiting for another process to finish its write: %w", ctx.Err())
	case errors.Is(err, sqlite3.INTERRUPT), errors.Is(err, sql.ErrTxDone), isStatementClosed(err):
		return ctx.Err()
	}
	return err
}

// isStatementClosed reports whether a transaction that is rolled back has just closed
// its statements. Package database/sql has no value for that error.
func isStatementClosed(err error) bool {
	return strings.HasSuffix(err.Error(), "sql: statement is closed")
}

// wrap adds the operation and the database to an error.
func (s *Store) wrap(doing string, key spotipie.Key, err error) error {
	return s.wrapDoing(fmt.Sprintf("%s %s", doing, key), err)
}

func (s *Store) wrapDoing(doing string, err error) error {
	var known *DatabaseError
	switch {
	case err == nil:
		return nil
	case s.closed.Load():
		err = &DatabaseError{Path: s.path, Problem: "was closed", Advice: "open it again", Err: ErrClosed}
	}
	if err = explain(s.path, err); errors.As(err, &known) {
		said := *known
		said.doing = doing
		return &said
	}
	return fmt.Errorf("sqlitestore: %s in %s: %w", doing, s.path, err)
}
