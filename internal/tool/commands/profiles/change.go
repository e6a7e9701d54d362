package profiles

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
	"github.com/spotipie/spotipie/internal/envsecret"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/explain"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/interrupt"
	"github.com/spotipie/spotipie/internal/tool/output"
	"github.com/spotipie/spotipie/internal/tool/sessions"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/internal/tool/stores"
)

func newDefault() *cobra.Command {
	return &cobra.Command{
		Use:   "default [NAME]",
		Short: "Choose the profile that commands use by default",
		Long: `Chooses the profile that commands use without --profile and SPOTIPIE_PROFILE.
Without a name it prints the current one.`,
		Example:           "  spotipie profiles default work",
		Args:              commandline.UpTo(1, "takes at most one profile"),
		ValidArgsFunction: commandline.CompleteFirst(settings.CompleteProfiles),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := settings.Read(cmd)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return output.Write(cmd, s.Profile.Value+"\n")
			}
			if err := mustExist(cmd.Context(), s, args[0]); err != nil {
				return err
			}
			err = config.Update(cmd.Context(), s.ConfigPath, func(f *config.File) error {
				f.Profile = args[0]
				return nil
			})
			if err != nil {
				return err
			}
			output.Say(cmd.ErrOrStderr(), fmt.Sprintf("Profile %q is now the default.", args[0]))
			variable := s.Variable("PROFILE")
			if value := envsecret.Value(variable); value != "" && value != args[0] {
				s.Say("Note: %s is set to %q and overrides the default.", variable, value)
			}
			return nil
		},
	}
}

func newDelete() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a profile",
		Long: `Deletes a profile: its tokens in the store and its settings in the config file.
On a terminal it asks first; elsewhere it needs --yes.`,
		Example:           "  spotipie profiles delete office --yes",
		Args:              commandline.Exactly(1, "takes one profile"),
		ValidArgsFunction: commandline.CompleteFirst(settings.CompleteProfiles),
		RunE: func(cmd *cobra.Command, args []string) error {
			return deleteProfile(cmd, args[0], yes)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func deleteProfile(cmd *cobra.Command, name string, yes bool) error {
	ctx := cmd.Context()
	s, err := settings.OfProfile(cmd, name)
	if err != nil {
		return err
	}
	if err := mustExist(ctx, s, name); err != nil {
		return err
	}
	if !yes {
		if !cli.CanAsk(cmd.InOrStdin(), cmd.ErrOrStderr()) {
			return failure.Usage(cmd, errors.New("there is no terminal to ask on: use --yes to delete the profile"))
		}
		sure, err := cli.Confirm(ctx, cmd.InOrStdin(), cmd.ErrOrStderr(), fmt.Sprintf("Delete profile %q and its tokens?", name))
		if err != nil {
			return err
		}
		if !sure {
			return errors.New("nothing was deleted")
		}
	}
	if err := stores.Use(ctx, s, func(store spotipie.Store) error { return deleteBoth(ctx, s, store) }); err != nil {
		return explain.Error(s, err)
	}
	output.Say(cmd.ErrOrStderr(), fmt.Sprintf("Profile %q is deleted.", name))
	return nil
}

// deleteBoth deletes tokens and settings. It begins only when it can change the
// config file; after that an interruption does not stop it.
func deleteBoth(ctx context.Context, s *settings.Settings, store spotipie.Store) error {
	hasKey, err := isKeyKnown(ctx, s, store)
	if err != nil {
		return err
	}
	begun := false
	err = config.Update(ctx, s.ConfigPath, func(f *config.File) error {
		if hasKey {
			ctx, cancel := interrupt.Shield(ctx)
			defer cancel()
			if _, ok := f.Profiles[s.Profile.Value]; !ok {
				if err := onlyOtherApp(ctx, s, store); err != nil {
					return err
				}
			}
			if err := store.Delete(ctx, s.Key()); err != nil {
				return stores.Failed(s, "deleting from", err)
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
		return &failure.UnfinishedError{Err: fmt.Errorf("the tokens are deleted, but the settings are not, so run the command again: %w", err)}
	}
	return err
}

// onlyOtherApp fails if the profile has tokens, but only of another app than
// the one that is set.
func onlyOtherApp(ctx context.Context, s *settings.Settings, store spotipie.Store) error {
	if _, found, err := store.Load(ctx, s.Key()); err != nil || found {
		return stores.FailedIf(s, "reading", err)
	}
	return sessions.OtherApp(ctx, s, store)
}

// isKeyKnown reports whether the key of the tokens is known. If not, there are
// only settings.
func isKeyKnown(ctx context.Context, s *settings.Settings, store spotipie.Store) (bool, error) {
	err := sessions.ResolveClientID(ctx, s, store)
	if errors.Is(err, spotipie.ErrNotAuthorized) {
		return false, nil
	}
	return err == nil, err
}

// mustExist fails if neither the config file nor the store has the profile.
func mustExist(ctx context.Context, s *settings.Settings, name string) error {
	if _, ok := s.Config.Profiles[name]; ok || s.Config.Profile == name {
		return nil
	}
	names, err := profileNamesOf(ctx, s)
	if err != nil || slices.Contains(names, name) {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("no profile %q: there are no profiles, 'spotipie login' makes one", name)
	}
	if near := cli.Closest(name, names); near != "" {
		return fmt.Errorf("no profile %q: did you mean %s?", name, near)
	}
	return fmt.Errorf("no profile %q: there are %s", name, strings.Join(names, ", "))
}
