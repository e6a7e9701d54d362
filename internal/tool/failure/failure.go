// Package failure has the kinds of errors that commands return, the exit code
// of each, and reports them on stderr.
package failure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/output"
)

// The exit codes of all commands. The help explains them.
const (
	ExitOK          = 0
	ExitFailure     = 1
	ExitUsage       = 2
	ExitSignIn      = 3
	ExitDenied      = 4
	ExitInterrupted = 130 // 128 + SIGINT, as shells count
)

// UsageError is an error in the command line or in a setting.
type UsageError struct {
	command string
	err     error
}

// Usage returns an error of cmd's command line or of the settings: exit code 2.
func Usage(cmd *cobra.Command, err error) error {
	return &UsageError{command: cmd.CommandPath(), err: err}
}

// Error is one line: which command, what is wrong, and where to read more.
func (e *UsageError) Error() string {
	return fmt.Sprintf("%s; see '%s --help'", inCommand(e.command, e.err), e.command)
}

func (e *UsageError) Unwrap() error { return e.err }

// WithoutHint removes what Usage has added.
func WithoutHint(err error) error {
	var wrong *UsageError
	if errors.As(err, &wrong) {
		return wrong.err
	}
	return err
}

// inCommand puts the command's name, if it has one, before the error.
func inCommand(commandPath string, err error) string {
	text := Plain(err)
	_, name, ok := strings.Cut(commandPath, " ")
	if !ok || strings.HasPrefix(text, name+": ") {
		return text
	}
	return name + ": " + text
}

// CommandError says which command failed.
type CommandError struct {
	Command string
	Err     error
}

func (e *CommandError) Error() string { return inCommand(e.Command, e.Err) }
func (e *CommandError) Unwrap() error { return e.Err }

// Plain returns an error's text in one line that is safe for a terminal,
// without the library's name at its beginning.
func Plain(err error) string {
	text := strings.ReplaceAll(strings.TrimPrefix(err.Error(), "spotipie: "), "\n", "; ")
	return cli.Printable(strings.Join(strings.Fields(text), " "))
}

func exitCode(ctx context.Context, err error) int {
	var wrong *UsageError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &wrong):
		return ExitUsage
	case ctx.Err() != nil:
		return ExitInterrupted
	case errors.Is(err, spotipie.ErrAccessDenied):
		return ExitDenied
	case SignInNeeded(err):
		return ExitSignIn
	}
	return ExitFailure
}

// SignInNeeded reports whether the user has to sign in.
func SignInNeeded(err error) bool {
	for _, target := range []error{
		spotipie.ErrReauthorizationRequired, spotipie.ErrNotAuthorized, spotipie.ErrTokenExpired, spotipie.ErrNoRefreshToken,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// Report writes the error to stderr, once, and returns the exit code.
func Report(ctx context.Context, stderr io.Writer, err error) int {
	code := exitCode(ctx, err)
	switch code {
	case ExitOK:
	case ExitInterrupted:
		text := "interrupted"
		var lost *spotipie.StoreError
		var unfinished *UnfinishedError
		if errors.As(err, &lost) && lost.Op == "save" || errors.As(err, &unfinished) {
			text += "; " + Plain(err)
		}
		output.Say(stderr, "spotipie: "+text)
	default:
		output.Say(stderr, "spotipie: "+Plain(err))
	}
	return code
}
