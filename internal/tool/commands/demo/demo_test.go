package demo_test

import (
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/tool/commands/demo"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

func TestDemo(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	stdout, stderr, code := tooltest.Run(t.Context(), demo.New(), "demo")
	if code != failure.ExitOK || stderr != "" || strings.Contains(stdout, "✗") || !strings.Contains(stdout, "✓") {
		t.Errorf("exit code %d, stderr %q, stdout\n%s", code, stderr, stdout)
	}
	if !strings.Contains(stdout, "spotipie serve") {
		t.Errorf("it does not say how to go on:\n%s", stdout)
	}
}
