// Package login signs a user or the app in.
package login

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/doctor"
	"github.com/spotipie/spotipie/internal/storeaddress"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/output"
	"github.com/spotipie/spotipie/internal/tool/pauses"
	"github.com/spotipie/spotipie/internal/tool/scopelist"
	"github.com/spotipie/spotipie/internal/tool/sessions"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/internal/tool/stores"
	"github.com/spotipie/spotipie/login"
)

type flags struct {
	scopes      []string
	allScopes   bool
	anyScope    bool
	listScopes  bool
	replace     bool // scopes that the profile has
	noBrowser   bool
	paste       bool
	ports       portList
	bind        string
	timeout     time.Duration
	forceDialog bool
	yes         bool

	note  string // about the scopes, shown when the user is asked
	isNew bool   // whether a login was made, and not an existing one used
}

// New returns the command login.
func New() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "login [flags]",
		Short: "Sign in to Spotify, in a browser or without one",
		Long: `Gets an authorization and saves it in the store, where 'spotipie token' and Go
programs find it.

With the authorization code flow a user agrees in a browser, and the token
renews itself for six months; the client secret is optional (PKCE). If no
browser opens, open the printed address yourself. If the browser cannot reach
this machine, paste the address it ends at, or what follows its question mark,
or only the code; --paste also reads it from a pipe. With the client credentials
flow the app gets a token for itself, without a user; this needs the client
secret. The implicit grant is for accounts services that still support it.

The settings of a login (flow, client id, store, services) are saved with the
profile in the config file, so later commands need none. The client secret and a
store's password are never saved: leave them in the environment, or put them
into the config file yourself.

Scopes add up: the user is asked for those of --scope and for those of the
profile's last login, unless --replace-scopes is given. If the profile has all
of them already, the user is not asked; see --force-dialog. Without a scope an
app sees only public information; 'spotipie scopes' lists all scopes.`,
		Example: `  spotipie login --scope user-library-read,playlist-read-private
  spotipie login --profile work --all-scopes
  spotipie login --profile app --flow client_credentials`,
		Args: onlyFlags,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.String("flow", "", "`FLOW`: authorization_code, client_credentials or\nimplicit_grant\n(default: the profile's, or the first)")
	flags.StringArrayVar(&f.scopes, "scope", nil, "`SCOPE` to ask for; repeatable, or several separated by commas")
	flags.BoolVar(&f.allScopes, "all-scopes", false, "ask for every scope there is")
	flags.BoolVar(&f.anyScope, "any-scope", false, "accept scopes in --scope that this version does not know")
	flags.BoolVar(&f.replace, "replace-scopes", false, "ask only for the scopes of --scope")
	flags.BoolVar(&f.listScopes, "list-scopes", false, "show the scopes, as 'spotipie scopes' does")
	flags.BoolVar(&f.noBrowser, "no-browser", false, "print the address instead of opening a browser")
	flags.BoolVar(&f.paste, "paste", false, "do not listen: paste the address that the browser ends at")
	flags.Var(&f.ports, "port", "`PORT` of the redirect URI; repeatable, the first free one is used\n(default: that of the redirect URI, or any free one)")
	flags.StringVar(&f.bind, "bind", "", "`HOST[:PORT]` to listen on, for containers and forwarded ports\n(default: that of the redirect URI)")
	flags.DurationVar(&f.timeout, "timeout", login.DefaultTimeout, "`DURATION` to wait for the user")
	flags.BoolVar(&f.forceDialog, "force-dialog", false, "ask even if signed in already, for example to change the user")
	flags.BoolVarP(&f.yes, "yes", "y", false, "change the app, the service or the secret of a profile without asking")
	settings.AddFlags(cmd)
	_ = cmd.RegisterFlagCompletionFunc("scope", scopelist.Complete)
	_ = cmd.RegisterFlagCompletionFunc("flow", completeFlows)
	return cmd
}

// onlyFlags refuses arguments, and tells who names scopes without --scope how to.
func onlyFlags(cmd *cobra.Command, args []string) error {
	if scopes, err := scopelist.Parse(args, false); err == nil && len(scopes) > 0 {
		return failure.Usage(cmd, fmt.Errorf("takes no arguments, only flags (did you mean --scope %s?)", strings.Join(scopelist.Printable(scopes), ",")))
	}
	return commandline.NoArguments(cmd, args)
}

func (f *flags) run(cmd *cobra.Command) error {
	if f.listScopes {
		return output.Write(cmd, scopelist.Table(spotipie.AllScopes(), ""))
	}
	s, err := settings.Read(cmd)
	if err != nil {
		return err
	}
	flow := spotipie.Flow(s.Flow.Value)
	if flow == "" {
		flow = spotipie.FlowAuthorizationCode
	}
	scope, err := f.check(s, flow)
	if err != nil {
		return failure.Usage(cmd, err)
	}
	if _, err := sessions.New(s, flow, nil, nil); err != nil { // before the user is asked anything
		return explainLogin(s, err)
	}
	ctx := cmd.Context()
	if err := f.mayChange(ctx, s, flow); err != nil {
		return err
	}
	return stores.Use(ctx, s, func(store spotipie.Store) error {
		scope, err := f.scopeToAskFor(ctx, s, store, flow, scope)
		if err != nil {
			return err
		}
		session, err := sessions.New(s, flow, store, scope)
		if err != nil {
			return explainLogin(s, err)
		}
		if err := pauses.New(s).Mount(session); err != nil {
			return err
		}
		if err := f.mayAsk(ctx, s, store, scope); err != nil {
			return explainLogin(s, err)
		}
		token, err := f.authorize(ctx, s, session)
		name := ""
		if token != nil {
			name = nameOf(ctx, session)
		}
		err = errors.Join(err, sessions.SaveAndClose(ctx, session))
		if token == nil {
			return explainLogin(s, err)
		}
		sayValidity(s, session, token)
		if before := s.Config.Profiles[s.Profile.Value].User; before != "" && name != "" && name != before {
			s.Say("Note: profile %q was signed in as %s before, and is %s's now.", s.Profile.Value, cli.Printable(before), cli.Printable(name))
		}
		s.Remember(ctx, flow, name, f.isNew)
		return explainLogin(s, err)
	})
}

// saveCheckTimeout is how long mayAsk waits for a store. The login itself can wait
// longer.
const saveCheckTimeout = 8 * time.Second

// mayAsk finds out before a user is asked whether the store could save their answer, and
// whether a service on this machine runs at all. A profile that needs no login needs
// neither.
func (f *flags) mayAsk(ctx context.Context, s *settings.Settings, store spotipie.Store, scope spotipie.Scopes) error {
	rec, found, err := store.Load(ctx, s.Key())
	if err != nil || found && !f.forceDialog && rec.Token != nil && rec.Token.Scope().Contains(scope) {
		return nil // the login itself says what is wrong
	}
	if err := isRunning(ctx, s); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, saveCheckTimeout)
	defer cancel()
	switch err := doctor.CanSave(ctx, store, s.Key()); {
	case err == nil, ctx.Err() != nil:
		return nil
	default:
		return failure.Tell(err, "nobody was asked, because the login could not be saved: %v", stores.Failed(s, "saving in", err))
	}
}

// isRunning returns an error if the accounts service is on this machine and does not run.
func isRunning(ctx context.Context, s *settings.Settings) error {
	if !s.Services().IsPractice() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, userTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, s.AccountsURL.Value, nil)
	if err != nil {
		return nil // the session says what is wrong
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return err
	case err == nil:
		_ = resp.Body.Close()
	}
	return nil
}

// authorize gets a token. It is saved when the session is closed.
func (f *flags) authorize(ctx context.Context, s *settings.Settings, session spotipie.Session) (*spotipie.Token, error) {
	if app, ok := session.(*spotipie.ClientCredentialsSession); ok {
		token, err := app.FetchToken(ctx)
		f.isNew = true
		if token != nil {
			at := ""
			if where := s.Services().NotSpotify(); where != "" {
				at = " at " + where
			}
			s.Say("Signed in as the app %s%s.", s.ClientID.Value, at)
		}
		return token, err
	}
	if session.Flow() == spotipie.FlowImplicitGrant && s.AccountsURL.Value == spotipie.DefaultAccountsURL {
		s.Say("Spotify ended the implicit grant on 2025-11-27; --flow authorization_code needs no client secret either.")
	}
	output := newWaiting(s.Cmd.ErrOrStderr(), f.timeout)
	if where := s.Services().NotSpotify(); where != "" {
		output.heading = "Signing in at " + where + ".\n"
	}
	if f.note != "" {
		output.heading += f.note + "\n"
	}
	defer output.stop()
	defer session.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error {
		output.stop() // the user has agreed; the browser may still load the page
		return nil
	})()
	begin := login.Authorize
	if f.paste {
		begin = login.Prompt
	}
	token, err := begin(ctx, session, &login.Options{
		AppName:     "spotipie",
		Timeout:     f.timeout,
		ForceDialog: f.forceDialog,
		Ports:       f.ports,
		BindAddress: f.bind,
		NoBrowser:   f.noBrowser,
		ShortHints:  hasSignedIn(s),
		Input:       s.Cmd.InOrStdin(),
		Output:      output,
		ListenCommand: func(bindAddress string, port int) string {
			return fmt.Sprintf("%s --bind %s --port %d", sameFlags(s.Cmd), bindAddress, port)
		},
	})
	f.isNew = output.used()
	if err == nil && !f.isNew && isRefused(ctx, s, session) {
		s.Say("The Web API refuses the token of profile %q, so sign in again.", s.Profile.Value)
		f.forceDialog = true
		return f.authorize(ctx, s, session)
	}
	if err == nil && !f.isNew {
		s.Say("Already signed in as profile %q; --force-dialog asks again.", s.Profile.Value)
	}
	return token, err
}

// hasSignedIn reports whether somebody has signed in on this machine before,
// and so knows how to.
func hasSignedIn(s *settings.Settings) bool {
	for _, of := range s.Config.Profiles {
		if of.Flow != "" {
			return true
		}
	}
	return false
}

// sameFlags repeats the flags of the command line, except those about
// listening.
func sameFlags(cmd *cobra.Command) string {
	line := cmd.CommandPath()
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		values := []string{flag.Value.String()}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, value := range values {
			switch {
			case flag.Name == "bind" || flag.Name == "port":
			case flag.Value.Type() == "bool":
				line += " --" + flag.Name
			case flag.Name == "store":
				line += " --store " + cli.QuotedIfNeeded(storeaddress.Redacted(value))
			default:
				line += " --" + flag.Name + " " + cli.QuotedIfNeeded(value)
			}
		}
	})
	return line
}

// sayValidity tells the user how long the login is valid.
func sayValidity(s *settings.Settings, session spotipie.Session, token *spotipie.Token) {
	text := fmt.Sprintf("Profile %q has a token for %s", s.Profile.Value, cli.Span(time.Until(token.ExpiresAt())))
	switch by := session.ReauthorizeBy(); {
	case !by.IsZero():
		text += ", which renews itself until " + by.Local().Format(output.DateFormat)
	case session.Flow() == spotipie.FlowClientCredentials:
		text += ", and gets the next one by itself"
	case session.Flow() == spotipie.FlowImplicitGrant:
		text += ", which cannot be renewed"
	}
	s.Say("%s.", text)
}

func completeFlows(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{
		cobra.CompletionWithDesc(string(spotipie.FlowAuthorizationCode), "a user agrees in a browser"),
		cobra.CompletionWithDesc(string(spotipie.FlowClientCredentials), "the app for itself, without a user"),
		cobra.CompletionWithDesc(string(spotipie.FlowImplicitGrant), "Spotify ended it on 2025-11-27"),
	}, cobra.ShellCompDirectiveNoFileComp
}
