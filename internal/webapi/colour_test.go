package webapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/webapi"
)

var rendition = regexp.MustCompile("\x1b\\[[0-9;]*m")

// TestColours checks that coloured and plain output have the same text, and that an
// answer cannot control the terminal.
func TestColours(t *testing.T) {
	for name, body := range map[string]string{
		"all there is": `{"a": [1, -2.5e3, true, false, null, "x", {}], "b:c": "d:e", "q\"": "\\", "": {"k" : "v"}}`,
		"a text":       `"x"`,
		"a number":     `-1`,
		"nothing":      `{}`,
		"orders":       "{\"name\": \"\u009b31m\u202e\"}",
	} {
		t.Run(name, func(t *testing.T) {
			plain, coloured := shownOn(t, body, false), shownOn(t, body, true)
			if stripped := rendition.ReplaceAllString(coloured, ""); stripped != plain {
				t.Errorf("got %q, want %q", stripped, plain)
			}
			if strings.Contains(plain, "\x1b") || name != "nothing" && !strings.Contains(coloured, "\x1b") {
				t.Errorf("plain %q, coloured %q", plain, coloured)
			}
			if !json.Valid([]byte(rendition.ReplaceAllString(coloured, ""))) {
				t.Errorf("not JSON: %q", coloured)
			}
		})
	}
	if got := shownOn(t, `{"a": "b", "c": 1}`, true); !strings.Contains(got, "\x1b[1;34m\"a\"\x1b[0m: \x1b[32m\"b\"\x1b[0m,") || !strings.Contains(got, "\x1b[33m1\x1b[0m") {
		t.Errorf("got %q", got)
	}
}

func shownOn(t *testing.T, body string, colour bool) string {
	t.Helper()
	var out bytes.Buffer
	call := &webapi.Call{Method: http.MethodGet, Target: "/v1/me", Out: &out, Terminal: true, Coloured: colour}
	_, session := server(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	if err := call.Do(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
