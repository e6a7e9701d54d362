package spotipie_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rows are the rows of docs/from-python.md by their first column. Each has a test of
// its Go counterpart.
type rows map[string]func(*testing.T)

// TestFromPython checks that every entry of the Python package's reference has a row
// in docs/from-python.md, and that the counterpart of every row works.
func TestFromPython(t *testing.T) {
	exercises := make(rows)
	for _, group := range []rows{
		authorizationCodeRows(), clientCredentialsRows(), implicitGrantRows(),
		baseRows(), refreshableRows(), credentialsRows(), flowRows(), tokenRows(), tokenConversionRows(),
	} {
		for name, exercise := range group {
			if exercises[name] != nil {
				t.Errorf("two tests for %s", name)
			}
			exercises[name] = exercise
		}
	}
	documented := documentedRows(t)
	sameNames(t, "docs/from-python.md", documented, pythonReference())
	sameNames(t, "the exercises", slices.Collect(maps.Keys(exercises)), pythonReference())
	for _, name := range documented {
		if exercise := exercises[name]; exercise != nil {
			t.Run(name, exercise)
		}
	}
}

func sameNames(t *testing.T, where string, got, want []string) {
	t.Helper()
	for _, name := range want {
		switch n := len(slices.DeleteFunc(slices.Clone(got), func(other string) bool { return other != name })); n {
		case 1:
		default:
			t.Errorf("%s: %d times %s, want once", where, n, name)
		}
	}
	for _, name := range got {
		if !slices.Contains(want, name) {
			t.Errorf("%s: %s is not an entry of the reference", where, name)
		}
	}
}

// tableLines returns the lines of the reference's tables, without headers.
func tableLines(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("docs", "from-python.md"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| `") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func documentedRows(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, line := range tableLines(t) {
		name, rest, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "` | ")
		if columns := strings.Split(rest, "|"); !ok || len(columns) != 3 || strings.TrimSpace(columns[0]) == "" || columns[2] != "" {
			t.Errorf("not `Python` | Go | remarks: %s", line)
			continue
		}
		names = append(names, name)
	}
	return names
}

// TestFromPythonNamesWhatThereIs checks that this package exports all names in the Go
// column.
func TestFromPythonNamesWhatThereIs(t *testing.T) {
	declared := declaredNames(t)
	code, name := regexp.MustCompile("`[^`]+`"), regexp.MustCompile(`(?:([a-z]+)\.)?\b([A-Z]\w+)`)
	checked := 0
	for _, line := range tableLines(t) {
		column := strings.Split(line, " | ")[1]
		for _, span := range code.FindAllString(column, -1) {
			for _, match := range name.FindAllStringSubmatch(span, -1) {
				if pkg := match[1]; pkg == "context" || pkg == "http" {
					continue
				}
				checked++
				if !declared[match[2]] {
					t.Errorf("%s is not in this package: %s", match[2], line)
				}
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d names found", checked)
	}
}

func declaredNames(t *testing.T) map[string]bool {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				names[n.Name.Name] = true
			case *ast.TypeSpec:
				names[n.Name.Name] = true
			case *ast.ValueSpec:
				addNames(names, n.Names)
			case *ast.Field:
				addNames(names, n.Names)
			}
			return true
		})
	}
	return names
}

func addNames(names map[string]bool, idents []*ast.Ident) {
	for _, ident := range idents {
		names[ident.Name] = true
	}
}
