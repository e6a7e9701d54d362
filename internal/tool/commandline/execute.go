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
	ctx = WithInputs(ctx)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = failure.WithoutHint(err) // interrupted while reading a file or stdin that the command line names
	}
	var wrong *failure.UsageError // it names its command already
	if err != nil && !errors.As(err, &wrong) {
		err = &failure.CommandError{Command: cmd.CommandPath(), Err: err}
	}
	return failure.Report(ctx, stderr, err)
}
