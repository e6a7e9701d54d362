package failure

import (
	"fmt"

	"github.com/spotipie/spotipie"
)

// ToldError is an error of the library in words for a user of the tool, who has
// commands and flags and no Go program.
type ToldError struct {
	text string
	err  error
}

func (e *ToldError) Error() string { return e.text }
func (e *ToldError) Unwrap() error { return e.err }

// Tell puts an error into words for a user of the tool, who sees no others. The
// error itself can still be found by errors.Is and errors.As.
func Tell(err error, format string, args ...any) error {
	return &ToldError{text: fmt.Sprintf(format, args...), err: err}
}

// NotSignedInError: there is no authorization to use.
type NotSignedInError struct {
	Profile string
	Reason  string // more about why, in parentheses; may be empty
	Login   string // the command to run
}

func (e *NotSignedInError) Error() string {
	return fmt.Sprintf("not signed in as profile %q%s: run '%s'", e.Profile, e.Reason, e.Login)
}

func (e *NotSignedInError) Unwrap() error { return spotipie.ErrNotAuthorized }

// UnfinishedError: a command has changed some of what it had to change.
type UnfinishedError struct{ Err error }

func (e *UnfinishedError) Error() string { return e.Err.Error() }
func (e *UnfinishedError) Unwrap() error { return e.Err }
