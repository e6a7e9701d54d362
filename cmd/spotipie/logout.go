package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
)

func newLogout() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "logout [flags]",
		GroupID: groupAuthorization,
		Short:   "Remove the authorization from the store",
		Long: `Removes a profile's tokens from the store; programs that use it lose them too.
The profile's settings stay, so that 'spotipie login' signs in again without
more ('spotipie profiles delete' removes both).

Spotify has no way to end a token: who has a copy can use it until the app is
removed at https://www.spotify.com/account/apps/.`,
		Example: "  spotipie logout --profile work",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return logout(cmd) },
	}
	addSettingsFlags(cmd)
	return cmd
}

func logout(cmd *cobra.Command) error {
	s, err := newSettings(cmd)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	return s.withStore(ctx, func(store spotipie.Store) error {
		if err := s.resolveClientID(ctx, store); err != nil {
			return err
		}
		_, found, err := store.Load(ctx, s.key())
		if err != nil {
			return s.storeFailed("reading", err)
		}
		if !found {
			return s.notSignedIn(ctx, store)
		}
		if err := store.Delete(ctx, s.key()); err != nil {
			return s.storeFailed("deleting from", err)
		}
		text := fmt.Sprintf("Signed out of profile %q.", s.Profile.value)
		if s.Flow.value != string(spotipie.FlowClientCredentials) {
			text += " To take away the app's access as well, remove it at https://www.spotify.com/account/apps/."
		}
		fmt.Fprintln(cmd.ErrOrStderr(), text)
		return nil
	})
}
