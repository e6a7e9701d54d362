package settings

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/commandline"
)

// maxSecretFile is more than any client secret has.
const maxSecretFile = 4096

// readSecretFile reads a file, or stdin for -. If stdin is a terminal, it asks
// for the secret.
func readSecretFile(cmd *cobra.Command, path string) (string, error) {
	if terminal, ok := cmd.InOrStdin().(*os.File); ok && path == "-" && cli.IsTerminal(terminal) {
		if !cli.CanAsk(terminal, cmd.ErrOrStderr()) {
			return "", errors.New("there is no terminal to ask on: use a pipe or a file")
		}
		secret, err := cli.AskSecret(cmd.Context(), terminal, cmd.ErrOrStderr(), "Client secret: ")
		return strings.TrimSpace(secret), err
	}
	data, err := commandline.ReadInput(cmd, "--client-secret-file -", path, maxSecretFile)
	return strings.TrimSpace(string(data)), err
}

// readSecret returns the client secret. It has no flag, because other users can
// see command lines, and shells record them.
func (s *Settings) readSecret(profile, top string) (Setting, error) {
	found := s.pick("client-secret-file", "CLIENT_SECRET", profile, top, "")
	if found.From != "--client-secret-file" {
		return found, nil
	}
	in := commandline.InputsOf(s.Cmd)
	if in.ClientSecret == "" {
		secret, err := readSecretFile(s.Cmd, found.Value)
		if err != nil {
			return Setting{}, fmt.Errorf("--client-secret-file: %w", err)
		}
		if secret == "" {
			return Setting{}, errors.New("--client-secret-file: the file is empty")
		}
		in.ClientSecret = secret
	}
	return Setting{in.ClientSecret, found.From, OnCommandLine}, nil
}

// Credentials returns the credentials of the app, with the secret if there is
// one.
func (s *Settings) Credentials() spotipie.Credentials {
	return spotipie.Credentials{
		ClientID: s.ClientID.Value, ClientSecret: s.Secret.Value, RedirectURI: s.RedirectURI.Value,
	}
}
