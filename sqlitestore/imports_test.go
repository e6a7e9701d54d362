package sqlitestore_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The tool does not use this store, so that it stays small and starts fast.
func TestToolDoesWithoutSQLite(t *testing.T) {
	packages, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "../cmd/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(packages), "spotipie/filestore") || strings.Contains(string(packages), "sqlite") {
		t.Error("the tool lacks files, or has SQLite in it")
	}
}
