package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spotipie/spotipie/internal/config"
)

func newCompletion() *cobra.Command {
	generators := map[string]func(*cobra.Command, io.Writer) error{
		"bash":       func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"zsh":        func(root *cobra.Command, w io.Writer) error { return root.GenZshCompletion(w) },
		"fish":       func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
		"powershell": func(root *cobra.Command, w io.Writer) error { return root.GenPowerShellCompletionWithDesc(w) },
	}
	return &cobra.Command{
		Use:     "completion bash|zsh|fish|powershell",
		GroupID: groupTool,
		Short:   "Print a script that completes command lines",
		Long: `Prints a script for your shell, which then completes commands, flags, profiles,
and scopes with what they mean. Load it by the line below, in the file that your
shell reads when it starts. bash needs the package bash-completion for it, which
most systems have by that name; without it Tab says that _get_comp_words_by_ref
is not found.`,
		Example: `  source <(spotipie completion bash)   # ~/.bashrc, after bash-completion
  source <(spotipie completion zsh)    # ~/.zshrc, after compinit
  spotipie completion fish | source    # ~/.config/fish/config.fish
  spotipie completion powershell | Out-String | Invoke-Expression   # $PROFILE`,
		ValidArgs: sortedKeys(generators),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(cmd, fmt.Errorf("takes the name of one shell: bash, zsh, fish or powershell"))
			}
			if generators[args[0]] == nil {
				return usage(cmd, fmt.Errorf("unknown shell %q: there are bash, zsh, fish and powershell", args[0]))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var script strings.Builder
			if err := generators[args[0]](cmd.Root(), &script); err != nil {
				return fmt.Errorf("making the script: %w", err)
			}
			return write(cmd, script.String())
		},
	}
}

// isCompletion reports whether the command line is that of a shell which asks
// for completions.
func isCompletion(args []string) bool {
	return len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

// fitForCompletion makes the texts of flags ones that shells can show: a line
// each, without the marks that are for the help. Files are offered where the
// help says FILE, and nowhere else.
func fitForCompletion(root *cobra.Command) {
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	oneLine := strings.NewReplacer("`", "", "\n", " ")
	eachCommand(root, func(cmd *cobra.Command) {
		fit := func(f *pflag.Flag) {
			if name, _ := pflag.UnquoteUsage(f); name == "FILE" {
				_ = cmd.RegisterFlagCompletionFunc(f.Name, completeFiles)
			}
			f.Usage = oneLine.Replace(f.Usage)
		}
		cmd.Flags().VisitAll(fit)
		cmd.PersistentFlags().VisitAll(fit)
		if slices.Contains(strings.Fields(cmd.Use), "FILE") {
			cmd.ValidArgsFunction = first(completeFiles)
		}
	})
}

// first completes the first argument, and no other.
func first(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(cmd, args, typed)
	}
}

// completeFiles leaves it to the shell.
func completeFiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// completeCommands offers the commands, and the texts that only 'spotipie help'
// shows.
func completeCommands(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	found, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var offers []cobra.Completion
	for _, sub := range found.Commands() {
		if sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
			offers = append(offers, cobra.CompletionWithDesc(sub.Name(), sub.Short))
		}
	}
	return offers, cobra.ShellCompDirectiveNoFileComp
}

// completeProfiles offers the profiles in the config file.
func completeProfiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	path, err := config.DefaultPath()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	file, err := config.Read(path)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return sortedKeys(file.Profiles), cobra.ShellCompDirectiveNoFileComp
}

// completeStores offers the kinds of store.
func completeStores(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{
		cobra.CompletionWithDesc("file:", "files in a folder"),
		cobra.CompletionWithDesc("keyring:", "files sealed with a key from the system's keyring"),
		cobra.CompletionWithDesc("redis://", "Redis"),
		cobra.CompletionWithDesc("postgres://", "PostgreSQL"),
	}, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
