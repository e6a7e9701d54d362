// Package docs_test checks what the documents say in Go.
package docs_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// imports are the packages that the code blocks may use, by name.
func imports() map[string]string {
	return map[string]string{
		"context": "context", "errors": "errors", "fmt": "fmt", "os": "os", "slog": "log/slog",
		"tls": "crypto/tls", "testing": "testing",
		"redis": "github.com/redis/go-redis/v9", "pgxpool": "github.com/jackc/pgx/v5/pgxpool",
		"spotipie":  "github.com/spotipie/spotipie",
		"filestore": "github.com/spotipie/spotipie/filestore", "keyringstore": "github.com/spotipie/spotipie/keyringstore",
		"redisstore": "github.com/spotipie/spotipie/redisstore", "pgstore": "github.com/spotipie/spotipie/pgstore",
		"storetest": "github.com/spotipie/spotipie/storetest",
	}
}

// program makes a file of a code block: of declarations as they are, of
// statements as the body of a function that has what they take for granted.
func program(block string) string {
	if !strings.Contains(block, "\nfunc ") {
		var used string
		for _, name := range []string{"store", "session"} {
			if strings.Contains(block, name+", err :=") || strings.Contains(block, name+" :=") {
				used += "\t_ = " + name + "\n"
			}
		}
		block = "func block(ctx context.Context, creds spotipie.Credentials, userID string, pooled, direct *pgxpool.Pool) (err error) {\n" +
			block + used + "\treturn err\n}\n"
	}
	var b strings.Builder
	b.WriteString("package docs\n\nimport (\n")
	all := imports()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if regexp.MustCompile(`\b` + name + `\.`).MatchString(block) {
			b.WriteString("\t" + name + ` "` + all[name] + "\"\n")
		}
	}
	b.WriteString(")\n\n" + block)
	return b.String()
}

// TestCodeOfTheStores: the code blocks of stores.md compile.
func TestCodeOfTheStores(t *testing.T) {
	text, err := os.ReadFile("stores.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 8 {
		t.Fatalf("%d code blocks, want one for every store at least", len(blocks))
	}
	for _, block := range blocks {
		name, _, _ := strings.Cut(block[1], "\n")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "block.go")
			if err := os.WriteFile(path, []byte(program(block[1])), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.CommandContext(t.Context(), "go", "vet", path).CombinedOutput(); err != nil {
				t.Errorf("go vet: %v\n%s", err, out)
			}
		})
	}
}
