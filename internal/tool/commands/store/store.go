// Package store is the command store, which copies stores.
package store

import (
	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie/internal/tool/commandline"
)

// New returns the command store.
func New() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "store <command>",
		Short: "Copy all logins to another store",
		Long: `Works on a whole store, with the logins of all apps and profiles in it. There is
one command so far; see 'spotipie store copy --help'.`,
		Example: "  spotipie store copy file: file:backup",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return commandline.UnknownCommand(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(newCopy())
	return cmd
}
