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
		"tls": "crypto/tls", "testing": "testing", "time": "time",
		"redis": "github.com/redis/go-redis/v9", "pgxpool": "github.com/jackc/pgx/v5/pgxpool",
		"spotipie":  "github.com/spotipie/spotipie",
		"filestore": "github.com/spotipie/spotipie/filestore", "keyringstore": "github.com/spotipie/spotipie/keyringstore",
		"redisstore": "github.com/spotipie/spotipie/redisstore", "pgstore": "github.com/spotipie/spotipie/pgstore",
		"sqlitestore": "github.com/spotipie/spotipie/sqlitestore",
		"storetest":   "github.com/spotipie/spotipie/storetest", "telemetry": "github.com/spotipie/spotipie/telemetry",
		"attribute": "go.opentelemetry.io/otel/attribute",
		"seal":      "github.com/spotipie/spotipie/seal",
	}
}

// program makes a file of a code block: of declarations as they are, of
// statements as the body of a function that has what they take for granted.
func program(block string) string {
	if !strings.Contains(block, "\nfunc ") {
		var used string
		for _, name := range []string{"store", "session", "t"} {
			if regexp.MustCompile(`\b` + name + `(, err)? :=`).MatchString(block) {
				used += "\t_ = " + name + "\n"
			}
		}
		stores := "from, to"
		if !strings.Contains(block, "store, err :=") && !strings.Contains(block, "store :=") {
			stores += ", store"
		}
		block = "func block(ctx context.Context, creds spotipie.Credentials, userID string, pooled, direct *pgxpool.Pool, " +
			stores + " spotipie.Store) (err error) {\n" +
			block + used + "\treturn err\n}\n"
	}
	return withImports(block, imports())
}

// withImports makes a file of declarations, with those of all imports that they
// use.
func withImports(declarations string, all map[string]string) string {
	var b strings.Builder
	b.WriteString("package docs\n\nimport (\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if regexp.MustCompile(`\b` + name + `\.[A-Z]`).MatchString(declarations) {
			b.WriteString("\t" + name + ` "` + all[name] + "\"\n")
		}
	}
	b.WriteString(")\n\n" + declarations)
	return b.String()
}

// TestCodeOfTheStores: the code blocks of stores.md compile.
func TestCodeOfTheStores(t *testing.T) {
	testCode(t, "stores.md", 8) // one for every store at least
}

// TestCodeOfTelemetry: the code blocks of telemetry.md compile.
func TestCodeOfTelemetry(t *testing.T) { testCode(t, "telemetry.md", 3) }

// TestCodeOfScale: the code blocks of scale.md compile.
func TestCodeOfScale(t *testing.T) { testCode(t, "scale.md", 1) }

// testCode tests that the code blocks of a document compile, and that there are
// so many at least.
func testCode(t *testing.T, document string, least int) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < least {
		t.Fatalf("%d code blocks, want %d at least", len(blocks), least)
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
