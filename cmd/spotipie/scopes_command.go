package main

import (
	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
)

func newScopes() *cobra.Command {
	return &cobra.Command{
		Use:   "scopes",
		Short: "List the scopes that a login can ask for, and what they allow",
		Long: `Lists the scopes that a login can ask for, each with what it allows an app to
do. An app without any scope sees public information only: search, the
catalogue, the user's name and picture.`,
		Example: "  spotipie scopes\n  spotipie login --scope user-library-read,user-top-read",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return write(cmd, scopeTable(spotipie.AllScopes(), "")) },
	}
}
