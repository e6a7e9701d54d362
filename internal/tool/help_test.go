package tool

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/commands/help"
	"github.com/spotipie/spotipie/internal/tool/commands/token"
)

// Every command has a help text, in lines that fit a terminal.
func TestHelpOfEveryCommand(t *testing.T) {
	commandline.Each(newRoot(nil), func(cmd *cobra.Command) {
		t.Run(cmd.CommandPath(), func(t *testing.T) {
			text := help.Text(cmd)
			if cmd.Short == "" || cmd.Long == "" {
				t.Error("it has no text")
			}
			if cmd.Runnable() && cmd.Example == "" && !cmd.Hidden {
				t.Error("it has no example")
			}
			for line := range strings.Lines(text) {
				if strings.HasPrefix(line, "  spotipie ") {
					continue // an example must stay in one line, so that it can be copied
				}
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > help.Width {
					t.Errorf("%d columns: %s", n, line)
				}
			}
		})
	})
}

// shownFlag is a flag's first line in a help text.
var shownFlag = regexp.MustCompile(`(?m)^  (?:-\w, |    )--([a-z-]+)`)

// All help texts list the settings in the same order, and --help as the last of the
// other flags.
func TestFlagsInOneOrder(t *testing.T) {
	settings := []string{
		"profile", "store", "allow-exposed-store", "client-id", "client-secret-file", "redirect-uri", "accounts-url", "api-url", "allow-plain-http", "env-prefix", "debug",
	}
	commandline.Each(newRoot(nil), func(cmd *cobra.Command) {
		if !cmd.Runnable() {
			return
		}
		t.Run(cmd.CommandPath(), func(t *testing.T) {
			text := help.Text(cmd)
			own, shared, _ := strings.Cut(text, "\nSettings, also from the environment")
			ownFlags, sharedFlags := flagsShown(own), flagsNamed(shared)
			if slices.Index(ownFlags, "help") != len(ownFlags)-1 {
				t.Errorf("--help is not the last of %v", ownFlags)
			}
			want := slices.DeleteFunc(slices.Clone(settings), func(name string) bool { return !slices.Contains(sharedFlags, name) })
			if !slices.Equal(sharedFlags, want) {
				t.Errorf("settings: got %v, want %v", sharedFlags, want)
			}
		})
	})
}

func flagsShown(help string) (names []string) {
	for _, found := range shownFlag.FindAllStringSubmatch(help, -1) {
		names = append(names, found[1])
	}
	return names
}

// flagsNamed returns the flags in the first lines of a section.
func flagsNamed(section string) (names []string) {
	_, section, _ = strings.Cut(section, "\n")
	section, _, _ = strings.Cut(section, "\n\n")
	for _, word := range strings.Fields(section) {
		names = append(names, strings.Trim(word, "-,"))
	}
	return names
}

// TestSettingsOfACommandTakeFewLines checks this because 'spotipie help settings'
// has the rest.
func TestSettingsOfACommandTakeFewLines(t *testing.T) {
	text, all := help.Text(token.New()), help.Text(help.NewSettings())
	_, settings, _ := strings.Cut(text, "\nSettings, also")
	settings, _, _ = strings.Cut(settings, "\n\n")
	if lines := strings.Count(settings, "\n"); lines < 1 || lines > 3 {
		t.Errorf("they take %d lines:\n%s", lines, settings)
	}
	for _, name := range flagsNamed(settings) {
		if !strings.Contains(all, "      --"+name+" ") {
			t.Errorf("'spotipie help settings' does not say what --%s is", name)
		}
	}
	if !strings.HasPrefix(text, "Usage: token [flags]\n\nPrints a valid access token") {
		t.Errorf("the help begins with %.80q", text)
	}
}

// Only the requested command is made.
func TestEachCommandIsFoundByItsName(t *testing.T) {
	for _, want := range newRoot(nil).Commands() {
		got, _, err := newRoot([]string{want.Name()}).Find([]string{want.Name()})
		if err != nil || got.CommandPath() != want.CommandPath() {
			t.Errorf("%s: got %v (error %v)", want.Name(), got.CommandPath(), err)
		}
	}
}
