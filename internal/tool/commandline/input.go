package commandline

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie/internal/cli"
)

// Inputs is what a command line has had read so far.
type Inputs struct {
	// stdin is what stdin was read for, in words of the command line. It can be
	// read once: who comes second would find nothing.
	stdin string
	// ClientSecret is that of --client-secret-file, which a command may need for
	// many profiles. Empty if it was not read yet.
	ClientSecret string
}

type inputsKey struct{}

// withInputs returns the context of one command line, in which nothing is read yet.
func withInputs(ctx context.Context) context.Context {
	return context.WithValue(ctx, inputsKey{}, &Inputs{})
}

// InputsOf returns what the command line of cmd has had read. Execute has
// to run it.
func InputsOf(cmd *cobra.Command) *Inputs { return cmd.Context().Value(inputsKey{}).(*Inputs) }

// ErrStdinTwice: the command line names stdin twice.
var ErrStdinTwice = errors.New("stdin can be read once")

// ReadInput reads what the command line names as FILE, where - is stdin. use is
// the part of the command line that names it. An interruption ends it.
func ReadInput(cmd *cobra.Command, use, name string, limit int64) ([]byte, error) {
	if in := InputsOf(cmd); name == "-" {
		if in.stdin != "" {
			return nil, fmt.Errorf("%w: for %s and for %s", ErrStdinTwice, in.stdin, use)
		}
		in.stdin = use
	}
	return cli.ReadInput(cmd.Context(), cmd.InOrStdin(), name, limit)
}
