package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
)

func newProfiles() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "profiles [command]",
		GroupID: groupAuthorization,
		Short:   "List, choose, rename and delete profiles",
		Long: `A profile is an authorization under a name of your own, as made by
'spotipie login --profile work'. Without a command the profiles are listed.`,
		Example: `  spotipie profiles
  spotipie profiles default work
  spotipie profiles rename work office
  spotipie profiles delete office`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return listProfiles(cmd, asJSON) },
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as one line of JSON")
	addAppFlags(cmd)
	cmd.AddCommand(newProfilesList(), newProfilesDefault(), newProfilesRename(), newProfilesDelete())
	return cmd
}

func newProfilesList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [flags]",
		Short: "List the profiles",
		Long: `Lists the profiles of the config file and of the store. When the output is not a
terminal the columns are separated by tabs: name, "default" or nothing, flow,
client id, store, state.

With --json it prints one line, an array of objects with the keys profile,
default, signed_in, flow, client_id, store and problem (text).`,
		Example: "  spotipie profiles list --json",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return listProfiles(cmd, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as one line of JSON")
	return cmd
}

// profile is a row of the list. Its JSON keys do not change.
type profile struct {
	Profile  string `json:"profile"`
	Default  bool   `json:"default"`
	SignedIn bool   `json:"signed_in"`
	Flow     string `json:"flow"`
	ClientID string `json:"client_id"`
	Store    string `json:"store"`
	Problem  string `json:"problem"`
}

func listProfiles(cmd *cobra.Command, asJSON bool) error {
	s, err := newSettings(cmd)
	if err != nil {
		return err
	}
	names, err := s.profiles(cmd.Context())
	if err != nil {
		return err
	}
	rows := []profile{}
	for _, name := range names {
		rows = append(rows, s.profileRow(cmd.Context(), name))
	}
	if err := cmd.Context().Err(); err != nil {
		return err
	}
	if asJSON {
		return writeJSON(cmd, rows)
	}
	if len(rows) == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "There are no profiles: 'spotipie login' makes one.")
		return nil
	}
	return write(cmd, profileTable(rows, cli.IsTerminal(cmd.OutOrStdout())))
}

// profiles returns the names of those in the config file and in the store,
// sorted.
func (s *settings) profiles(ctx context.Context) ([]string, error) {
	names := sortedKeys(s.config.Profiles)
	err := s.withStore(ctx, func(store spotipie.Store) error {
		keys, err := store.List(ctx)
		if err != nil && len(keys) == 0 {
			return s.storeFailed("listing", err)
		}
		names = append(names, profileNames(keys)...)
		return nil
	})
	slices.Sort(names)
	return slices.Compact(names), err
}

// profileRow looks into the store of a profile, which may be another than that
// of the command. What goes wrong is part of the row.
func (s *settings) profileRow(ctx context.Context, name string) profile {
	row := profile{Profile: name, Default: name == s.Profile.value}
	of, err := newSettingsOf(s.cmd, name)
	if err != nil {
		row.Problem = plain(err)
		return row
	}
	err = of.withStore(ctx, func(store spotipie.Store) error {
		if err := of.resolveClientID(ctx, store); err != nil {
			return err
		}
		rec, found, err := store.Load(ctx, of.key())
		if err != nil {
			return of.storeFailed("reading", err)
		}
		row.SignedIn = found && rec.Rejected == ""
		if found && of.Flow.value == "" {
			of.Flow.value = string(flowOf(rec))
		}
		if rec.Rejected != "" {
			return spotipie.ErrReauthorizationRequired
		}
		return nil
	})
	row.Flow, row.ClientID, row.Store = of.Flow.value, of.ClientID.value, of.storeName()
	if err != nil && !errors.Is(err, spotipie.ErrNotAuthorized) {
		row.Problem = plain(of.explain(err))
	}
	return row
}

func (p profile) state() string {
	switch {
	case p.SignedIn:
		return "signed in"
	case p.Problem != "":
		return p.Problem
	}
	return "signed out"
}

func profileTable(rows []profile, terminal bool) string {
	var b strings.Builder
	if !terminal {
		for _, p := range rows {
			mark := ""
			if p.Default {
				mark = "default"
			}
			fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%s\t%s\n", p.Profile, mark, p.Flow, p.ClientID, p.Store, p.state())
		}
		return b.String()
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  PROFILE\tFLOW\tCLIENT ID\tSTORE\tSTATE")
	for _, p := range rows {
		mark := " "
		if p.Default {
			mark = "*"
		}
		fmt.Fprintf(w, "%s %s\t%s\t%s\t%s\t%s\n", mark, printable(p.Profile), p.Flow, p.ClientID, p.Store, p.state())
	}
	_ = w.Flush() // into memory
	return b.String()
}
