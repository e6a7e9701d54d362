// Package export prints a login as the token file of another library.
package export

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tokenformat"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/output"
	"github.com/spotipie/spotipie/internal/tool/sessions"
	"github.com/spotipie/spotipie/internal/tool/settings"
)

type flags struct {
	output string
	format string
	yes    bool
}

// New returns the command export.
func New() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "export --format FORMAT [flags]",
		Short: "Print the login as another library's token file",
		Long: `Prints the profile's tokens in the file format of another library, so that the
login can move there. The formats are

  spotipy   spotipy's .cache (Python)
  python    token JSON of spotipie for Python
  rspotify  rspotify's token cache (Rust)
  oauth2    token JSON of golang.org/x/oauth2, which has no scopes

The access token is renewed first if necessary. The tokens give access to the
account: --output writes them to a file that only you can read. Before it prints
them to a terminal, the command asks; if it cannot ask, it needs --yes.

If Spotify ever issues a new refresh token, only one of the two programs gets
it. If you use both programs, let the other one run 'spotipie token' instead.`,
		Example: `  spotipie export --format spotipy --output .cache
  spotipie export --format oauth2 --profile work --output token.json`,
		Args: commandline.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "", "`FORMAT` of the file: "+tokenformat.Names())
	flags.StringVarP(&f.output, "output", "o", "", "`FILE` to write it to; only you can read it")
	flags.BoolVarP(&f.yes, "yes", "y", false, "print it to a terminal without asking")
	settings.AddFlags(cmd)
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

func (f *flags) run(cmd *cobra.Command) error {
	s, err := settings.Read(cmd)
	if err != nil {
		return err
	}
	if f.format == "" {
		return failure.Usage(cmd, fmt.Errorf("--format is needed: %s", tokenformat.Names()))
	}
	format, err := tokenformat.Lookup(f.format)
	if err != nil {
		return failure.Usage(cmd, fmt.Errorf("--format: %w", err))
	}
	ctx := cmd.Context()
	var token *spotipie.Token
	err = sessions.Use(ctx, s, func(session spotipie.Session) error {
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
	if f.output == "" {
		return output.Write(cmd, string(data))
	}
	if err := writePrivate(f.output, data); err != nil {
		return fmt.Errorf("writing %s: %w", f.output, err)
	}
	s.Say("The tokens are in %s, which only you can read.", f.output)
	return nil
}

// writePrivate writes a file that only its owner can read. It replaces an
// existing file, completely or not at all.
func writePrivate(path string, data []byte) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return errors.New("it is not a file")
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".spotipie-*.tmp") // mode 0600
	if err != nil {
		return cause(err)
	}
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
	}
	return cause(err)
}

// cause returns the error without the name of the temporary file.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// maySee asks before secrets are shown on a terminal, where anybody can scroll
// back to them.
func (f *flags) maySee(s *settings.Settings) error {
	if f.yes || f.output != "" || !cli.IsTerminal(s.Cmd.OutOrStdout()) {
		return nil
	}
	if !cli.CanAsk(s.Cmd.InOrStdin(), s.Cmd.ErrOrStderr()) {
		return failure.Usage(s.Cmd, errors.New("stdout is a terminal, where others may see the tokens: "+
			"use --yes to print them anyway, or redirect the output into a file"))
	}
	sure, err := cli.Confirm(s.Cmd.Context(), s.Cmd.InOrStdin(), s.Cmd.ErrOrStderr(),
		"This shows tokens that give access to the account. Print them to the terminal?")
	if err == nil && !sure {
		err = errors.New("nothing was printed; use --output FILE to write to a file")
	}
	return err
}
