package commandline

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie/internal/tool/failure"
)

// Execute carries out a command line of root's commands, tells on stderr what goes
// wrong, and returns the exit code. It is interrupted when ctx ends.
func Execute(ctx context.Context, root *cobra.Command, args []string, stdout, stderr io.Writer) int {
	ctx = withInputs(ctx)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = failure.WithoutHint(err) // it was interrupted while it read what the command line names
	}
	var wrong *failure.UsageError // which names its command already
	if err != nil && !errors.As(err, &wrong) {
		err = &failure.CommandError{Command: cmd.CommandPath(), Err: err}
	}
	return failure.Report(ctx, stderr, err)
}
