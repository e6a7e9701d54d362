package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tokenformat"
)

type exportFlags struct {
	format string
	yes    bool
}

func newExport() *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:     "export --format FORMAT [flags]",
		GroupID: groupAuthorization,
		Short:   "Print the login as another library's token file",
		Long: `Prints the profile's tokens as the file in which another library keeps its own,
so that a login can move there. The formats are

  spotipy   spotipy's .cache (Python)
  python    token JSON of spotipie for Python
  rspotify  rspotify's token cache (Rust)
  oauth2    token JSON of golang.org/x/oauth2, which has no scopes

The access token is renewed before if it is due. What is printed gives access to
the account: keep it where nobody else can read it. On a terminal it is asked
first whether to show it; where nobody can be asked, that needs --yes.

If Spotify gives a new refresh token some day, only one of the two programs has
it. For a program that runs beside this one, 'spotipie token' is the better way.`,
		Example: `  (umask 077; spotipie export --format spotipy > .cache)
  spotipie export --format oauth2 --profile work | my-program`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "", "`FORMAT` of the file: "+tokenformat.Names())
	flags.BoolVarP(&f.yes, "yes", "y", false, "print it to a terminal without asking")
	addSettingsFlags(cmd)
	_ = cmd.RegisterFlagCompletionFunc("format", completeFormats)
	return cmd
}

func completeFormats(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var formats []cobra.Completion
	for _, f := range tokenformat.Formats() {
		formats = append(formats, cobra.CompletionWithDesc(string(f), f.Description()))
	}
	return formats, cobra.ShellCompDirectiveNoFileComp
}

func (f *exportFlags) run(cmd *cobra.Command) error {
	s, err := newSettings(cmd)
	if err != nil {
		return err
	}
	if f.format == "" {
		return usage(cmd, fmt.Errorf("--format is needed: %s", tokenformat.Names()))
	}
	format, err := tokenformat.Lookup(f.format)
	if err != nil {
		return usage(cmd, fmt.Errorf("--format: %w", err))
	}
	ctx := cmd.Context()
	var token *spotipie.Token
	err = s.withSession(ctx, func(session spotipie.Session) error {
		if err := f.maySee(s); err != nil {
			return err
		}
		if _, err := session.Token(ctx); err != nil {
			return err
		}
		token = session.CurrentToken()
		return nil
	})
	if err != nil {
		return err
	}
	data, err := tokenformat.Encode(token, format)
	if err != nil {
		return err
	}
	return write(cmd, string(data))
}

// maySee asks before secrets are shown on a terminal, where they stay to be
// scrolled back to.
func (f *exportFlags) maySee(s *settings) error {
	if f.yes || !cli.IsTerminal(s.cmd.OutOrStdout()) {
		return nil
	}
	if !cli.CanAsk(s.cmd.InOrStdin(), s.cmd.ErrOrStderr()) {
		return usage(s.cmd, errors.New("stdout is a terminal, where others may see the tokens: "+
			"say --yes to print them there, or redirect it into a file"))
	}
	sure, err := cli.Confirm(s.cmd.Context(), s.cmd.InOrStdin(), s.cmd.ErrOrStderr(),
		"This shows tokens that give access to the account. Print them to the terminal?")
	if err == nil && !sure {
		err = errors.New("nothing was printed; redirect it into a file")
	}
	return err
}
