package settings

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/envsecret"
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
	if err != nil {
		return "", err
	}
	return envsecret.Line(path, data)
}

// readSecret returns the client secret. It has no flag, because other users can
// see command lines, and shells record them.
func (s *Settings) readSecret(profile, top string) (Setting, error) {
	found, err := s.pickSecret("client-secret-file", "CLIENT_SECRET", profile, top)
	if err != nil || found.From != "--client-secret-file" {
		return found, err
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

// pickSecret is pick for a setting that may have a secret. Its variable has a
// second form, with _FILE at its end, that names a file.
func (s *Settings) pickSecret(flag, variable, profile, top string) (Setting, error) {
	found := s.pick(flag, variable, profile, top, "")
	if found.Place == OnCommandLine {
		return found, nil
	}
	variable = s.Variable(variable)
	in := commandline.InputsOf(s.Cmd)
	secret, ok := in.Variables[variable]
	if !ok {
		var err error
		if secret.Value, secret.From, err = envsecret.Lookup(s.Cmd.Context(), variable); err != nil {
			return Setting{}, err
		}
		in.Variables[variable] = secret
	}
	if secret.From == "" {
		return found, nil
	}
	return Setting{secret.Value, secret.From, inEnvironment}, nil
}

// variableOf returns the environment variable that later commands need for a
// secret: the one that it comes from now, or the one with that name.
func (s *Settings) variableOf(secret Setting, name string) string {
	if secret.Place == inEnvironment {
		return secret.From
	}
	return s.Variable(name)
}

// Credentials returns the credentials of the app, with the secret if there is
// one.
func (s *Settings) Credentials() spotipie.Credentials {
	return spotipie.Credentials{
		ClientID: s.ClientID.Value, ClientSecret: s.Secret.Value, RedirectURI: s.RedirectURI.Value,
	}
}
