package commandline

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie/internal/tool/failure"
)

// Execute runs a command line of root's commands, reports errors on stderr, and
// returns the exit code. It stops when ctx ends.
func Execute(ctx context.Context, root *cobra.Command, args []string, stdout, stderr io.Writer) int {
	var failed error
	ctx = context.WithValue(WithInputs(ctx), failedKey{}, &failed)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = failed
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = failure.WithoutHint(err) // interrupted while reading a file or stdin that the command line names
	}
	var wrong *failure.UsageError // it names its command already
	if err != nil && !errors.As(err, &wrong) {
		err = &failure.CommandError{Command: cmd.CommandPath(), Err: err}
	}
	return failure.Report(ctx, stderr, err)
}

type failedKey struct{}

// Fail lets a command line that Execute runs fail with err, unless that is nil. It
// is for functions that cobra calls and that cannot return an error.
func Fail(cmd *cobra.Command, err error) {
	if ctx := cmd.Context(); ctx != nil && err != nil {
		if failed, ok := ctx.Value(failedKey{}).(*error); ok {
			*failed = err
		}
	}
}
