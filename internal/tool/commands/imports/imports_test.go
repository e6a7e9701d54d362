package imports_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie/internal/tokenformat"
	"github.com/spotipie/spotipie/internal/tool/commands/imports"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

// TestImport checks that import accepts what export writes.
func TestImport(t *testing.T) {
	server, session := tooltest.SignedInAsAda(t)
	before := server.Stats()
	for _, format := range tokenformat.Formats() {
		data, err := tokenformat.Encode(session.CurrentToken(), format)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		profile := "from-" + string(format)
		_, stderr, code := tooltest.Run(t.Context(), imports.New(), "import", file, "--profile", profile)
		if code != failure.ExitOK || !strings.Contains(stderr, "as profile \""+profile+"\" (authorization_code).\n") || strings.Contains(stderr, session.CurrentToken().AccessToken()) {
			t.Errorf("%s: exit code %d, stderr %q", format, code, stderr)
		}
	}
	if after := server.Stats(); after != before {
		t.Errorf("Spotify was asked: %+v, before %+v", after, before)
	}
}

// TestImportAsksBeforeItReplaces checks that import needs --yes if nobody can be asked.
func TestImportAsksBeforeItReplaces(t *testing.T) {
	tooltest.SignedInAsAda(t)
	file := filepath.Join(t.TempDir(), "token")
	text := `{"access_token":"imported","token_type":"Bearer","refresh_token":"r","expires_in":3600,"expires_at":` + strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10) + `}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := tooltest.Run(t.Context(), imports.New(), "import", file)
	if code != failure.ExitFailure || !strings.Contains(stderr, `profile "default" is signed in already: use --yes to replace that login`) {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	if _, stderr, code := tooltest.Run(t.Context(), imports.New(), "import", file, "--yes"); code != failure.ExitOK {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

func TestImportOfNothing(t *testing.T) {
	tooltest.Home(t, "")
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args []string
		code int
	}{
		"an empty object": {[]string{"import", file, "--client-id", "app"}, failure.ExitFailure},
		"no file":         {[]string{"import", file + "x", "--client-id", "app"}, failure.ExitFailure},
		"no name":         {[]string{"import"}, failure.ExitUsage},
	} {
		if _, stderr, code := tooltest.Run(t.Context(), imports.New(), test.args...); code != test.code || !strings.HasPrefix(stderr, "spotipie: import: ") {
			t.Errorf("%s: exit code %d, stderr %q", name, code, stderr)
		}
	}
}
