package completion_test

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie/internal/tool/commands/completion"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		stdout, stderr, code := tooltest.Run(t.Context(), completion.New(), "completion", shell)
		if code != failure.ExitOK || stderr != "" || !strings.Contains(stdout, "__complete") {
			t.Errorf("%s: exit code %d, stderr %q, %d bytes", shell, code, stderr, len(stdout))
		}
	}
	for _, args := range [][]string{{"completion"}, {"completion", "ksh"}} {
		if _, stderr, code := tooltest.Run(t.Context(), completion.New(), args...); code != failure.ExitUsage || !strings.Contains(stderr, "bash, zsh, fish") {
			t.Errorf("%q: exit code %d, stderr %q", args, code, stderr)
		}
	}
}

// TestFit checks that a shell shows one line for each flag, and completes files
// where the help says FILE.
func TestFit(t *testing.T) {
	root := &cobra.Command{Use: "spotipie"}
	cmd := &cobra.Command{Use: "x FILE", Run: func(*cobra.Command, []string) {}}
	cmd.Flags().String("a", "", "`FILE` of\ntwo lines")
	root.AddCommand(cmd)
	completion.Fit(root)
	if got := cmd.Flag("a").Usage; got != "FILE of two lines" {
		t.Errorf("got %q", got)
	}
	for _, complete := range []cobra.CompletionFunc{cmd.ValidArgsFunction, first(cmd.GetFlagCompletionFunc("a"))} {
		if _, directive := complete(cmd, nil, ""); directive != cobra.ShellCompDirectiveDefault {
			t.Errorf("directive %d", directive)
		}
	}
	if !completion.IsRequest([]string{"__complete", ""}) || completion.IsRequest([]string{"token"}) || completion.IsRequest(nil) {
		t.Error("requests of shells are not told from others")
	}
}

func first(complete cobra.CompletionFunc, _ bool) cobra.CompletionFunc { return complete }
