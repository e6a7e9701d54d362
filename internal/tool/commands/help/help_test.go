package help_test

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"go.uber.org/goleak"

	"github.com/spotipie/spotipie/internal/tool/commands/help"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestText checks that the settings are listed and the command's own flags are
// explained.
func TestText(t *testing.T) {
	root := &cobra.Command{Use: "spotipie"}
	cmd := &cobra.Command{
		Use: "x [flags]", Short: "Do it", Long: "Does it.", Example: "  spotipie x --own 1", Run: func(*cobra.Command, []string) {},
	}
	cmd.Flags().Int("own", 0, "a `NUMBER`")
	settings.AddFlags(cmd)
	root.AddCommand(cmd)
	got := help.Text(cmd)
	for _, want := range []string{
		"Usage: spotipie x [flags]\n\nDoes it.\n", "\nFlags:\n      --own NUMBER   a NUMBER\n", "\nExamples:\n  spotipie x --own 1\n", "  --accounts-url, ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "--store STORE") {
		t.Errorf("the settings are explained:\n%s", got)
	}
}

func TestHelpOfNone(t *testing.T) {
	for line, want := range map[string]string{
		"help xyzzy":    `spotipie: unknown command "xyzzy"`,
		"help help nix": `unknown command "nix"`,
	} {
		if _, stderr, code := tooltest.Run(t.Context(), help.New(), strings.Fields(line)...); code != failure.ExitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, stderr %q", line, code, stderr)
		}
	}
}
