// Package demo is the command demo: it runs every flow against accounts
// services that it starts.
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
		Long: `Starts accounts services that behave like Spotify's on free loopback ports, runs
every flow against them, and says what happened: logins, renewals, refusals,
rate limits. It checks every line; a wrong line is marked, and the exit code is
then 1.

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

// thisCommand is how the user starts the tool: as an installed program, or from
// its source.
func thisCommand() string {
	path, err := os.Executable()
	if err == nil && strings.Contains(filepath.ToSlash(path), "/go-build") { // go run builds into such a folder
		return "go run ./cmd/spotipie"
	}
	return "spotipie"
}
