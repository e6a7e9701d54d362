package filestore

import (
	"errors"
	"fmt"
)

// Errors of the store. Test for them with [errors.Is]. All except ErrNoKey are
// wrapped in a [*FileError].
var (
	// ErrDamaged means that the file is not as this package wrote it: it is
	// incomplete, edited, renamed, or something else.
	ErrDamaged = errors.New("not a complete record")

	// ErrNewerFormat means that a later version of this package wrote the file.
	ErrNewerFormat = errors.New("a newer format")

	// ErrSeal means that the file is sealed and the store has no key or another
	// key, or that it is not sealed and the store has a key.
	ErrSeal = errors.New("not sealed with this store's key")

	// ErrExposed means that other users can read or change the file or folder,
	// or that it belongs to another user than the program's or root.
	ErrExposed = errors.New("open to others")

	// ErrNoKey means that the variable or file has no sealing key.
	ErrNoKey = errors.New("no sealing key there: make one with `openssl rand -base64 32`")

	// ErrLockLost means that the file of a held lock has been removed or
	// replaced, so that another process may hold the lock too.
	ErrLockLost = errors.New("the lock was lost")

	// ErrMissingFolder means that the store's folder has disappeared since
	// Open. The store is not treated as empty, because the disk may be
	// unmounted.
	ErrMissingFolder = errors.New("the folder is missing")
)

// FileError means that a file or folder cannot be used. It was not changed.
type FileError struct {
	Path    string
	Problem string // what is wrong
	Advice  string // what to do
	Err     error  // such as [ErrDamaged]
}

// Error never quotes what is in the file.
func (e *FileError) Error() string {
	return fmt.Sprintf("filestore: %s %s: %s", e.Path, e.Problem, e.Advice)
}

// Unwrap returns Err.
func (e *FileError) Unwrap() error { return e.Err }

func damaged(path, problem string) error {
	return &FileError{
		Path: path, Problem: problem, Err: ErrDamaged,
		Advice: "nothing was changed; restore it from a backup, or remove it and authorize again",
	}
}

func missingFolder(dir string) error {
	return &FileError{
		Path: dir, Problem: "is missing", Err: ErrMissingFolder,
		Advice: "mount or restore it, or start again to make a new one",
	}
}
