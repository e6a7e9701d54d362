package output_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie/internal/tool/output"
)

func TestWriteJSON(t *testing.T) {
	for name, test := range map[string]struct {
		value any
		want  string
	}{
		"an object":           {map[string]int{"a": 1}, `{"a":1}` + "\n"},
		"as people write it":  {"Björk & <b>", `"Björk & <b>"` + "\n"},
		"an escape sequence":  {"\x1b[2J", `"\u001b[2J"` + "\n"},
		"an 8-bit sequence":   {"\u009b2J", `"\u009b2J"` + "\n"},
		"right to left":       {"a\u202eb", `"a\u202eb"` + "\n"},
		"beyond 16 bits":      {"\U000e0001", `"\udb40\udc01"` + "\n"},
		"a line break":        {"a\nb", `"a\nb"` + "\n"},
		"a space of no width": {"a\u200bb", `"a\u200bb"` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			cmd := &cobra.Command{Use: "x"}
			cmd.SetOut(&out)
			if err := output.WriteJSON(cmd, test.value); err != nil || out.String() != test.want {
				t.Errorf("got %q (error %v), want %q", out.String(), err, test.want)
			}
		})
	}
}

func TestWriteJSONOfWhatHasNone(t *testing.T) {
	var out strings.Builder
	cmd := &cobra.Command{Use: "x"}
	cmd.SetOut(&out)
	if err := output.WriteJSON(cmd, func() {}); err == nil || !strings.HasPrefix(err.Error(), "x: encoding the result: ") || out.Len() > 0 {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

// TestWriteToWhoHasGone checks that a closed pipe is not a failure, because its
// reader has read enough. A lost result is a failure.
func TestWriteToWhoHasGone(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := &cobra.Command{Use: "x"}
	cmd.SetOut(writer)
	_ = reader.Close()
	if err := output.Write(cmd, "a"); err != nil {
		t.Errorf("the reader has gone: %v", err)
	}
	_ = writer.Close()
	if err := output.Write(cmd, "a"); !errors.Is(err, os.ErrClosed) || !strings.HasPrefix(err.Error(), "x: writing the result: ") {
		t.Errorf("the result is lost: %v", err)
	}
}

// TestSayIsOneLineInALog checks that lines are broken only for terminals.
func TestSayIsOneLineInALog(t *testing.T) {
	var out strings.Builder
	long := strings.Repeat("word ", 100) + "end"
	output.Say(&out, long)
	if out.String() != long+"\n" {
		t.Errorf("got %q", out.String())
	}
}
