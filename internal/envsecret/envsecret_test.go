package envsecret_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie/internal/envsecret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLookup(t *testing.T) {
	const name, fileName = "ENVSECRET_TEST", "ENVSECRET_TEST_FILE"
	dir := t.TempDir()
	file := func(text string) string {
		path := filepath.Join(dir, "secret")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for test, c := range map[string]struct {
		value, text  string // of the variable, and of the file; "none" means that no file is named
		want, from   string
		problem, not string
	}{
		"neither":          {"", "none", "", "", "", ""},
		"the variable":     {"hush", "none", "hush", name, "", ""},
		"with a line end":  {"hush\r\n", "none", "hush", name, "", ""},
		"a blank variable": {" \n", "none", "", "", "", ""},
		"the file":         {"", "hush", "hush", fileName, "", ""},
		"with a newline":   {"", "hush\n", "hush", fileName, "", ""},
		"from Windows":     {"", "hush\r\n", "hush", fileName, "", ""},
		"from Notepad":     {"", "\xef\xbb\xbfhush\r\n", "hush", fileName, "", ""},
		"UTF-16":           {"", "\xff\xfeh\x00u\x00s\x00h\x00\r\x00\n\x00", "", "", "is not text in UTF-8: save it as UTF-8", "h\x00u"},
		"UTF-16, no mark":  {"", "h\x00u\x00s\x00h\x00", "", "", "is not text in UTF-8", "h\x00u"},
		"both":             {"hush", "whisper", "", "", name + " and " + fileName + " are both set: unset one of them", "hush"},
		"an empty file":    {"", "\n", "", "", fileName + ": " + filepath.Join(dir, "secret") + " is empty", ""},
		"two lines":        {"", "hush\nwhisper\n", "", "", "has more than one line", "hush"},
		"as large as may":  {"", strings.Repeat("x", 4095) + "\n", strings.Repeat("x", 4095), fileName, "", ""},
		"too large a file": {"", strings.Repeat("x", 4097), "", "", "has more than 4096 bytes", "xxx"},
	} {
		t.Run(test, func(t *testing.T) {
			t.Setenv(name, c.value)
			if c.text == "none" {
				t.Setenv(fileName, "")
			} else {
				t.Setenv(fileName, file(c.text))
			}
			got, from, err := envsecret.Lookup(t.Context(), name)
			if got != c.want || from != c.from {
				t.Errorf("got %q from %q, want %q from %q", got, from, c.want, c.from)
			}
			switch {
			case (err != nil) != (c.problem != ""):
				t.Errorf("error %v", err)
			case err != nil && (!strings.Contains(err.Error(), c.problem) || c.not != "" && strings.Contains(err.Error(), c.not)):
				t.Errorf("error %v, want one with %q and without %q", err, c.problem, c.not)
			}
		})
	}
}

func TestLookupOfAFileThatCannotBeRead(t *testing.T) {
	t.Chdir(t.TempDir())
	for path, want := range map[string]error{"missing": os.ErrNotExist, "-": os.ErrNotExist} {
		t.Setenv("ENVSECRET_TEST_FILE", path)
		_, _, err := envsecret.Lookup(t.Context(), "ENVSECRET_TEST")
		if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "ENVSECRET_TEST_FILE: open ") {
			t.Errorf("%s: error %v", path, err)
		}
	}
}
