package scopes_test

import (
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tool/commands/scopes"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

func TestScopes(t *testing.T) {
	stdout, stderr, code := tooltest.Run(t.Context(), scopes.New(), "scopes")
	lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	if code != failure.ExitOK || stderr != "" || len(lines) != len(spotipie.AllScopes()) {
		t.Fatalf("exit code %d, stderr %q, %d lines", code, stderr, len(lines))
	}
	for i, scope := range spotipie.AllScopes() {
		if fields := strings.Fields(lines[i]); fields[0] != string(scope) || len(fields) < 3 {
			t.Errorf("line %d is %q, want %s and what it allows", i+1, lines[i], scope)
		}
	}
}
