//go:build unix

package tool

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

const otherLanguages = "../../docs/other-languages.md"

// example is a fenced block of the document and the block of text that says
// what it prints.
type example struct {
	language, program, prints string
	line                      int
}

// TestOtherLanguages runs every example of the document, and compares what it
// prints with what stands under it.
func TestOtherLanguages(t *testing.T) {
	text, err := os.ReadFile(otherLanguages)
	if err != nil {
		t.Fatal(err)
	}
	server, _ := tooltest.SignedInAsAda(t)
	t.Setenv("GORACE", "atexit_sleep_ms=10")
	ran := map[string]int{}
	for _, e := range examplesOf(t, string(text)) {
		ran[e.language]++
		t.Run(fmt.Sprintf("%s in line %d", e.language, e.line), func(t *testing.T) {
			run := interpreter(t, e.language, strings.ReplaceAll(e.program, spotipie.DefaultAPIURL, server.URL))
			var stderr bytes.Buffer
			run.Dir, run.Stderr = t.TempDir(), &stderr
			got, err := run.Output()
			if err != nil {
				t.Fatalf("%v\n%s%s", err, got, stderr.String())
			}
			if string(got) != e.prints {
				t.Errorf("it prints\n%s\nand the document says\n%s\n%s", got, e.prints, stderr.String())
			}
		})
	}
	for _, language := range []string{"sh", "python", "javascript"} {
		if ran[language] == 0 {
			t.Errorf("there is no example in %s", language)
		}
	}
}

// examplesOf returns the blocks in a language that can be run.
func examplesOf(t *testing.T, text string) []example {
	t.Helper()
	var examples []example
	var block *strings.Builder
	language := ""
	for i, line := range strings.Split(text, "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && block == nil:
			block, language = &strings.Builder{}, fence
		case isFence:
			switch {
			case language == "text" && len(examples) > 0:
				examples[len(examples)-1].prints = block.String()
			case language != "console":
				examples = append(examples, example{language: language, program: block.String(), line: i + 1})
			}
			block = nil
		case block != nil:
			block.WriteString(line + "\n")
		}
	}
	for _, e := range examples {
		if e.prints == "" {
			t.Fatalf("%s: the example that ends in line %d does not say what it prints", otherLanguages, e.line)
		}
	}
	return examples
}

// interpreter returns the command that runs a program. Where it is missing the
// test is skipped, or fails where everything is meant to be there.
func interpreter(t *testing.T, language, program string) *exec.Cmd {
	t.Helper()
	var args []string
	needs := []string{}
	switch language {
	case "sh":
		args, needs = []string{"sh", "-euc", program}, []string{"curl", "grep"}
	case "python":
		args = []string{"python3", "-c", program}
	case "javascript":
		args = []string{"node", "--input-type=module", "-e", program}
	default:
		t.Fatalf("nothing here runs %q", language)
	}
	for _, name := range append(needs, args[0]) {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("SPOTIPIE_TEST_SERVICES") == "1" {
				t.Fatalf("%s is not installed", name)
			}
			t.Skipf("%s is not installed; with SPOTIPIE_TEST_SERVICES=1 this fails", name)
		}
	}
	return exec.CommandContext(t.Context(), args[0], args[1:]...)
}
