package examples_test

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// TestIndex checks that the README lists exactly the examples, each with the command
// that runs it.
func TestIndex(t *testing.T) {
	index, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed, there []string
	for _, row := range regexp.MustCompile("(?m)^\\| \\[(\\w+)\\]\\((\\S+)\\) \\| .+ \\| `(?:go run ./examples/|cd examples/)(\\w+)[^`]*` \\|$").FindAllStringSubmatch(string(index), -1) {
		listed = append(listed, row[1])
		if row[2] != row[1]+"/main.go" || row[3] != row[1] {
			t.Errorf("the row of %s links to %s and runs %s", row[1], row[2], row[3])
		}
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.IsDir() {
			there = append(there, entry.Name())
		}
	}
	slices.Sort(listed)
	if !slices.Equal(listed, there) {
		t.Errorf("README.md lists %q, the folders are %q", listed, there)
	}
}
