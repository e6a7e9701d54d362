// Package help prints the help of the commands, and explains where settings
// come from.
package help

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/output"
	"github.com/spotipie/spotipie/internal/tool/settings"
)

const name = "help"

// Width is the maximum width of a help text, in columns.
const Width = 80

// New returns the command help.
func New() *cobra.Command {
	return &cobra.Command{
		Use:   name + " [command]",
		Short: "Show the help of a command",
		Long: `Shows the help of a command, as its --help does. 'spotipie help settings'
explains where the commands get their settings from.`,
		Hidden:            true, // the other texts mention only --help
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeCommands,
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			switch {
			case err != nil:
				return failure.Usage(cmd.Root(), err)
			case len(rest) > 0:
				return commandline.UnknownCommand(cmd.Root(), rest[0])
			}
			return output.Write(cmd, Text(found))
		},
	}
}

// Topic is the command whose help cmd's --help shows: for 'spotipie help' that
// of the command named by its argument.
func Topic(cmd *cobra.Command) *cobra.Command {
	if cmd.Name() != name {
		return cmd
	}
	found, rest, err := cmd.Root().Find(cmd.Flags().Args())
	if err != nil || len(rest) > 0 || !found.HasParent() {
		return cmd
	}
	return found
}

// Text returns a command's help.
func Text(cmd *cobra.Command) string {
	var b strings.Builder
	section := func(title, text string) {
		if text = strings.TrimRight(text, "\n"); text != "" {
			fmt.Fprintf(&b, "\n%s:\n%s\n", title, text)
		}
	}
	if cmd.Runnable() {
		b.WriteString("Usage: " + cmd.UseLine() + "\n\n")
	}
	b.WriteString(cmd.Long + "\n")
	for _, group := range cmd.Groups() {
		section(group.Title, commandsOf(cmd, group.ID))
	}
	cmd.InheritedFlags() // puts the root's among those of cmd
	own, shared := splitFlags(cmd.Flags())
	section("Commands", commandsOf(cmd, ""))
	if cmd.Runnable() {
		section("Flags", own.FlagUsagesWrapped(Width))
	}
	section("Settings, also from the environment; see 'spotipie help settings'", flagNames(shared))
	section("Examples", cmd.Example)
	if cmd.HasParent() {
		return b.String()
	}
	section("Exit codes", `  0  it worked        2  wrong flags or settings    4  access was denied
  1  it did not work  3  sign in (again)          130  interrupted`)
	b.WriteString("\nMore about a command: spotipie <command> --help\nMore about settings:  spotipie help settings\n")
	return b.String()
}

// splitFlags separates a command's own flags from those for settings.
func splitFlags(flags *pflag.FlagSet) (own, shared *pflag.FlagSet) {
	own, shared = pflag.NewFlagSet("", pflag.ContinueOnError), pflag.NewFlagSet("", pflag.ContinueOnError)
	own.SortFlags, shared.SortFlags = false, false
	flags.VisitAll(func(f *pflag.Flag) {
		if _, ok := f.Annotations[settings.Annotation]; ok {
			shared.AddFlag(f)
		} else {
			own.AddFlag(f)
		}
	})
	return own, shared
}

// flagNames lists the names of flags without descriptions.
func flagNames(flags *pflag.FlagSet) string {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	const indent = "  "
	text := cli.Wrap(strings.Join(names, ", "), Width-len(indent))
	if text == "" {
		return ""
	}
	return indent + strings.ReplaceAll(text, "\n", "\n"+indent)
}

func commandsOf(cmd *cobra.Command, group string) string {
	var b strings.Builder
	for _, sub := range cmd.Commands() {
		if sub.GroupID == group && sub.IsAvailableCommand() {
			fmt.Fprintf(&b, "  %-10s  %s\n", sub.Name(), sub.Short)
		}
	}
	return b.String()
}

// completeCommands completes the commands, and the topics that only 'spotipie
// help' shows.
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
