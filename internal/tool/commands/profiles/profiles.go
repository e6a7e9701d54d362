// Package profiles lists, chooses, renames and deletes profiles.
package profiles

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/config"
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
		Long: `A profile is an authorization with a name that you choose, such as the one that
'spotipie login --profile work' makes. Without a command the profiles are
listed; see 'spotipie profiles list --help'. Here a profile's client id and
store in the config file are used before those of flags and environment.`,
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
		Long: `Lists the profiles of the config file and of the store. Each is looked up with
its own client id and store, or with those of the flags and the environment if
it has none. Problems with a profile are reported on stderr.

On a terminal it prints a table that fits its width. Elsewhere it prints one
line for each profile, with these fields separated by tabs: name, "default" or
nothing, flow, client id, store, state, user, the service if it is not Spotify,
by when the user has to sign in again, and since when the login is refused. No
field has a tab or a line break in it; an unknown field is empty. The user is
the name at the last login. The state is signed in, signed out, sign in again or
unknown.

With --json it prints one line, an array of objects with the keys profile,
default, signed_in, flow, client_id, store, user, service (empty for Spotify),
reauthorize_by, refused_at and problem (text). Times are RFC 3339 in UTC; in
JSON they are null if they are not known.

The tokens of the first hundred profiles are read. For the others the store
gives only summaries, so that large stores can be listed too; their flow is
known only if the config file has it.`,
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
	rows, err := rowsOf(cmd.Context(), s)
	if err != nil {
		return err
	}
	if err := cmd.Context().Err(); err != nil {
		return err
	}
	if asJSON {
		return output.WriteJSON(cmd, rows)
	}
	if len(rows) == 0 {
		output.Say(cmd.ErrOrStderr(), "There are no profiles: 'spotipie login' makes one.")
		return nil
	}
	err = output.Write(cmd, profileTable(rows, cmd.OutOrStdout()))
	for _, row := range rows {
		if row.Problem != "" {
			s.Say("Profile \"%s\": %s", oneField(row.Profile), cli.Printable(row.Problem))
		}
	}
	return err
}

// rowsOf returns the rows of all profiles.
func rowsOf(ctx context.Context, s *settings.Settings) (rows []profile, err error) {
	l := &listing{s: s}
	defer func() { err = errors.Join(err, l.places.closeAll()) }()
	own, err := l.places.of(ctx, s)
	if err != nil {
		return nil, err
	}
	rows = []profile{}
	for _, name := range namesWith(s, own.keys) {
		rows = append(rows, l.row(ctx, name))
	}
	return rows, nil
}

// profileNamesOf returns the names of the profiles in the config file and in the
// store, sorted.
func profileNamesOf(ctx context.Context, s *settings.Settings) (names []string, err error) {
	err = stores.Use(ctx, s, func(store spotipie.Store) error {
		keys, err := store.List(ctx)
		if err != nil && len(keys) == 0 {
			return stores.Failed(s, "listing", err)
		}
		names = namesWith(s, keys)
		return nil
	})
	return names, err
}

// namesWith returns the names of the profiles in the config file and in keys,
// sorted.
func namesWith(s *settings.Settings, keys []spotipie.Key) []string {
	names := append(slices.Collect(maps.Keys(s.Config.Profiles)), config.ProfileNames(keys)...)
	slices.Sort(names)
	return slices.Compact(names)
}
