package seal

import (
	"errors"
	"fmt"

	"github.com/spotipie/spotipie"
)

// What can be wrong with a record. Test for these errors with [errors.Is]; they
// are wrapped in an [*Error].
var (
	// ErrUnknownKey means that a record is sealed with a key that is not one of
	// the keys. [Keys].Unwrap returns it for a name that it does not know.
	ErrUnknownKey = errors.New("unknown sealing key")

	// ErrDamaged means that a record was cut short, changed, or moved from
	// another key after it was sealed. [Keys].Unwrap returns it for a data key
	// that Wrap has not encrypted.
	ErrDamaged = errors.New("not what was sealed")

	// ErrNotSealed means that a record in a sealed store is not encrypted.
	ErrNotSealed = errors.New("not sealed")

	// ErrNewerFormat means that a later version of this package has sealed a
	// record.
	ErrNewerFormat = errors.New("a newer format")
)

// What can be wrong with the keys of a file or a variable.
var (
	// ErrNoKey means that a file or variable has no key.
	ErrNoKey = errors.New("no sealing key there: make one with `openssl rand -base64 32`")

	// ErrExposed means that other users can read a file with a key.
	ErrExposed = errors.New("open to others")
)

// Error means that a record cannot be opened or cannot be sealed. Nothing was
// changed.
type Error struct {
	Key     spotipie.Key // of the record; zero if the error is about no particular record
	KeyName string       // the name of the key it is sealed with; empty if there is none
	Problem string       // what is wrong
	Advice  string       // what to do
	Err     error        // such as [ErrUnknownKey], or the error of the keys
}

// Error never quotes what was sealed.
func (e *Error) Error() string {
	record := "a record"
	if e.Key != (spotipie.Key{}) {
		record = "the record of " + e.Key.String()
	}
	return fmt.Sprintf("seal: %s %s: %s", record, e.Problem, e.Advice)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// isLasting reports whether trying again does not help, because the record
// itself is wrong or no key fits, and whether this version understands the
// record well enough to let a login replace it.
func (e *Error) isLasting() bool {
	return errors.Is(e.Err, ErrUnknownKey) || errors.Is(e.Err, ErrDamaged) || errors.Is(e.Err, ErrNotSealed)
}

// printable quotes a name from a store, so that it cannot fake the text of an
// error.
func printable(name string) string { return fmt.Sprintf("%.200q", name) }

func unknownKey(key spotipie.Key, name string) *Error {
	return &Error{
		Key: key, KeyName: name, Err: ErrUnknownKey,
		Problem: "is sealed with the key " + printable(name) + ", which is not one of this store's keys",
		Advice:  "add that key after the others; if it is lost, delete the record, or let the user log in again",
	}
}

func damaged(key spotipie.Key, name, problem string) *Error {
	return &Error{
		Key: key, KeyName: name, Err: ErrDamaged, Problem: problem + " (its key is " + printable(name) + ")",
		Advice: "nothing was changed; restore it from a backup, or delete it and let the user log in again",
	}
}

func notSealed(key spotipie.Key) *Error {
	return &Error{
		Key: key, Err: ErrNotSealed, Problem: "is not sealed, and this store seals its records",
		Advice: "set Options.AllowPlain while you move from plain to sealed, or delete the record and let the user log in again",
	}
}

func newerFormat(key spotipie.Key, name string, format byte) *Error {
	return &Error{
		Key: key, KeyName: name, Err: ErrNewerFormat,
		Problem: fmt.Sprintf("is sealed in format %d, and this program knows format %d (its key is %s)", format, formatNumber, printable(name)),
		Advice:  "a newer program wrote it; update this one",
	}
}

// keysFailed returns the error for keys that could not be used.
func keysFailed(key spotipie.Key, name, doing string, err error) *Error {
	e := &Error{
		Key: key, KeyName: name, Err: err, Problem: fmt.Sprintf("cannot be %s: the keys failed: %v", doing, err),
		Advice: "check that the key service can be reached and lets this program use the keys; the store tries again later",
	}
	if name != "" {
		e.Problem = fmt.Sprintf("cannot be %s with the key %s: the keys failed: %v", doing, printable(name), err)
	}
	return e
}
