package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/config"
)

func newProfilesDefault() *cobra.Command {
	return &cobra.Command{
		Use:   "default [NAME]",
		Short: "Choose the profile that is used when none is named",
		Long: `Chooses the profile that commands use without --profile and SPOTIPIE_PROFILE.
Without a name it prints the one that is used now.`,
		Example:           "  spotipie profiles default work",
		Args:              upTo(1, "takes one profile, or none"),
		ValidArgsFunction: first(completeProfiles),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := newSettings(cmd)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return write(cmd, s.Profile.value+"\n")
			}
			if err := s.mustExist(cmd.Context(), args[0]); err != nil {
				return err
			}
			err = config.Update(cmd.Context(), s.configPath, func(f *config.File) error {
				f.Profile = args[0]
				return nil
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "Profile %q is used when none is named.\n", args[0])
			return nil
		},
	}
}

func newProfilesRename() *cobra.Command {
	return &cobra.Command{
		Use:   "rename OLD NEW",
		Short: "Rename a profile",
		Long: `Renames a profile, with its tokens and settings. Programs that have it open
under the old name are signed out.`,
		Example:           "  spotipie profiles rename work office",
		Args:              exactly(2, "takes two profiles, the old name and the new one"),
		ValidArgsFunction: first(completeProfiles),
		RunE: func(cmd *cobra.Command, args []string) error {
			return renameProfile(cmd, args[0], args[1])
		},
	}
}

func renameProfile(cmd *cobra.Command, old, name string) error {
	if name == "" || strings.ContainsFunc(name, unicode.IsControl) {
		return usage(cmd, fmt.Errorf("%q is not a name for a profile", name))
	}
	ctx := cmd.Context()
	s, err := settingsOfProfile(cmd, old)
	if err != nil {
		return err
	}
	if err := s.mustExist(ctx, old); err != nil {
		return err
	}
	if _, taken := s.config.Profiles[name]; taken {
		return fmt.Errorf("there is a profile %q already: delete or rename it first", name)
	}
	if err := s.withStore(ctx, func(store spotipie.Store) error { return s.moveRecord(ctx, store, name) }); err != nil {
		return s.explain(err)
	}
	err = config.Update(ctx, s.configPath, func(f *config.File) error {
		if of, ok := f.Profiles[old]; ok {
			f.Profiles[name] = of
			delete(f.Profiles, old)
		}
		if f.Profile == old {
			f.Profile = name
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "Profile %q is now called %q.\n", old, name)
	return nil
}

// moveRecord moves the authorization to another profile's key. Nobody renews it
// meanwhile.
func (s *settings) moveRecord(ctx context.Context, store spotipie.Store, name string) (err error) {
	switch err := s.resolveClientID(ctx, store); {
	case errors.Is(err, spotipie.ErrNotAuthorized):
		return nil // there are only settings to rename
	case err != nil:
		return err
	}
	from, to := s.key(), s.key()
	to.Profile = name
	unlock, err := store.Lock(ctx, from)
	if err != nil {
		return s.storeFailed("locking", err)
	}
	defer func() { err = errors.Join(err, unlock(context.WithoutCancel(ctx))) }()
	rec, found, err := store.Load(ctx, from)
	if err != nil || !found {
		return s.storeFailedIf("reading", err)
	}
	_, err = store.Swap(ctx, to, 0, rec)
	if errors.Is(err, spotipie.ErrVersionConflict) {
		return fmt.Errorf("there is a profile %q already: delete or rename it first", name)
	}
	if err != nil {
		return s.storeFailed("saving in", err)
	}
	return s.storeFailedIf("deleting from", store.Delete(ctx, from))
}

func newProfilesDelete() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a profile",
		Long: `Deletes a profile: its tokens in the store and its settings in the config file.
On a terminal it asks first; elsewhere it needs --yes.`,
		Example:           "  spotipie profiles delete office --yes",
		Args:              exactly(1, "takes one profile"),
		ValidArgsFunction: first(completeProfiles),
		RunE: func(cmd *cobra.Command, args []string) error {
			return deleteProfile(cmd, args[0], yes)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func deleteProfile(cmd *cobra.Command, name string, yes bool) error {
	ctx := cmd.Context()
	s, err := settingsOfProfile(cmd, name)
	if err != nil {
		return err
	}
	if err := s.mustExist(ctx, name); err != nil {
		return err
	}
	if !yes {
		if !cli.CanAsk(cmd.InOrStdin(), cmd.ErrOrStderr()) {
			return usage(cmd, errors.New("there is no terminal to ask on: say --yes to delete the profile"))
		}
		sure, err := cli.Confirm(ctx, cmd.InOrStdin(), cmd.ErrOrStderr(), fmt.Sprintf("Delete profile %q and its tokens?", name))
		if err != nil {
			return err
		}
		if !sure {
			return errors.New("nothing was deleted")
		}
	}
	err = s.withStore(ctx, func(store spotipie.Store) error {
		switch err := s.resolveClientID(ctx, store); {
		case errors.Is(err, spotipie.ErrNotAuthorized):
			return nil
		case err != nil:
			return err
		}
		return s.storeFailedIf("deleting from", store.Delete(ctx, s.key()))
	})
	if err != nil {
		return s.explain(err)
	}
	err = config.Update(ctx, s.configPath, func(f *config.File) error {
		delete(f.Profiles, name)
		if f.Profile == name {
			f.Profile = ""
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "Profile %q is deleted.\n", name)
	return nil
}

// mustExist fails if neither the config file nor the store has the profile.
func (s *settings) mustExist(ctx context.Context, name string) error {
	if _, ok := s.config.Profiles[name]; ok {
		return nil
	}
	names, err := s.profiles(ctx)
	if err != nil || slices.Contains(names, name) {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("no profile %q: there are none, 'spotipie login' makes one", name)
	}
	if near := cli.Closest(name, names); near != "" {
		return fmt.Errorf("no profile %q: did you mean %s?", name, near)
	}
	return fmt.Errorf("no profile %q: there are %s", name, strings.Join(names, ", "))
}

func (s *settings) storeFailedIf(doing string, err error) error {
	if err == nil {
		return nil
	}
	return s.storeFailed(doing, err)
}

func exactly(n int, otherwise string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usage(cmd, errors.New(otherwise))
		}
		return nil
	}
}

func upTo(n int, otherwise string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usage(cmd, errors.New(otherwise))
		}
		return nil
	}
}
