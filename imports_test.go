package spotipie_test

import (
	"go/parser"
	gotoken "go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestRootPackageImports checks that the root package imports only the standard
// library, x/oauth2 and x/sync, so that users get few dependencies.
func TestRootPackageImports(t *testing.T) {
	paths, err := filepath.Glob("*.go")
	if err != nil || len(paths) < 20 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			host, _, _ := strings.Cut(name, "/")
			switch {
			case !strings.Contains(host, "."), name == "golang.org/x/oauth2", strings.HasPrefix(name, "golang.org/x/sync/"):
			default:
				t.Errorf("%s imports %s", path, name)
			}
		}
	}
}
