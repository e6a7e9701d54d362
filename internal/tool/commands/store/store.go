// Package store copies stores.
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
		Long: `Does something with a whole store, whoever's logins are in it. There is one
command so far; see 'spotipie store copy --help'.`,
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
