package docs_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// webImports are the packages that the code blocks of web.md may use, by name.
func webImports() map[string]string {
	all := map[string]string{
		"http": "net/http", "httptest": "net/http/httptest", "cookiejar": "net/http/cookiejar", "io": "io", "embed": "embed",
		"template": "html/template", "scs": "github.com/alexedwards/scs/v2",
		"web": "github.com/spotipie/spotipie/web", "accounts": "github.com/spotipie/spotipie/accounts",
		"spotifytest": "github.com/spotipie/spotipie/spotifytest",
	}
	maps.Copy(all, imports())
	return all
}

// webProgram makes a file of a code block, as program does.
func webProgram(block string) string {
	body := block
	if !regexp.MustCompile(`(?m)^func `).MatchString(block) {
		var used string
		for _, name := range []string{"auth", "err", "OnError", "pool"} {
			if regexp.MustCompile(`(?m)^(\w+, )?` + name + `\b.*:=`).MatchString(block) {
				used += "\t_ = " + name + "\n"
			}
		}
		body = "func block(ctx context.Context, creds spotipie.Credentials, store spotipie.Store, pool *spotipie.Pool, keys web.Keys, files embed.FS,\n" +
			"\tserver *http.Server, mux *http.ServeMux, home, library http.Handler) (err error) {\n{\n" + block + used + "}\nreturn err\n}\n"
		body = strings.Replace(body, "return pool.Close(ctx)\n}\nreturn err\n", "return pool.Close(ctx)\n}\n", 1)
	} else if strings.HasPrefix(block, "func library(") {
		body = "var auth *web.Auth\n\n" + block
	}
	return withImports(body, webImports())
}

// TestCodeOfTheWebApp: the code blocks of web.md compile, and the test among them
// passes.
func TestCodeOfTheWebApp(t *testing.T) {
	text, err := os.ReadFile("web.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 8 {
		t.Fatalf("%d code blocks", len(blocks))
	}
	tests := 0
	for _, block := range blocks {
		name, _, _ := strings.Cut(block[1], "\n")
		t.Run(name, func(t *testing.T) {
			path, command := filepath.Join(t.TempDir(), "block.go"), "vet"
			if strings.HasPrefix(block[1], "func Test") {
				path, command = filepath.Join(t.TempDir(), "block_test.go"), "test"
				tests++
			}
			if err := os.WriteFile(path, []byte(webProgram(block[1])), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.CommandContext(t.Context(), "go", command, path).CombinedOutput(); err != nil {
				t.Errorf("go %s: %v\n%s", command, err, out)
			}
		})
	}
	if tests != 1 {
		t.Errorf("%d tests were run", tests)
	}
}

// TestSCSOfTheWebApp: what web.md shows of scs is what a test of package web
// drives.
func TestSCSOfTheWebApp(t *testing.T) {
	text, err := os.ReadFile("web.md")
	if err != nil {
		t.Fatal(err)
	}
	tested, err := os.ReadFile("../web/example_scs_test.go")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```go\n(// scsSessions.*?)```").FindSubmatch(text)
	if block == nil || !strings.Contains(string(tested), string(block[1])) {
		t.Error("they differ")
	}
}
