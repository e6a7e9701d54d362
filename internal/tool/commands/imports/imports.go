// Package imports is the command import: it takes over the login of another library.
package imports

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tokenformat"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/explain"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/sessions"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/internal/tool/stores"
	"github.com/spotipie/spotipie/login"
)

// New returns the command import.
func New() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "import FILE [flags]",
		Short: "Take over the login of another library",
		Long: `Reads a login from the token file of another library and saves it as the
profile, so that the user need not sign in again. FILE may be - for stdin. The
format is detected:

  spotipy's .cache (Python)
  token JSON of spotipie for Python
  tekore's config file (Python)
  rspotify's token cache (Rust)
  token JSON of golang.org/x/oauth2
  an answer of the token endpoint, saved unchanged
  a refresh token alone

Except for tekore's, these files do not name the app: give the client id that
the other program uses, and the secret if the app has one. They also do not say
when the user consented, so the tool cannot tell when the user has to sign in
again: at the latest six months after the consent.

The file is not changed, and no request is made, unless there is only a refresh
token. If Spotify ever issues a new refresh token, only one of the two programs
gets it, so use only one of them from now on.`,
		Example: `  spotipie import ~/project/.cache --env-prefix SPOTIPY
  spotipie import token.json --client-id 0123456789abcdef0123456789abcdef --profile work`,
		Args: commandline.Exactly(1, "takes one FILE, or - for stdin"),
		RunE: func(cmd *cobra.Command, args []string) error { return run(cmd, args[0], yes) },
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "replace a login that the profile has, without asking")
	settings.AddFlags(cmd)
	return cmd
}

func run(cmd *cobra.Command, name string, yes bool) error {
	s, err := settings.Read(cmd)
	if err != nil {
		return err
	}
	data, err := commandline.ReadInput(cmd, "import -", name, tokenformat.MaxSize)
	if errors.Is(err, commandline.ErrStdinTwice) {
		return failure.Usage(cmd, err)
	}
	if err != nil {
		return err
	}
	found, err := tokenformat.Parse(data)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := takeApp(s, name, found.App); err != nil {
		return failure.Usage(cmd, err)
	}
	if len(found.Passed) > 0 {
		s.Say("Note: %s has keys that were ignored: %s.", name, strings.Join(found.Passed, ", "))
	}
	ctx := cmd.Context()
	token := found.Token
	switch {
	case token == nil:
		if token, err = firstToken(ctx, s, found.RefreshToken); err != nil {
			return explain.Error(s, err)
		}
	case token.RefreshToken() == "" && token.IsExpired(spotipie.DefaultExpiryMargin):
		return fmt.Errorf("%s is %s with an expired token and no refresh token, so it cannot be used: run '%s'",
			name, found.Format.Description(), s.LoginCommand())
	}
	rec := spotipie.Record{Token: token, ClientID: s.ClientID.Value, RequestedScope: token.Scope()}
	flow := importedFlow(found.Format, rec)
	rec.Flow = flow
	err = stores.Use(ctx, s, func(store spotipie.Store) error { return saveImported(ctx, s, store, rec, yes) })
	if err != nil {
		return explain.Error(s, err)
	}
	sayImported(s, found.Format, flow, token)
	sayRedirectURI(s, flow)
	s.Remember(ctx, flow, "", true)
	return nil
}

// takeApp takes from the file what it says about the app, if no setting says
// it.
func takeApp(s *settings.Settings, file string, app spotipie.Credentials) error {
	switch {
	case s.ClientID.Value == "" && app.ClientID == "":
		return fmt.Errorf("the file does not say which app it is for: set %s or --client-id to what the other program uses",
			s.Variable("CLIENT_ID"))
	case app.ClientID == "":
		return nil
	case s.ClientID.Value != "" && s.ClientID.Value != app.ClientID:
		return fmt.Errorf("%s is for the client id %s, but %s is set (%s): leave that out", file, app.ClientID, s.ClientID.Value, s.ClientID.Origin())
	}
	s.ClientID = settings.Setting{Value: app.ClientID, From: file, Place: settings.OnCommandLine}
	if s.Secret.Value == "" && app.ClientSecret != "" {
		s.Secret = settings.Setting{Value: app.ClientSecret, From: file, Place: settings.OnCommandLine}
	}
	if s.RedirectURI.Given() == "" && app.RedirectURI != "" {
		s.RedirectURI = settings.Setting{Value: app.RedirectURI, From: file, Place: settings.OnCommandLine}
	}
	return nil
}

// firstToken gets an access token for a file that has only a refresh token.
func firstToken(ctx context.Context, s *settings.Settings, refreshToken string) (*spotipie.Token, error) {
	expired, err := spotipie.NewToken(spotipie.TokenFields{RefreshToken: refreshToken})
	if err != nil {
		return nil, err
	}
	opts := sessions.Options(s, nil)
	opts.SkipRedirectURICheck = true
	session, err := spotipie.NewAuthorizationCodeSession(s.Credentials(), opts)
	if err != nil {
		return nil, err
	}
	defer func() { _ = session.Close(context.WithoutCancel(ctx)) }() // it has no store
	if err := session.SetToken(ctx, expired); err != nil {
		return nil, err
	}
	token, err := session.RefreshToken(ctx)
	if errors.Is(err, spotipie.ErrReauthorizationRequired) {
		err = failure.Tell(err, "Spotify does not accept the refresh token%s: check that the client id (%s) is that of the other program, or run '%s'",
			explain.WordsOf(err), s.ClientID.Origin(), s.LoginCommand())
	}
	return token, err
}

// sayRedirectURI tells the user of a redirect URI that Spotify no longer
// accepts. Only a login needs one.
func sayRedirectURI(s *settings.Settings, flow spotipie.Flow) {
	var refused *spotipie.RedirectURIError
	if flow == spotipie.FlowClientCredentials || !errors.As(spotipie.ValidateRedirectURI(s.RedirectURI.Value), &refused) {
		return
	}
	unset := ""
	if variable := s.Variable("REDIRECT_URI"); s.RedirectURI.From == variable {
		unset = ", and unset " + variable
	}
	s.Say("Note: Spotify no longer accepts the redirect URI %s. Only the next 'spotipie login' needs one: before that, register %s "+
		"for the app at https://developer.spotify.com/dashboard%s. It is not saved with the profile.", s.RedirectURI.Value, login.DefaultRedirectURI, unset)
}

// importedFlow returns the flow that a login came from. A format without scopes
// does not show whether the login is the app's or a user's; nobody needs to
// import one of the app.
func importedFlow(format tokenformat.Format, rec spotipie.Record) spotipie.Flow {
	if format == tokenformat.OAuth2 && rec.Token.RefreshToken() == "" {
		return spotipie.FlowImplicitGrant
	}
	return sessions.GuessFlow(rec)
}

// saveImported saves the record, after the user has agreed to replace an
// existing one. It holds no lock while it waits for the answer.
func saveImported(ctx context.Context, s *settings.Settings, store spotipie.Store, rec spotipie.Record, yes bool) (err error) {
	seen, found, err := store.Load(ctx, s.Key())
	if err != nil {
		return stores.Failed(s, "reading", err)
	}
	if found && !seen.Token.Equal(rec.Token) && !yes {
		if err := mayReplace(ctx, s); err != nil {
			return err
		}
	}
	unlock, err := store.Lock(ctx, s.Key())
	if err != nil {
		return stores.Failed(s, "locking", err)
	}
	defer func() {
		err = errors.Join(err, stores.FailedIf(s, "unlocking", unlock(context.WithoutCancel(ctx))))
	}()
	old, found, err := store.Load(ctx, s.Key())
	if err != nil {
		return stores.Failed(s, "reading", err)
	}
	if old.Version == seen.Version || yes {
		rec.Consent, rec.Renewals = spotipie.NextConsent(old.Consent, time.Now()), 0 // as after a login
		err = stores.Replace(ctx, store, s.Key(), old, found, rec)
	} else {
		err = spotipie.ErrVersionConflict
	}
	if errors.Is(err, spotipie.ErrVersionConflict) {
		return fmt.Errorf("profile %q has changed meanwhile, so nothing was imported: run it again", s.Profile.Value)
	}
	return stores.FailedIf(s, "saving in", err)
}

func mayReplace(ctx context.Context, s *settings.Settings) error {
	if !cli.CanAsk(s.Cmd.InOrStdin(), s.Cmd.ErrOrStderr()) {
		return fmt.Errorf("profile %q is signed in already: use --yes to replace that login, or choose another --profile", s.Profile.Value)
	}
	sure, err := cli.Confirm(ctx, s.Cmd.InOrStdin(), s.Cmd.ErrOrStderr(),
		fmt.Sprintf("Profile %q is signed in already. Replace that login?", s.Profile.Value))
	if err == nil && !sure {
		err = errors.New("nothing was imported")
	}
	return err
}

// sayImported says what was found, without secrets.
func sayImported(s *settings.Settings, format tokenformat.Format, flow spotipie.Flow, token *spotipie.Token) {
	stderr := s.Cmd.ErrOrStderr()
	fmt.Fprintf(stderr, "Imported %s as profile %q (%s).\n", format.Description(), s.Profile.Value, flow)
	scope := "not named"
	if len(token.Scope()) > 0 {
		scope = cli.Printable(token.Scope().String())
	}
	fmt.Fprintf(stderr, "  scopes         %s\n", scope)
	left := "expired, is renewed when it is needed"
	if d := time.Until(token.ExpiresAt()); d > 0 {
		left = "valid for " + cli.Span(d)
	} else if format == tokenformat.Answer {
		left = "of unknown age, is renewed when it is needed"
	}
	fmt.Fprintf(stderr, "  access token   %s\n", left)
	if token.RefreshToken() == "" {
		fmt.Fprintln(stderr, "  refresh token  none: sign in again when the access token is expired")
	} else {
		fmt.Fprintln(stderr, "  refresh token  yes")
	}
	fmt.Fprintf(stderr, "Run 'spotipie doctor%s' to see whether Spotify accepts it.\n", s.ProfileFlag())
}
