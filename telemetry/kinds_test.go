package telemetry_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// kinds returns all kinds of observations that the root package has.
func kinds(t testing.TB) []spotipie.ObservationKind {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../observe.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var list []spotipie.ObservationKind
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == "ObservationKind" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, spotipie.ObservationKind(value))
		}
		return true
	})
	if !slices.Contains(list, spotipie.ObservedFallback) || len(list) < 7 {
		t.Fatalf("found only %q", list)
	}
	return list
}

// TestEveryKindIsExported checks that each kind has its own metric and, with a parent, a span.
func TestEveryKindIsExported(t *testing.T) {
	for _, kind := range kinds(t) {
		t.Run(string(kind), func(t *testing.T) {
			r := record(t)
			ctx, end := r.request(t.Context())
			start := time.Now()
			r.Observe(ctx, spotipie.Observation{Kind: kind, Flow: spotipie.FlowAuthorizationCode, Start: start, Duration: 3 * time.Second})
			end()
			metrics := r.scope(t)
			if len(metrics) != 1 {
				t.Fatalf("%d metrics", len(metrics))
			}
			p := points(t, metrics[0])
			if len(p) != 1 || p[0].count != 1 || p[0].sum != 3 && metrics[0].Unit == "s" {
				t.Errorf("points %+v", p)
			}
			span := r.spans.Ended()[0]
			if !span.StartTime().Equal(start) || span.EndTime().Sub(start) != 3*time.Second {
				t.Errorf("the span lasts from %s to %s", span.StartTime(), span.EndTime())
			}
		})
	}
}
