package commandline

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie/internal/cli"
)

// Inputs is what has been read so far for a command line.
type Inputs struct {
	// stdin is the part of the command line that stdin was read for. Stdin can
	// be read only once: a second reader would find nothing.
	stdin string
	// ClientSecret is the secret of --client-secret-file, which a command may
	// need for many profiles. It is empty if it was not read yet.
	ClientSecret string
	// Variables are the secrets that were read from environment variables, and
	// from the files that these name, by the variables' names.
	Variables map[string]Secret
}

// Secret is a secret, and the environment variable that it comes from; both may
// be empty.
type Secret struct{ Value, From string }

type inputsKey struct{}

// WithInputs returns the context of one command line, for which nothing is read yet.
func WithInputs(ctx context.Context) context.Context {
	return context.WithValue(ctx, inputsKey{}, &Inputs{Variables: map[string]Secret{}})
}

// InputsOf returns what has been read for the command line of cmd, which must
// have been run by Execute, or have a context of WithInputs.
func InputsOf(cmd *cobra.Command) *Inputs { return cmd.Context().Value(inputsKey{}).(*Inputs) }

// ErrStdinTwice means that the command line names stdin twice.
var ErrStdinTwice = errors.New("stdin can be read only once")

// ReadInput reads a FILE of the command line, where - is stdin. use is the part
// of the command line that names it. An interruption ends the reading.
func ReadInput(cmd *cobra.Command, use, name string, limit int64) ([]byte, error) {
	if in := InputsOf(cmd); name == "-" {
		if in.stdin != "" {
			return nil, fmt.Errorf("%w: for %s and for %s", ErrStdinTwice, in.stdin, use)
		}
		in.stdin = use
	}
	return cli.ReadInput(cmd.Context(), cmd.InOrStdin(), name, limit)
}
