package failure

import (
	"fmt"

	"github.com/spotipie/spotipie"
)

// ToldError is an error of the library, reworded for users of the tool, who
// have commands and flags and no Go program.
type ToldError struct {
	text string
	err  error
}

func (e *ToldError) Error() string { return e.text }
func (e *ToldError) Unwrap() error { return e.err }

// Tell rewords an error for users of the tool, who see only the new text.
// errors.Is and errors.As still find the error itself.
func Tell(err error, format string, args ...any) error {
	return &ToldError{text: fmt.Sprintf(format, args...), err: err}
}

// NotSignedInError means that there is no authorization to use.
type NotSignedInError struct {
	Profile string
	Reason  string // more about why, in parentheses; may be empty
	Login   string // the command to run
}

func (e *NotSignedInError) Error() string {
	return fmt.Sprintf("not signed in as profile %q%s: run '%s'", e.Profile, e.Reason, e.Login)
}

func (e *NotSignedInError) Unwrap() error { return spotipie.ErrNotAuthorized }

// UnfinishedError means that a command has made only some of its changes.
type UnfinishedError struct{ Err error }

func (e *UnfinishedError) Error() string { return e.Err.Error() }
func (e *UnfinishedError) Unwrap() error { return e.Err }
