// Package commandline has what the commands share when they read their command
// line: how many arguments they take, what a shell completes, and the files and
// stdin that arguments name.
package commandline

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie/internal/tool/failure"
)

// NoArguments refuses arguments besides the flags.
func NoArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return failure.Usage(cmd, errors.New("takes no arguments, only flags"))
}

// Exactly accepts n arguments. For any other number its error says what the
// command takes.
func Exactly(n int, otherwise string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return failure.Usage(cmd, errors.New(otherwise))
		}
		return nil
	}
}

// UpTo accepts at most n arguments. For more its error says what the command
// takes.
func UpTo(n int, otherwise string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return failure.Usage(cmd, errors.New(otherwise))
		}
		return nil
	}
}

// UnknownCommand is the error for a name that is not a command of root. It
// suggests similar names.
func UnknownCommand(root *cobra.Command, name string) error {
	hint := ""
	if near := root.SuggestionsFor(name); len(near) > 0 {
		hint = " (did you mean " + strings.Join(near, " or ") + "?)"
	}
	return failure.Usage(root, fmt.Errorf("unknown command %q%s", name, hint))
}

// Each calls visit with cmd and every command below it.
func Each(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		Each(sub, visit)
	}
}

// CompleteFirst completes only the first argument.
func CompleteFirst(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(cmd, args, typed)
	}
}

// CompleteFiles lets the shell complete files.
func CompleteFiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}
