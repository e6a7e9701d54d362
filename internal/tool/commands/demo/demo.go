// Package demo plays every flow against accounts services of its own.
package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/demo"
	"github.com/spotipie/spotipie/internal/tool/commandline"
)

// New returns the command demo.
func New() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Watch every flow at work, offline, in a second",
		Long: `Starts accounts services that behave as Spotify's on free loopback ports, runs
every flow against them, and says what happened: logins, renewals, refusals,
rate limits. Every line is checked; a line that is not as it should be is marked
and makes the exit code 1.

It needs no network and no Spotify account, and leaves nothing behind. Set
NO_COLOR for plain text.`,
		Example: "  spotipie demo",
		Args:    commandline.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			err := demo.Run(cmd.Context(), out, &demo.Options{Style: cli.StyleFor(out), Serve: thisCommand() + " serve"})
			if err != nil && !errors.Is(err, syscall.EPIPE) {
				return fmt.Errorf("demo: %w", err)
			}
			return nil
		},
	}
}

// thisCommand is how the tool was started, as far as that matters: installed, or
// out of its source.
func thisCommand() string {
	path, err := os.Executable()
	if err == nil && strings.Contains(filepath.ToSlash(path), "/go-build") { // where go run puts it
		return "go run ./cmd/spotipie"
	}
	return "spotipie"
}
