package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/cli"
)

// The scripts of internal/tool test that a terminal gets colours.
func TestStyleIsPlainOffTerminals(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, style := range map[string]cli.Style{
		"zero":   {},
		"buffer": cli.StyleFor(&strings.Builder{}),
		"file":   cli.StyleFor(file),
	} {
		t.Run(name, func(t *testing.T) {
			for _, markUp := range []func(string) string{style.Heading, style.Good, style.Bad, style.Faint} {
				if got := markUp("text"); got != "text" {
					t.Errorf("got %q, want it plain", got)
				}
			}
		})
	}
}
