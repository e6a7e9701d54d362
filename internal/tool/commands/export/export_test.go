//go:build unix

package export_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tokenformat"
	"github.com/spotipie/spotipie/internal/tool/commands/export"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

func TestExport(t *testing.T) {
	_, session := tooltest.SignedInAsAda(t, spotipie.ScopeUserTopRead)
	for _, format := range tokenformat.Formats() {
		stdout, stderr, code := tooltest.Run(t.Context(), export.New(), "export", "--format", string(format))
		if code != failure.ExitOK || !strings.Contains(stdout, session.CurrentToken().AccessToken()) || !json.Valid([]byte(stdout)) {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", format, code, stdout, stderr)
		}
	}
}

// TestExportToAFile checks that only its owner can read the file, whatever the mode
// of the earlier file was.
func TestExportToAFile(t *testing.T) {
	tooltest.SignedInAsAda(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "token.json")
	if err := os.WriteFile(file, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := tooltest.Run(t.Context(), export.New(), "export", "--format", "oauth2", "--output", file)
	if code != failure.ExitOK || stdout != "" || stderr != "The tokens are in "+file+", which only you can read.\n" {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 || info.Size() < 100 {
		t.Errorf("%v, %v", info, err)
	}
	_, stderr, code = tooltest.Run(t.Context(), export.New(), "export", "--format", "oauth2", "--output", dir)
	if code != failure.ExitFailure || stderr != "spotipie: export: writing "+dir+": it is not a file\n" {
		t.Errorf("a folder: exit code %d, stderr %q", code, stderr)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".spotipie-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestExportInNoFormat(t *testing.T) {
	tooltest.SignedInAsAda(t)
	for _, args := range [][]string{{"export"}, {"export", "--format", "yaml"}} {
		if _, stderr, code := tooltest.Run(t.Context(), export.New(), args...); code != failure.ExitUsage || !strings.Contains(stderr, tokenformat.Names()) {
			t.Errorf("%q: exit code %d, stderr %q", args, code, stderr)
		}
	}
}
