package profiles_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/tool/commands/profiles"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

func listed(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := tooltest.Run(t.Context(), profiles.New(), append([]string{"profiles"}, args...)...)
	if code != failure.ExitOK {
		t.Fatalf("exit code %d, stderr %s", code, stderr)
	}
	return stdout
}

func TestProfiles(t *testing.T) {
	_, session := tooltest.SignedInAsAda(t)
	home, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	row := "default\tdefault\tauthorization_code\t" + session.ClientID() + "\tfile:" + filepath.Join(home, "spotipie") + "\tsigned in\t\t\n"
	if got := listed(t); got != row {
		t.Errorf("got %q, want %q", got, row)
	}
	if got := listed(t, "rename", "default", "work") + listed(t, "list"); !strings.HasPrefix(got, "work\t\tauthorization_code\t") {
		t.Errorf("renamed: got %q", got)
	}
	if got := listed(t, "default", "work") + listed(t, "default"); got != "work\n" {
		t.Errorf("the default: got %q", got)
	}
	_, stderr, code := tooltest.Run(t.Context(), profiles.New(), "profiles", "delete", "work")
	if code != failure.ExitUsage || !strings.Contains(stderr, "say --yes to delete the profile") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	if got := listed(t, "delete", "work", "--yes") + listed(t); got != "" {
		t.Errorf("deleted: got %q", got)
	}
	_, stderr, code = tooltest.Run(t.Context(), profiles.New(), "profiles", "delete", "work", "--yes")
	if code != failure.ExitFailure || stderr != "spotipie: profiles delete: no profile \"work\": there are none, 'spotipie login' makes one\n" {
		t.Errorf("deleted again: exit code %d, stderr %q", code, stderr)
	}
}
