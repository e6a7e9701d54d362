package tool

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	toolPath = "github.com/spotipie/spotipie/internal/tool"
	commands = "commands/…"
)

// layers returns the packages in the order of the list in the package comment.
func layers(t *testing.T) (order []string) {
	t.Helper()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	list, _, _ := strings.Cut(string(doc), "\n// New makes a command")
	for _, found := range regexp.MustCompile(`(?m)^//\t(\S+) `).FindAllStringSubmatch(list, -1) {
		order = append(order, found[1])
	}
	return order
}

// layerOf returns the name that a package or an import has in the list.
func layerOf(pkg string) string {
	switch dir, _, _ := strings.Cut(pkg, "/"); dir {
	case ".":
		return "tool"
	case "commands":
		return commands
	}
	return pkg
}

// TestImportsRunDown checks that a package imports only packages further down in
// the list of the package comment. So only the root command imports a command.
func TestImportsRunDown(t *testing.T) {
	order, packages := layers(t), map[string]bool{}
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		pkg := path.Dir(filepath.ToSlash(file))
		if pkg == "tooltest" { // only for tests
			return nil
		}
		packages[pkg] = true
		at := slices.Index(order, layerOf(pkg))
		if at < 0 {
			t.Errorf("the package comment does not list %s", pkg)
		}
		for _, imported := range importsOf(t, file) {
			below, ok := strings.CutPrefix(imported, toolPath+"/")
			if ok && slices.Index(order, layerOf(below)) <= at {
				t.Errorf("%s imports %s, which is not below it", file, below)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range order {
		if layer != "tool" && layer != commands && !packages[layer] {
			t.Errorf("the package comment lists %s, which is not there", layer)
		}
	}
	if len(packages) < 25 {
		t.Errorf("only %d packages were looked at", len(packages))
	}
}

func importsOf(t *testing.T, file string) (paths []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range parsed.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, name)
	}
	return paths
}
