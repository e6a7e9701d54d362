// Package token is the command token: it prints a valid access token.
package token

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/output"
	"github.com/spotipie/spotipie/internal/tool/sessions"
	"github.com/spotipie/spotipie/internal/tool/settings"
)

// usualLifetime is the lifetime of Spotify's access tokens
// (https://developer.spotify.com/documentation/web-api/concepts/access-token).
const usualLifetime = time.Hour

type flags struct {
	header bool
	json   bool
	minTTL time.Duration
}

// New returns the command token.
func New() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "token [flags]",
		Short: "Print a valid access token, renewed if need be",
		Long: `Prints a valid access token. If the saved one is expired, or will be soon, it is
renewed first, and the new one is saved before it is printed. Any number of
processes may do this at the same time: one of them renews the token, and all
print the same one.

It never opens a browser, and never asks anything, except for the secret if you
use --client-secret-file - on a terminal. If the user has to sign in (again),
the exit code is 3.

With --json it prints one line, a JSON object with the keys access_token,
token_type ("Bearer"), expires_at (RFC 3339, UTC), expires_in (seconds from
now), scope (an array), flow, client_id and profile.`,
		Example: `  curl -H "$(spotipie token --header)" https://api.spotify.com/v1/me
  spotipie token --min-ttl 10m
  spotipie token --json --profile work`,
		Args: commandline.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.header, "header", false, "print it as a header line: Authorization: Bearer …")
	flags.BoolVar(&f.json, "json", false, "print it as one line of JSON")
	flags.DurationVar(&f.minTTL, "min-ttl", 0, "renew it if it is valid for less than `DURATION`, such as 10m")
	settings.AddFlags(cmd)
	return cmd
}

func (f *flags) run(cmd *cobra.Command) error {
	s, err := settings.Read(cmd)
	if err != nil {
		return err
	}
	if f.header && f.json {
		return failure.Usage(cmd, errors.New("--header and --json: use only one of them"))
	}
	if f.minTTL < 0 {
		return failure.Usage(cmd, fmt.Errorf("--min-ttl %s: it cannot be negative", f.minTTL))
	}
	var session spotipie.Session
	var token *spotipie.Token
	err = sessions.Use(cmd.Context(), s, func(opened spotipie.Session) (err error) {
		session = opened
		token, err = f.valid(cmd, session)
		return err
	})
	if token == nil {
		return err
	}
	// If there was a renewal in the background, it has ended: use its token.
	if current := session.CurrentToken(); current != nil && current.ExpiresAt().After(token.ExpiresAt()) {
		token = current
	}
	return errors.Join(err, f.print(cmd, s, session.Flow(), token))
}

// valid returns a token that is valid for at least minTTL.
func (f *flags) valid(cmd *cobra.Command, session spotipie.Session) (*spotipie.Token, error) {
	ctx := cmd.Context()
	token, err := session.Token(ctx)
	if err != nil || time.Until(token.ExpiresAt()) >= f.minTTL {
		return token, err
	}
	if f.minTTL >= max(token.ExpiresIn(), usualLifetime) { // an imported token may not say what its lifetime was
		return nil, failure.Usage(cmd, fmt.Errorf("--min-ttl %s: no access token lives that long; this one had %s at first",
			cli.Span(f.minTTL), cli.Span(token.ExpiresIn())))
	}
	refreshable, ok := session.(spotipie.RefreshableSession)
	if !ok {
		return nil, spotipie.ErrNoRefreshToken
	}
	token, err = refreshable.RefreshToken(ctx)
	if err == nil && time.Until(token.ExpiresAt()) < f.minTTL {
		return nil, failure.Usage(cmd, fmt.Errorf("--min-ttl %s: the new access token has only %s", cli.Span(f.minTTL), cli.Span(time.Until(token.ExpiresAt()))))
	}
	return token, err
}

// tokenJSON is what --json prints. Its keys do not change.
type tokenJSON struct {
	AccessToken string          `json:"access_token"`
	TokenType   string          `json:"token_type"`
	ExpiresAt   time.Time       `json:"expires_at"`
	ExpiresIn   int             `json:"expires_in"`
	Scope       spotipie.Scopes `json:"scope"`
	Flow        spotipie.Flow   `json:"flow"`
	ClientID    string          `json:"client_id"`
	Profile     string          `json:"profile"`
}

func (f *flags) print(cmd *cobra.Command, s *settings.Settings, flow spotipie.Flow, token *spotipie.Token) error {
	switch {
	case f.header:
		return output.Write(cmd, "Authorization: "+token.Type()+" "+token.AccessToken()+"\n")
	case f.json:
		return output.WriteJSON(cmd, tokenJSON{
			AccessToken: token.AccessToken(),
			TokenType:   token.Type(),
			ExpiresAt:   token.ExpiresAt().UTC().Truncate(time.Second),
			ExpiresIn:   int(time.Until(token.ExpiresAt()).Seconds()),
			Scope:       append(spotipie.Scopes{}, token.Scope()...),
			Flow:        flow,
			ClientID:    s.ClientID.Value,
			Profile:     s.Profile.Value,
		})
	}
	return output.Write(cmd, token.AccessToken()+"\n")
}
