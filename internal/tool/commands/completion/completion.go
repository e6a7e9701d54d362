// Package completion prints scripts that complete command lines in a shell, and
// shortens the texts of flags for them.
package completion

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/output"
)

// New returns the command completion.
func New() *cobra.Command {
	generators := map[string]func(*cobra.Command, io.Writer) error{
		"bash":       bash,
		"zsh":        func(root *cobra.Command, w io.Writer) error { return root.GenZshCompletion(w) },
		"fish":       func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
		"powershell": func(root *cobra.Command, w io.Writer) error { return root.GenPowerShellCompletionWithDesc(w) },
	}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a script that completes command lines",
		Long: `Prints a script for your shell, which then completes commands, flags, profiles,
and scopes with what they mean. Put the line below that is for your shell into
the file named behind it, which the shell reads when it starts. bash also needs
the package bash-completion; without it Tab prints that _get_comp_words_by_ref
is not found.`,
		Example: `  source <(spotipie completion bash)   # ~/.bashrc, after bash-completion
  source <(spotipie completion zsh)    # ~/.zshrc, after compinit
  spotipie completion fish | source    # ~/.config/fish/config.fish
  spotipie completion powershell | Out-String | Invoke-Expression   # $PROFILE`,
		ValidArgs: slices.Sorted(maps.Keys(generators)),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return failure.Usage(cmd, fmt.Errorf("takes the name of one shell: bash, zsh, fish or powershell"))
			}
			if generators[args[0]] == nil {
				return failure.Usage(cmd, fmt.Errorf("unknown shell %q: use bash, zsh, fish or powershell", args[0]))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var script strings.Builder
			if err := generators[args[0]](cmd.Root(), &script); err != nil {
				return fmt.Errorf("making the script: %w", err)
			}
			return output.Write(cmd, script.String())
		},
	}
}

// bash writes cobra's script, changed so that it completes what follows a comma.
// The original compares what was typed with offers in which bash's %q has put a
// backslash before each comma, so they differ.
func bash(root *cobra.Command, w io.Writer) error {
	var script strings.Builder
	if err := root.GenBashCompletionV2(&script, true); err != nil {
		return err
	}
	const (
		offered = `comp=$(printf "%q" "${compline%%$tab*}")`
		single  = `COMPREPLY[0]=$(printf "%q" "${COMPREPLY[0]%%$tab*}")`
	)
	_, err := strings.NewReplacer(
		offered, offered+"\n        comp=${comp//\\\\,/,}",
		single, single+"\n        COMPREPLY[0]=${COMPREPLY[0]//\\\\,/,}",
	).WriteString(w, script.String())
	return err
}
