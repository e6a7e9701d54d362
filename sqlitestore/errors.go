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
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/privatedir"
)

// What can be wrong with a database, to be told apart with [errors.Is]. All come
// wrapped in a [*DatabaseError].
var (
	// ErrForeign: the file is the database of another program.
	ErrForeign = errors.New("another program's database")

	// ErrNewerSchema: a later version of this package made the database, or has
	// brought it up to date.
	ErrNewerSchema = errors.New("a newer schema")

	// ErrDamaged: the file is no whole database: it is torn, empty, or something
	// else altogether.
	ErrDamaged = errors.New("not a whole database")

	// ErrMissing: the database is not where it was when it was opened. That is
	// not taken for an empty store: the disk may be unmounted.
	ErrMissing = errors.New("the database is missing")

	// ErrExposed: others can get at the database or its folder, or one of them
	// belongs to a user who is neither this one nor root.
	ErrExposed = errors.New("open to others")

	// ErrFull: the disk takes nothing more.
	ErrFull = errors.New("the disk is full")

	// ErrReadOnly: the disk, the folder or the file can only be read.
	ErrReadOnly = errors.New("read-only")

	// ErrBusy: another process has kept this one from writing for so long that
	// it may be stopped.
	ErrBusy = errors.New("another process is writing")

	// ErrClosed: the store has been closed.
	ErrClosed = errors.New("the store is closed")
)

// DatabaseError: a database cannot be used, or not be written to, as it is.
// Nothing in it was changed.
type DatabaseError struct {
	Path    string // of the database, or of the folder that is in the way
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

// Unwrap returns Err, and what SQLite or the system said, if they said something.
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
		Path: path, Problem: "is not there any more, or is another file now", Err: ErrMissing,
		Advice: "mount or restore it, and open the store again if it is another file",
	}
}

// exposed has an error of privatedir be one of this package.
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

// explain makes an error of SQLite or the system one of this package, if it is
// of a kind that somebody can do something about.
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
		explained.Problem, explained.Err = "takes nothing more", ErrFull
		explained.Advice = "the disk is full: make room"
	case code == sqlite3.READONLY, errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		explained.Problem, explained.Err = "cannot be written to", ErrReadOnly
		explained.Advice = "let this user write the file and its folder, and mount the disk so that it can be written to"
	case code == sqlite3.NOTADB:
		return damaged(path, "is no database", err)
	case code == sqlite3.CORRUPT:
		return damaged(path, "is damaged", err)
	case code == sqlite3.BUSY:
		explained.Problem, explained.Err = fmt.Sprintf("has been written by another process for %s", busyTimeout), ErrBusy
		explained.Advice = "look for a process that is stopped"
	default:
		return err
	}
	return explained
}

// probeSize is how much is written to learn why SQLite could not write: more
// than it writes at once.
const probeSize = 64 << 10

// withCause says why a write has failed, which SQLite forgets when it cleans up:
// a write of one's own beside the database fails as well.
func withCause(path string, err error) error {
	var code sqlite3.ErrorCode
	if !errors.As(err, &code) || code != sqlite3.IOERR || isFull(err) {
		return err
	}
	file, cause := os.CreateTemp(filepath.Dir(path), tempPrefix(path)+"*"+tempSuffix)
	if cause == nil {
		data := make([]byte, probeSize)
		_, _ = rand.Read(data) // never fails; some file systems take no room for zeros
		_, cause = file.Write(data)
		cause = errors.Join(cause, file.Sync(), file.Close(), os.Remove(file.Name()))
	}
	if cause == nil {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// isFull reports whether there was no room for what was to be written.
func isFull(err error) bool {
	return errors.Is(err, sqlite3.FULL) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// ended has an error be that of the context, if it comes of its end.
func ended(ctx context.Context, err error) error {
	switch {
	case err == nil || ctx.Err() == nil:
		return err
	case errors.Is(err, sqlite3.BUSY):
		return fmt.Errorf("waiting for another process to end its write: %w", ctx.Err())
	case errors.Is(err, sqlite3.INTERRUPT), errors.Is(err, sql.ErrTxDone):
		return ctx.Err()
	}
	return err
}

// wrap says what was being done, and in which database.
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
