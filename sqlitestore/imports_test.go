package sqlitestore_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The tool keeps to files, so that its binary and its start stay small.
func TestToolDoesWithoutSQLite(t *testing.T) {
	packages, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "../cmd/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(packages), "spotipie/filestore") || strings.Contains(string(packages), "sqlite") {
		t.Error("the tool lacks files, or has SQLite in it")
	}
}
