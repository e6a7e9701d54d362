// Package profiles lists, chooses, renames and deletes profiles.
package profiles

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/output"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/internal/tool/stores"
)

// New returns the command profiles.
func New() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "profiles [command]",
		Short: "List, choose, rename and delete profiles",
		Long: `A profile is an authorization under a name of your own, as made by
'spotipie login --profile work'. Without a command the profiles are listed; see
'spotipie profiles list --help'. The client id and store that a profile has in
the config file come before those of flags and environment here.`,
		Example: `  spotipie profiles
  spotipie profiles default work
  spotipie profiles rename work office
  spotipie profiles delete office --yes`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return commandline.UnknownCommand(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return list(cmd, asJSON) },
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as one line of JSON")
	settings.AddAppFlags(cmd)
	cmd.AddCommand(newList(), newDefault(), newRename(), newDelete())
	return cmd
}

func newList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [flags]",
		Short: "List the profiles",
		Long: `Lists the profiles of the config file and of the store, each with its own client
id and store; those of the flags and the environment count where it has none.
What goes wrong with a profile is told on stderr.

On a terminal it is a table as wide as that. Elsewhere each profile is one line,
with tabs between: name, "default" or nothing, flow, client id, store, state,
user, and the service if that is not Spotify. No field has a tab or a line break
in it; what is not known is empty. The state is
signed in, signed out, sign in again or unknown. The user is the name at the
last login.

With --json it prints one line, an array of objects with the keys profile,
default, signed_in, flow, client_id, store, user, service (empty for Spotify)
and problem (text).`,
		Example: "  spotipie profiles list --json",
		Args:    commandline.NoArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return list(cmd, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as one line of JSON")
	return cmd
}

func list(cmd *cobra.Command, asJSON bool) error {
	s, err := settings.Read(cmd)
	if err != nil {
		return err
	}
	names, err := profileNamesOf(cmd.Context(), s)
	if err != nil {
		return err
	}
	rows := []profile{}
	for _, name := range names {
		rows = append(rows, profileRow(cmd.Context(), s, name))
	}
	if err := cmd.Context().Err(); err != nil {
		return err
	}
	if asJSON {
		return output.WriteJSON(cmd, rows)
	}
	if len(rows) == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "There are no profiles: 'spotipie login' makes one.")
		return nil
	}
	err = output.Write(cmd, profileTable(rows, cmd.OutOrStdout()))
	for _, row := range rows {
		if row.Problem != "" {
			fmt.Fprintf(cmd.ErrOrStderr(), "Profile \"%s\": %s\n", oneField(row.Profile), cli.Printable(row.Problem))
		}
	}
	return err
}

// profileNamesOf returns the names of those in the config file and in the store,
// sorted.
func profileNamesOf(ctx context.Context, s *settings.Settings) ([]string, error) {
	names := slices.Sorted(maps.Keys(s.Config.Profiles))
	err := stores.Use(ctx, s, func(store spotipie.Store) error {
		keys, err := store.List(ctx)
		if err != nil && len(keys) == 0 {
			return stores.Failed(s, "listing", err)
		}
		names = append(names, stores.ProfileNames(keys)...)
		return nil
	})
	slices.Sort(names)
	return slices.Compact(names), err
}
