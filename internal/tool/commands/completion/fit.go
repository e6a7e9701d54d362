package completion

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spotipie/spotipie/internal/tool/commandline"
)

// IsRequest reports whether a shell has made the command line to ask for
// completions.
func IsRequest(args []string) bool {
	return len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

// Fit makes the texts of flags fit for shells: one line each, without the marks
// that are for the help. Files are completed only where the help says FILE.
func Fit(root *cobra.Command) {
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	oneLine := strings.NewReplacer("`", "", "\n", " ")
	commandline.Each(root, func(cmd *cobra.Command) {
		fit := func(f *pflag.Flag) {
			if name, _ := pflag.UnquoteUsage(f); name == "FILE" {
				_ = cmd.RegisterFlagCompletionFunc(f.Name, commandline.CompleteFiles)
			}
			f.Usage = oneLine.Replace(f.Usage)
		}
		cmd.Flags().VisitAll(fit)
		cmd.PersistentFlags().VisitAll(fit)
		if slices.Contains(strings.Fields(cmd.Use), "FILE") {
			cmd.ValidArgsFunction = commandline.CompleteFirst(commandline.CompleteFiles)
		}
	})
}
