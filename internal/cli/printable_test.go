package cli_test

import (
	"testing"

	"github.com/spotipie/spotipie/internal/cli"
)

func TestPrintable(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"plain":            {"Ada’s 7 songs ✓", "Ada’s 7 songs ✓"},
		"escape sequences": {"a\x1b[31mb\x07", "a[31mb"},
		"C1 and DEL":       {"a\u009bb\x7f", "ab"},
		"direction":        {"a\u202eb\u2066", "ab"},
		"lines":            {"a\r\nb\tc", "abc"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := cli.Printable(test.text); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
