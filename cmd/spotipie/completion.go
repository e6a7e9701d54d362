package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

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
and scopes with what they mean.`,
		Example: `  source <(spotipie completion bash)   # in ~/.bashrc
  source <(spotipie completion zsh)    # in ~/.zshrc, after compinit
  spotipie completion fish | source    # in ~/.config/fish/config.fish
  spotipie completion powershell | Out-String | Invoke-Expression`,
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
			if err := generators[args[0]](cmd.Root(), cmd.OutOrStdout()); err != nil {
				return fmt.Errorf("completion: writing the script: %w", err)
			}
			return nil
		},
	}
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
