package commandline_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"go.uber.org/goleak"

	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/failure"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// carriedOut runs a command "x" that takes the arguments that args allows.
func carriedOut(ctx context.Context, args cobra.PositionalArgs, run func(*cobra.Command) error, line ...string) (stderr string, code int) {
	root := &cobra.Command{Use: "spotipie", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(&cobra.Command{
		Use: "x", Args: args, RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd) },
	})
	var errs strings.Builder
	code = commandline.Execute(ctx, root, append([]string{"x"}, line...), io.Discard, &errs)
	return errs.String(), code
}

func works(*cobra.Command) error { return nil }

func TestArguments(t *testing.T) {
	for name, test := range map[string]struct {
		args   cobra.PositionalArgs
		line   string
		stderr string
	}{
		"none":               {commandline.NoArguments, "", ""},
		"one that is none":   {commandline.NoArguments, "a", "spotipie: x: takes no arguments, only flags; see 'spotipie x --help'\n"},
		"exactly as many":    {commandline.Exactly(2, "takes two"), "a b", ""},
		"fewer than exactly": {commandline.Exactly(2, "takes two"), "a", "spotipie: x: takes two; see 'spotipie x --help'\n"},
		"more than exactly":  {commandline.Exactly(2, "takes two"), "a b c", "spotipie: x: takes two; see 'spotipie x --help'\n"},
		"up to":              {commandline.UpTo(1, "takes one, or none"), "a", ""},
		"up to, none":        {commandline.UpTo(1, "takes one, or none"), "", ""},
		"more than up to":    {commandline.UpTo(1, "takes one, or none"), "a b", "spotipie: x: takes one, or none; see 'spotipie x --help'\n"},
	} {
		t.Run(name, func(t *testing.T) {
			code := failure.ExitOK
			if test.stderr != "" {
				code = failure.ExitUsage
			}
			if stderr, got := carriedOut(t.Context(), test.args, works, strings.Fields(test.line)...); got != code || stderr != test.stderr {
				t.Errorf("got %q, exit code %d, want %q, %d", stderr, got, test.stderr, code)
			}
		})
	}
}

func TestUnknownCommand(t *testing.T) {
	root := &cobra.Command{Use: "spotipie", SuggestionsMinimumDistance: 2}
	root.AddCommand(&cobra.Command{Use: "token", Run: func(*cobra.Command, []string) {}})
	for name, want := range map[string]string{
		"tokne": `unknown command "tokne" (did you mean token?); see 'spotipie --help'`,
		"xyzzy": `unknown command "xyzzy"; see 'spotipie --help'`,
	} {
		if got := commandline.UnknownCommand(root, name).Error(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestStdinIsReadOnce checks that a second reader gets an error, because it would find
// nothing.
func TestStdinIsReadOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("from the file"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, code := carriedOut(t.Context(), nil, func(cmd *cobra.Command) error {
		cmd.SetIn(strings.NewReader("from stdin"))
		for _, test := range []struct{ name, want string }{{"-", "from stdin"}, {file, "from the file"}, {file, "from the file"}} {
			if got, err := commandline.ReadInput(cmd, "--input "+test.name, test.name, 100); err != nil || string(got) != test.want {
				t.Errorf("%s: got %q, %v", test.name, got, err)
			}
		}
		_, err := commandline.ReadInput(cmd, "-F a=@-", "-", 100)
		if !errors.Is(err, commandline.ErrStdinTwice) || !strings.HasSuffix(err.Error(), ": for --input - and for -F a=@-") {
			t.Errorf("the second time: %v", err)
		}
		return nil
	})
	if code != failure.ExitOK {
		t.Errorf("exit code %d", code)
	}
	_, _ = carriedOut(t.Context(), nil, func(cmd *cobra.Command) error { // another command line
		cmd.SetIn(strings.NewReader("again"))
		if got, err := commandline.ReadInput(cmd, "--input -", "-", 100); err != nil || string(got) != "again" {
			t.Errorf("got %q, %v", got, err)
		}
		return nil
	})
}

// TestExecute checks that an error is reported once, with the name of its command.
func TestExecute(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx    context.Context
		err    error
		stderr string
		code   int
	}{
		"it works":              {t.Context(), nil, "", failure.ExitOK},
		"a failure":             {t.Context(), errors.New("broken"), "spotipie: x: broken\n", failure.ExitFailure},
		"one that names itself": {t.Context(), errors.New("x: broken"), "spotipie: x: broken\n", failure.ExitFailure},
		"interrupted":           {ended, context.Canceled, "spotipie: interrupted\n", failure.ExitInterrupted},
		"interrupted while it read what the line names": {ended,
			failure.Usage(&cobra.Command{Use: "x"}, context.Canceled), "spotipie: interrupted\n", failure.ExitInterrupted},
	} {
		t.Run(name, func(t *testing.T) {
			stderr, code := carriedOut(test.ctx, nil, func(*cobra.Command) error { return test.err })
			if stderr != test.stderr || code != test.code {
				t.Errorf("got %q, exit code %d, want %q, %d", stderr, code, test.stderr, test.code)
			}
		})
	}
}

func TestCompleteFirst(t *testing.T) {
	complete := commandline.CompleteFirst(func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return []cobra.Completion{"home"}, cobra.ShellCompDirectiveDefault
	})
	if offers, _ := complete(nil, nil, ""); len(offers) != 1 {
		t.Errorf("the first argument: %q", offers)
	}
	if offers, directive := complete(nil, []string{"home"}, ""); len(offers) != 0 || directive != cobra.ShellCompDirectiveNoFileComp {
		t.Errorf("the second argument: %q, %d", offers, directive)
	}
}
