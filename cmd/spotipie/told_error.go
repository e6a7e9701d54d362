package main

import (
	"fmt"

	"github.com/spotipie/spotipie"
)

// toldError is an error of the library in words for a user of the tool, who has
// commands and flags and no Go program.
type toldError struct {
	text string
	err  error
}

func (e *toldError) Error() string { return e.text }
func (e *toldError) Unwrap() error { return e.err }

// tell puts an error into words for a user of the tool.
func tell(err error, format string, args ...any) error {
	return &toldError{text: fmt.Sprintf(format, args...), err: err}
}

// notSignedInError: there is no authorization to use.
type notSignedInError struct {
	profile string
	reason  string // more about why, in parentheses; may be empty
	login   string // the command to run
}

func (e *notSignedInError) Error() string {
	return fmt.Sprintf("not signed in as profile %q%s: run '%s'", e.profile, e.reason, e.login)
}

func (e *notSignedInError) Unwrap() error { return spotipie.ErrNotAuthorized }

// unfinishedError: a command has changed some of what it had to change.
type unfinishedError struct{ err error }

func (e *unfinishedError) Error() string { return e.err.Error() }
func (e *unfinishedError) Unwrap() error { return e.err }
