package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
)

// The exit codes of all commands. printHelp explains them.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitSignIn      = 3
	exitDenied      = 4
	exitInterrupted = 130 // 128 + SIGINT, as shells count
)

// usageError is a command line that cannot be carried out.
type usageError struct {
	command string
	err     error
}

func usage(cmd *cobra.Command, err error) error {
	return &usageError{command: cmd.CommandPath(), err: err}
}

// Error is one line: which command, what is wrong, and where to read more.
func (e *usageError) Error() string {
	return fmt.Sprintf("%s; see '%s --help'", inCommand(e.command, e.err), e.command)
}

func (e *usageError) Unwrap() error { return e.err }

// withoutHint takes off what usage has added.
func withoutHint(err error) error {
	var wrong *usageError
	if errors.As(err, &wrong) {
		return wrong.err
	}
	return err
}

// inCommand puts the command's own name, if it has one, before what went wrong.
func inCommand(commandPath string, err error) string {
	text := plain(err)
	_, name, ok := strings.Cut(commandPath, " ")
	if !ok || strings.HasPrefix(text, name+": ") {
		return text
	}
	return name + ": " + text
}

// commandError says in which command something went wrong.
type commandError struct {
	command string
	err     error
}

func (e *commandError) Error() string { return inCommand(e.command, e.err) }
func (e *commandError) Unwrap() error { return e.err }

// plain is an error's text in one line that is fit for a terminal, without the
// name that the library puts first.
func plain(err error) string {
	text := strings.ReplaceAll(strings.TrimPrefix(err.Error(), "spotipie: "), "\n", "; ")
	return cli.Printable(strings.Join(strings.Fields(text), " "))
}

func exitCode(ctx context.Context, err error) int {
	var wrong *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &wrong):
		return exitUsage
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.Is(err, spotipie.ErrAccessDenied):
		return exitDenied
	case signInNeeded(err):
		return exitSignIn
	}
	return exitFailure
}

// signInNeeded reports whether only the user can help, by signing in.
func signInNeeded(err error) bool {
	for _, target := range []error{
		spotipie.ErrReauthorizationRequired, spotipie.ErrNotAuthorized, spotipie.ErrTokenExpired, spotipie.ErrNoRefreshToken,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// report says what went wrong, once, and returns the exit code.
func report(ctx context.Context, stderr io.Writer, err error) int {
	code := exitCode(ctx, err)
	switch code {
	case exitOK:
	case exitInterrupted:
		text := "interrupted"
		var lost *spotipie.StoreError
		var unfinished *unfinishedError
		if errors.As(err, &lost) && lost.Op == "save" || errors.As(err, &unfinished) {
			text += "; " + plain(err)
		}
		say(stderr, "spotipie: "+text)
	default:
		say(stderr, "spotipie: "+plain(err))
	}
	return code
}
