//go:build unix

package output_test

import (
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/spotipie/spotipie/internal/tool/output"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

func TestSayFitsTheTerminal(t *testing.T) {
	tty, shown := tooltest.Terminal(t)
	if err := pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: 20}); err != nil {
		t.Fatal(err)
	}
	output.Say(tty, "nobody is signed in as this profile")
	if got, want := strings.ReplaceAll(shown(), "\r\n", "\n"), "nobody is signed in\nas this profile\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
