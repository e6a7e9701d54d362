package seal

import (
	"errors"
	"fmt"

	"github.com/spotipie/spotipie"
)

// What can be wrong with a record, to be told apart with [errors.Is]. They come
// wrapped in an [*Error].
var (
	// ErrUnknownKey: a record is sealed with a key that is not one of the keys.
	// [Keys].Unwrap returns it for a name that it does not know.
	ErrUnknownKey = errors.New("the sealing key is not one of ours")

	// ErrDamaged: what is there is not what was sealed for this record: it was
	// cut short, changed, or moved from another record. [Keys].Unwrap returns it
	// for a data key that it has not wrapped.
	ErrDamaged = errors.New("not what was sealed")

	// ErrNotSealed: a record is in the clear, in a store that seals.
	ErrNotSealed = errors.New("not sealed")

	// ErrNewerFormat: a later version of this package has sealed a record.
	ErrNewerFormat = errors.New("a newer format")
)

// What can be wrong with the keys of a file or a variable.
var (
	// ErrNoKey: there is no key where it was looked for.
	ErrNoKey = errors.New("no sealing key there: make one with `openssl rand -base64 32`")

	// ErrExposed: a file with a key can be read by others.
	ErrExposed = errors.New("open to others")
)

// Error: a record cannot be opened, or not be sealed. It has been left as it
// was.
type Error struct {
	Key     spotipie.Key // of the record; zero if it is about no record in particular
	KeyName string       // the name of the key it is sealed with; empty if there is none
	Problem string       // what is wrong
	Advice  string       // what to do
	Err     error        // such as [ErrUnknownKey], or what the keys failed with
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

// isLasting reports whether e is about the record itself and the keys there are,
// so that trying again does not help, and this version understands the record
// well enough to let a login replace it.
func (e *Error) isLasting() bool {
	return errors.Is(e.Err, ErrUnknownKey) || errors.Is(e.Err, ErrDamaged) || errors.Is(e.Err, ErrNotSealed)
}

// printable keeps a name that comes out of a store from making up an error's
// text.
func printable(name string) string { return fmt.Sprintf("%.200q", name) }

func unknownKey(key spotipie.Key, name string) *Error {
	return &Error{
		Key: key, KeyName: name, Err: ErrUnknownKey,
		Problem: "is sealed with the key " + printable(name) + ", which is not one of this store's keys",
		Advice:  "add that key to those that open; if it is lost, delete the record, or have the user log in again",
	}
}

func damaged(key spotipie.Key, name, problem string) *Error {
	return &Error{
		Key: key, KeyName: name, Err: ErrDamaged, Problem: problem + " (its key is " + printable(name) + ")",
		Advice: "nothing was changed; restore it from a backup, or delete it and have the user log in again",
	}
}

func notSealed(key spotipie.Key) *Error {
	return &Error{
		Key: key, Err: ErrNotSealed, Problem: "is not sealed, and this store seals its records",
		Advice: "set Options.AllowPlain while you move from plain to sealed, or delete the record and have the user log in again",
	}
}

func newerFormat(key spotipie.Key, name string, format byte) *Error {
	return &Error{
		Key: key, KeyName: name, Err: ErrNewerFormat,
		Problem: fmt.Sprintf("is sealed in format %d, and this program knows format %d (its key is %s)", format, formatNumber, printable(name)),
		Advice:  "a newer program wrote it; update this one",
	}
}

// keysFailed is that the keys could not say yes or no.
func keysFailed(key spotipie.Key, name, doing string, err error) *Error {
	e := &Error{
		Key: key, KeyName: name, Err: err, Problem: fmt.Sprintf("cannot be %s: the keys failed: %v", doing, err),
		Advice: "see that whoever keeps the keys can be reached and lets this program use them; it is tried again",
	}
	if name != "" {
		e.Problem = fmt.Sprintf("cannot be %s with the key %s: the keys failed: %v", doing, printable(name), err)
	}
	return e
}
