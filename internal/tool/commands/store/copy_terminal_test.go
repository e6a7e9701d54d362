//go:build unix

package store_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/tool/commands/store"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

func TestProgressOnATerminal(t *testing.T) {
	from, _ := fill(t, 3)
	t.Setenv("TERM", "xterm")
	tty, shown := tooltest.Terminal(t)
	var stdout strings.Builder
	code := tooltest.RunOn(t.Context(), store.New(), &stdout, tty, "store", "copy", "file:"+from, "file:"+filepath.Join(t.TempDir(), "to"))
	const line = "\r\x1b[K"
	want := line + "1 of 3 logins" + line + "2 of 3 logins" + line + "3 of 3 logins" + line + "3 of 3 logins copied.\r\n"
	if got := shown(); code != failure.ExitOK || got != want {
		t.Errorf("exit code %d, shown %q, want %q", code, got, want)
	}
}
