package tool

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/failure"
)

// completed returns the completions for a command line whose last word is being
// typed, and the directive after them.
func completed(t *testing.T, words ...string) (offers []string, directive string) {
	t.Helper()
	var stdout, stderr strings.Builder
	if code := execute(t.Context(), append([]string{cobra.ShellCompRequestCmd}, words...), &stdout, &stderr); code != failure.ExitOK {
		t.Fatalf("%q: exit code %d: %s", words, code, stderr.String())
	}
	lines := strings.Split(strings.TrimSuffix(stdout.String(), "\n"), "\n")
	return lines[:len(lines)-1], lines[len(lines)-1]
}

// everyCommand calls visit with each command and its words on the command line.
func everyCommand(visit func(cmd *cobra.Command, words []string)) {
	commandline.Each(newRoot(nil), func(cmd *cobra.Command) {
		visit(cmd, strings.Fields(cmd.CommandPath())[1:])
	})
}

// A flag is offered with its whole text, in one line, without the marks for the help.
func TestFlagsInCompletions(t *testing.T) {
	everyCommand(func(cmd *cobra.Command, words []string) {
		offers, _ := completed(t, append(words, "--")...)
		cmd.InheritedFlags() // puts the root's among those of cmd
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			text := strings.Join(strings.Fields(strings.ReplaceAll(f.Usage, "`", "")), " ")
			if want := "--" + f.Name + "\t" + text; !slices.Contains(offers, want) {
				t.Errorf("%s: no offer %q in %q", cmd.CommandPath(), want, offers)
			}
		})
	})
}

// Files are offered only where the help says FILE.
func TestFilesInCompletions(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	const files, noFiles, noFilesNoSpace = ":0", ":4", ":6"
	everyCommand(func(cmd *cobra.Command, words []string) {
		check := func(want string, more ...string) {
			line := append(slices.Clone(words), more...)
			if _, got := completed(t, line...); got != want && (want == files || got != noFilesNoSpace) {
				t.Errorf("spotipie %q: directive %s, want %s", line, got, want)
			}
		}
		want := noFiles
		if cmd.Name() == "import" {
			want = files
		}
		check(want, "")
		check(noFiles, "x", "")
		check(noFiles, "x", "y", "")
		cmd.InheritedFlags()
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			want := noFiles
			if name, _ := pflag.UnquoteUsage(f); name == "FILE" {
				want = files
			}
			if f.NoOptDefVal == "" { // its value is the next word
				check(want, "--"+f.Name, "")
			}
		})
	})
}

func TestCompletions(t *testing.T) {
	config := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config)
	t.Setenv("HOME", config)
	for _, dir := range []string{"spotipie", "Library/Application Support/spotipie"} { // the second is macOS's
		dir = filepath.Join(config, dir)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"profiles":{"home":{},"work":{}}}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	commands := []string{
		"api", "completion", "demo", "doctor", "export", "import", "login", "logout", "profiles", "refresh", "scopes", "serve",
		"settings", "status", "store", "token", "version",
	}
	for name, test := range map[string]struct {
		words string
		want  []string
	}{
		"help":                   {"help ", commands},
		"help of a command":      {"help profiles ", []string{"default", "delete", "list", "rename"}},
		"help of a last command": {"help serve ", nil},
		"help of none":           {"help xyzzy ", nil},
		"profile":                {"token --profile ", []string{"home", "work"}},
		"default":                {"profiles default ", []string{"home", "work"}},
		"one default":            {"profiles default work ", nil},
		"delete":                 {"profiles delete ", []string{"home", "work"}},
		"one to delete":          {"profiles delete work ", nil},
		"old name":               {"profiles rename ", []string{"home", "work"}},
		"new name":               {"profiles rename work ", nil},
		"stores to copy":         {"store copy ", []string{"file:", "keyring:", "redis://", "postgres://"}},
		"a third store":          {"store copy file: redis:// ", nil},
		"shell":                  {"completion ", []string{"bash", "fish", "powershell", "zsh"}},
		"one shell":              {"completion bash ", nil},
	} {
		t.Run(name, func(t *testing.T) {
			offers, _ := completed(t, strings.Split(test.words, " ")...)
			var got []string
			for _, offer := range offers {
				word, _, _ := strings.Cut(offer, "\t")
				got = append(got, word)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
