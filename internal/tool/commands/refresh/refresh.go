// Package refresh renews the access token.
package refresh

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/sessions"
	"github.com/spotipie/spotipie/internal/tool/settings"
)

// New returns the command refresh.
func New() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "refresh [flags]",
		Short: "Renew the access token now",
		Long: `Gets a new access token and saves it, even if the old one is not expired. You
seldom need this, because 'spotipie token' renews when necessary, but it shows
whether the login still works. The old token stays valid until its hour is over.`,
		Example: "  spotipie refresh --profile work",
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
	return sessions.Use(cmd.Context(), s, func(session spotipie.Session) error {
		refreshable, ok := session.(spotipie.RefreshableSession)
		if !ok {
			return spotipie.ErrNoRefreshToken
		}
		token, err := refreshable.RefreshToken(cmd.Context())
		if err == nil {
			s.Say("Renewed: profile %q has a token for %s.", s.Profile.Value, cli.Span(time.Until(token.ExpiresAt())))
		}
		return err
	})
}
