//go:build unix

package tool

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/accounts"
)

const accountsServiceDoc = "../../docs/accounts-service.md"

// fencedBlocks returns the blocks of a document by their language.
func fencedBlocks(t *testing.T, path string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	blocks := make(map[string][]string)
	parts := strings.Split("\n"+string(text), "\n```")
	for i := 1; i < len(parts); i += 2 {
		language, block, _ := strings.Cut(parts[i], "\n")
		blocks[language] = append(blocks[language], block+"\n")
	}
	return blocks
}

// need skips the test if a program is missing, or fails it with
// SPOTIPIE_TEST_SERVICES=1.
func need(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	if os.Getenv("SPOTIPIE_TEST_SERVICES") == "1" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed; with SPOTIPIE_TEST_SERVICES=1 this fails", name)
}

// TestControlByCurl runs the document's commands against a service with control,
// and compares the output.
func TestControlByCurl(t *testing.T) {
	need(t, "curl")
	service, err := accounts.New(&accounts.Options{Control: true})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	blocks := fencedBlocks(t, accountsServiceDoc)
	if len(blocks["sh"]) == 0 || len(blocks["sh"]) != len(blocks["text"]) {
		t.Fatalf("%d examples and %d of what they print", len(blocks["sh"]), len(blocks["text"]))
	}
	for i, program := range blocks["sh"] {
		if !strings.Contains(program, "http://127.0.0.1:8888/") {
			t.Error("the example does not ask the service")
		}
		program = strings.ReplaceAll(program, "http://127.0.0.1:8888", server.URL)
		got, err := exec.CommandContext(t.Context(), "sh", "-euc", program).Output()
		if err != nil || strings.TrimSpace(string(got)) != strings.TrimSpace(blocks["text"][i]) {
			t.Errorf("%v, it prints\n%s\nand the document says\n%s", err, got, blocks["text"][i])
		}
	}
}

// TestControlInOtherLanguages runs the document's tests as the document says. They
// must pass, and must fail if an expected value is changed.
func TestControlInOtherLanguages(t *testing.T) {
	t.Setenv("GORACE", "atexit_sleep_ms=10")
	for _, language := range []struct {
		name, file string
		command    []string
		changes    map[string]string
	}{
		{"python", "test_spotify.py", []string{"python3", "-m", "unittest"}, map[string]string{
			`["Ada", "Grace"]`: `["Ada", "Ada"]`, "Refresh token revoked": "Refresh token expired", "seconds=3600": "seconds=3590",
		}},
		{"javascript", "spotify.test.mjs", []string{"node", "--test"}, map[string]string{
			`"48925"`: `"1"`, "seconds: 3599": "seconds: 3600", "popularity, undefined": "name, undefined",
		}},
	} {
		t.Run(language.name, func(t *testing.T) {
			need(t, language.command[0])
			blocks := fencedBlocks(t, accountsServiceDoc)[language.name]
			if len(blocks) != 1 {
				t.Fatalf("%d blocks", len(blocks))
			}
			run := func(program string) (string, error) {
				dir := t.TempDir()
				if err := os.WriteFile(filepath.Join(dir, language.file), []byte(program), 0o600); err != nil {
					t.Fatal(err)
				}
				cmd := exec.CommandContext(t.Context(), language.command[0], language.command[1:]...)
				cmd.Dir = dir
				output, err := cmd.CombinedOutput()
				return string(output), err
			}
			if output, err := run(blocks[0]); err != nil {
				t.Errorf("%v\n%s", err, output)
			}
			for from, to := range language.changes {
				changed := strings.ReplaceAll(blocks[0], from, to)
				if changed == blocks[0] {
					t.Errorf("%s is not in the program", from)
				}
				if output, err := run(changed); err == nil {
					t.Errorf("with %s in place of %s it passes too:\n%s", to, from, output)
				}
			}
		})
	}
}
