// Package scopes lists the scopes.
package scopes

import (
	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/output"
	"github.com/spotipie/spotipie/internal/tool/scopelist"
)

// New returns the command scopes.
func New() *cobra.Command {
	return &cobra.Command{
		Use:   "scopes",
		Short: "List the scopes that a login can ask for, and what they allow",
		Long: `Lists the scopes that a login can ask for, each with what it allows an app to
do. An app without a scope sees only public information: search, the catalogue,
the user's name and picture.`,
		Example: "  spotipie scopes\n  spotipie login --scope user-library-read,user-top-read",
		Args:    commandline.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return output.Write(cmd, scopelist.Table(spotipie.AllScopes(), ""))
		},
	}
}
