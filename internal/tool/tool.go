package tool

import (
	"context"
	"io"
	"log"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/commands/api"
	"github.com/spotipie/spotipie/internal/tool/commands/completion"
	"github.com/spotipie/spotipie/internal/tool/commands/demo"
	"github.com/spotipie/spotipie/internal/tool/commands/doctor"
	"github.com/spotipie/spotipie/internal/tool/commands/export"
	"github.com/spotipie/spotipie/internal/tool/commands/help"
	"github.com/spotipie/spotipie/internal/tool/commands/imports"
	"github.com/spotipie/spotipie/internal/tool/commands/login"
	"github.com/spotipie/spotipie/internal/tool/commands/logout"
	"github.com/spotipie/spotipie/internal/tool/commands/profiles"
	"github.com/spotipie/spotipie/internal/tool/commands/refresh"
	"github.com/spotipie/spotipie/internal/tool/commands/scopes"
	"github.com/spotipie/spotipie/internal/tool/commands/serve"
	"github.com/spotipie/spotipie/internal/tool/commands/status"
	"github.com/spotipie/spotipie/internal/tool/commands/store"
	"github.com/spotipie/spotipie/internal/tool/commands/token"
	"github.com/spotipie/spotipie/internal/tool/commands/version"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/interrupt"
	"github.com/spotipie/spotipie/internal/tool/output"
)

// Run is the whole tool: it runs one command line and returns the exit code.
func Run(args []string, stdout, stderr io.Writer) int {
	signal.Ignore(syscall.SIGPIPE) // a closed pipe must not end the program before a new token is saved
	log.SetOutput(io.Discard)      // net/http logs what servers send unasked, which may be a token
	return execute(interrupt.NewContext(stderr), args, stdout, stderr)
}

// execute runs a command line until ctx ends.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return commandline.Execute(ctx, newRoot(args), args, stdout, stderr)
}

// The groups of commands in the help.
const (
	groupAuthorization = "authorization"
	groupWebAPI        = "api"
	groupTool          = "tool"
	groupTry           = "try"
	noGroup            = "" // a topic that only the command help shows
)

// newRoot returns the root with only the command that args begin with, or with
// all commands if they begin with none: making the flags of all commands takes
// longer than printing a token.
func newRoot(args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "spotipie <command>",
		Short: "Spotify authorization for the shell and for every language",
		Long: `spotipie gets, keeps and renews the tokens that Spotify's Web API needs. Sign in
once, and every script, cron job and program has a valid token.`,
		Example: `  spotipie login --scope user-library-read
  curl -H "$(spotipie token --header)" https://api.spotify.com/v1/me/tracks
  spotipie status`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return commandline.UnknownCommand(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asked, _ := cmd.Flags().GetBool("version"); asked {
				return output.Write(cmd, version.Current().Line())
			}
			return cmd.Help()
		},
		PersistentPreRun: func(cmd *cobra.Command, _ []string) {
			if cmd.Name() != "token" { // it may end before it would have to be interrupted
				cmd.Context().Done()
			}
		},
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddGroup(
		&cobra.Group{ID: groupAuthorization, Title: "Authorization"},
		&cobra.Group{ID: groupWebAPI, Title: "Web API"},
		&cobra.Group{ID: groupTool, Title: "The tool itself"},
		&cobra.Group{ID: groupTry, Title: "Try it without a Spotify account"},
	)
	addCommands(root, args)
	root.SetHelpCommand(help.New())
	root.PersistentFlags().BoolP("help", "h", false, "show this help")
	root.Flags().BoolP("version", "v", false, "print the version")
	commandline.Each(root, func(cmd *cobra.Command) { // flags are shown in the order they are added in
		cmd.Flags().SortFlags = false
		cmd.PersistentFlags().SortFlags = false
	})
	if completion.IsRequest(args) {
		completion.Fit(root)
	}
	root.SuggestionsMinimumDistance = 2
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		commandline.Fail(cmd, output.Write(cmd, help.Text(help.Topic(cmd))))
	})
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if args := cmd.Flags().Args(); cmd == root && len(args) > 0 {
			return commandline.UnknownCommand(root, args[0]) // the flag may belong to that command
		}
		return failure.Usage(cmd, flagError(cmd, err))
	})
	return root
}

func addCommands(root *cobra.Command, args []string) {
	commands := []struct {
		name, group string
		make        func() *cobra.Command
	}{
		{"login", groupAuthorization, login.New},
		{"token", groupAuthorization, token.New},
		{"status", groupAuthorization, status.New},
		{"refresh", groupAuthorization, refresh.New},
		{"logout", groupAuthorization, logout.New},
		{"profiles", groupAuthorization, profiles.New},
		{"import", groupAuthorization, imports.New},
		{"export", groupAuthorization, export.New},
		{"scopes", groupAuthorization, scopes.New},
		{"api", groupWebAPI, api.New},
		{"doctor", groupTool, doctor.New},
		{"store", groupTool, store.New},
		{"completion", groupTool, completion.New},
		{"version", groupTool, version.New},
		{"settings", noGroup, help.NewSettings},
		{"demo", groupTry, demo.New},
		{"serve", groupTry, serve.New},
	}
	add := func(group string, cmd *cobra.Command) {
		cmd.GroupID = group
		root.AddCommand(cmd)
	}
	for _, c := range commands {
		if len(args) > 0 && c.name == args[0] {
			add(c.group, c.make())
			return
		}
	}
	for _, c := range commands {
		add(c.group, c.make())
	}
}
