package telemetry_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestProgramWithTheRootAlone checks a program that imports the root package and not this one.
// Its only indirect requirement must be golang.org/x/oauth2, and it must neither compile nor
// verify anything of OpenTelemetry.
func TestProgramWithTheRootAlone(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": fmt.Sprintf("module example.com/app\n\ngo 1.26.0\n\nrequire github.com/spotipie/spotipie v0.0.0\n\n"+
			"replace github.com/spotipie/spotipie => %q\n", filepath.ToSlash(root)),
		"main.go": "package main\n\nimport _ \"github.com/spotipie/spotipie\"\n\nfunc main() {}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	packages := run("list", "-mod=mod", "-deps", ".")
	if !strings.Contains(packages, "golang.org/x/oauth2\n") || strings.Contains(packages, "opentelemetry") {
		t.Errorf("it compiles\n%s", packages)
	}
	var required []string
	for line := range strings.Lines(run("mod", "edit", "-print")) {
		if module, indirect := strings.CutSuffix(strings.TrimSpace(line), " // indirect"); indirect {
			required = append(required, strings.Fields(strings.TrimPrefix(module, "require "))[0])
		}
	}
	if want := []string{"golang.org/x/oauth2"}; !slices.Equal(required, want) {
		t.Errorf("it requires %q besides the module, want %q", required, want)
	}
	sums, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(sums)) {
		if strings.Contains(line, "opentelemetry") && !strings.Contains(line, "/go.mod ") {
			t.Errorf("it downloads %s", line)
		}
	}
}
