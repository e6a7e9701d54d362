package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/config"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/interrupt"
	"github.com/spotipie/spotipie/internal/tool/output"
)

func newProfilesDefault() *cobra.Command {
	return &cobra.Command{
		Use:   "default [NAME]",
		Short: "Choose the profile that is used when none is named",
		Long: `Chooses the profile that commands use without --profile and SPOTIPIE_PROFILE.
Without a name it prints the one that is used now.`,
		Example:           "  spotipie profiles default work",
		Args:              commandline.UpTo(1, "takes one profile, or none"),
		ValidArgsFunction: commandline.CompleteFirst(CompleteProfiles),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := Read(cmd)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return output.Write(cmd, s.Profile.Value+"\n")
			}
			if err := s.mustExist(cmd.Context(), args[0]); err != nil {
				return err
			}
			err = config.Update(cmd.Context(), s.ConfigPath, func(f *config.File) error {
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

func newProfilesDelete() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a profile",
		Long: `Deletes a profile: its tokens in the store and its settings in the config file.
On a terminal it asks first; elsewhere it needs --yes.`,
		Example:           "  spotipie profiles delete office --yes",
		Args:              commandline.Exactly(1, "takes one profile"),
		ValidArgsFunction: commandline.CompleteFirst(CompleteProfiles),
		RunE: func(cmd *cobra.Command, args []string) error {
			return deleteProfile(cmd, args[0], yes)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func deleteProfile(cmd *cobra.Command, name string, yes bool) error {
	ctx := cmd.Context()
	s, err := OfProfile(cmd, name)
	if err != nil {
		return err
	}
	if err := s.mustExist(ctx, name); err != nil {
		return err
	}
	if !yes {
		if !cli.CanAsk(cmd.InOrStdin(), cmd.ErrOrStderr()) {
			return failure.Usage(cmd, errors.New("there is no terminal to ask on: say --yes to delete the profile"))
		}
		sure, err := cli.Confirm(ctx, cmd.InOrStdin(), cmd.ErrOrStderr(), fmt.Sprintf("Delete profile %q and its tokens?", name))
		if err != nil {
			return err
		}
		if !sure {
			return errors.New("nothing was deleted")
		}
	}
	if err := s.withStore(ctx, func(store spotipie.Store) error { return s.delete(ctx, store) }); err != nil {
		return s.explain(err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "Profile %q is deleted.\n", name)
	return nil
}

// delete deletes tokens and settings. Nothing is begun before the config file can
// be changed; after that an interruption changes nothing any more.
func (s *Settings) delete(ctx context.Context, store spotipie.Store) error {
	hasKey, err := s.hasKey(ctx, store)
	if err != nil {
		return err
	}
	begun := false
	err = config.Update(ctx, s.ConfigPath, func(f *config.File) error {
		if hasKey {
			ctx, cancel := interrupt.Shield(ctx)
			defer cancel()
			if _, ok := f.Profiles[s.Profile.Value]; !ok {
				if err := s.onlyOtherApp(ctx, store); err != nil {
					return err
				}
			}
			if err := store.Delete(ctx, s.Key()); err != nil {
				return s.storeFailed("deleting from", err)
			}
			begun = true
		}
		delete(f.Profiles, s.Profile.Value)
		if f.Profile == s.Profile.Value {
			f.Profile = ""
		}
		return nil
	})
	if err != nil && begun {
		return &failure.UnfinishedError{Err: fmt.Errorf("the tokens are deleted, but not yet the settings, so do it again: %w", err)}
	}
	return err
}

// onlyOtherApp fails if there are tokens of the profile, but only of another app
// than is set.
func (s *Settings) onlyOtherApp(ctx context.Context, store spotipie.Store) error {
	if _, found, err := store.Load(ctx, s.Key()); err != nil || found {
		return s.storeFailedIf("reading", err)
	}
	return s.otherApp(ctx, store)
}

// hasKey reports whether it is known where the tokens would be. If not there are
// only settings.
func (s *Settings) hasKey(ctx context.Context, store spotipie.Store) (bool, error) {
	err := s.resolveClientID(ctx, store)
	if errors.Is(err, spotipie.ErrNotAuthorized) {
		return false, nil
	}
	return err == nil, err
}

// mustExist fails if neither the config file nor the store has the profile.
func (s *Settings) mustExist(ctx context.Context, name string) error {
	if _, ok := s.Config.Profiles[name]; ok || s.Config.Profile == name {
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
