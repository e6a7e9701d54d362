// Package logout removes an authorization from the store.
package logout

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/config"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/explain"
	"github.com/spotipie/spotipie/internal/tool/sessions"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/internal/tool/stores"
)

// New returns the command logout.
func New() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "logout [flags]",
		Short: "Remove the authorization from the store",
		Long: `Removes a profile's tokens from the store; programs that use the profile lose
them too. The profile's settings stay, so that 'spotipie login' needs only the
scopes to sign in again ('spotipie profiles delete' removes both).

Spotify has no way to end a token: a copy of it works until you remove the app
at https://www.spotify.com/account/apps/. If nobody is signed in, the command
does nothing and the exit code is 0.`,
		Example: "  spotipie logout --profile work",
		Args:    commandline.NoArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return run(cmd) },
	}
	settings.AddFlags(cmd)
	return cmd
}

func run(cmd *cobra.Command) error {
	s, err := settings.Read(cmd)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	return stores.Use(ctx, s, func(store spotipie.Store) error {
		found, err := deleteLogin(ctx, s, store)
		switch {
		case err != nil:
			return err
		case !found:
			return tellSignedOut(ctx, s, store)
		}
		text := fmt.Sprintf("Signed out of profile %q.", s.Profile.Value)
		if s.Flow.Value != string(spotipie.FlowClientCredentials) && s.Services().NotSpotifyName() == "" {
			text += " To end the app's access too, remove it at https://www.spotify.com/account/apps/."
		}
		s.Say("%s", text)
		return nil
	})
}

// deleteLogin deletes the authorization, and reports whether there was one.
func deleteLogin(ctx context.Context, s *settings.Settings, store spotipie.Store) (found bool, err error) {
	switch err := sessions.ResolveClientID(ctx, s, store); {
	case errors.Is(err, spotipie.ErrNotAuthorized):
		return false, nil
	case err != nil:
		return false, err
	}
	rec, found, err := store.Load(ctx, s.Key())
	if err != nil {
		return false, stores.Failed(s, "reading", err)
	}
	if !found {
		return false, nil
	}
	s.Flow.Value = string(sessions.FlowOf(s, rec))
	// Deleting an authorization needs no secret, so this session works for
	// every flow.
	session, err := sessions.ForStored(s, spotipie.FlowAuthorizationCode, store)
	if err != nil {
		return false, err
	}
	return true, explain.Error(s, errors.Join(session.Logout(ctx), sessions.SaveAndClose(ctx, session)))
}

// tellSignedOut says that nobody was signed in, and who is: the user may mean another
// profile. It fails if another app than the one that is set is signed in.
func tellSignedOut(ctx context.Context, s *settings.Settings, store spotipie.Store) error {
	if err := sessions.OtherApp(ctx, s, store); err != nil {
		return err
	}
	others := ""
	keys, err := store.List(ctx)
	if names := config.ProfileNames(keys); err == nil && len(names) > 0 {
		others = "; to sign out of another one, name it with --profile (there are: " + strings.Join(names, ", ") + ")"
	}
	s.Say("Profile %q was not signed in%s.", s.Profile.Value, others)
	return nil
}
