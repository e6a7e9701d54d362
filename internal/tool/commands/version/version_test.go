package version_test

import (
	"encoding/json"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/tool/commands/version"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

func TestVersion(t *testing.T) {
	stdout, _, code := tooltest.Run(t.Context(), version.New(), "version")
	if want := version.Current().Line(); code != failure.ExitOK || stdout != want || !strings.HasSuffix(want, "("+runtime.Version()+", "+runtime.GOOS+"/"+runtime.GOARCH+")\n") {
		t.Errorf("exit code %d, stdout %q, want %q", code, stdout, want)
	}
	stdout, _, code = tooltest.Run(t.Context(), version.New(), "version", "--json")
	var got map[string]any
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != failure.ExitOK {
		t.Fatalf("exit code %d, %v, stdout %q", code, err, stdout)
	}
	if keys := strings.Join(slices.Sorted(maps.Keys(got)), " "); keys != "arch go modified os revision version" {
		t.Errorf("keys %s", keys)
	}
}
