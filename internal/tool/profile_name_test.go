//go:build unix

package tool

import (
	"net/http"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

func TestProfileNames(t *testing.T) {
	tooltest.SignedIn(t, func(http.ResponseWriter, *http.Request) {})
	for name, test := range map[string]struct{ profile, problem string }{
		"empty":          {"", `"" cannot be the name of a profile`},
		"control":        {"a\tb", `"a\tb" cannot be the name of a profile`},
		"not UTF-8":      {"a\xff", `"a\xff" is not valid UTF-8`},
		"longest":        {strings.Repeat("é", 100), ""},
		"too long":       {strings.Repeat("é", 100) + "a", `"` + strings.Repeat("é", 20) + `…" has 201 bytes; a profile's name may have at most 200`},
		"much too long":  {strings.Repeat("x", 6000), `x…" has 6000 bytes`},
		"long and wrong": {strings.Repeat("\xff", 6000), `is not valid UTF-8`},
	} {
		t.Run(name, func(t *testing.T) {
			for use, args := range map[string][]string{
				"new name": {"profiles", "rename", "default", test.profile},
				"old name": {"profiles", "rename", test.profile, "b"},
				"flag":     {"status", "--profile", test.profile},
			} {
				if use == "old name" && test.profile == "" { // an empty argument counts as none
					continue
				}
				_, stderr, code := tool(t.Context(), args...)
				if test.problem == "" {
					if code == failure.ExitUsage {
						t.Errorf("%s: %s", use, stderr)
					}
					continue
				}
				if code != failure.ExitUsage || !strings.Contains(stderr, test.problem) || len(stderr) > 500 {
					t.Errorf("%s: exit code %d, stderr %s", use, code, stderr)
				}
			}
		})
	}
}
