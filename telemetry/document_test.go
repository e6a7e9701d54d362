package telemetry_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spotipie/spotipie"
)

// section returns the rows of the first table below a heading of
// docs/telemetry.md, cell by cell.
func section(t *testing.T, heading string) [][]string {
	t.Helper()
	text, err := os.ReadFile("../docs/telemetry.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("no heading %q", heading)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	var rows [][]string
	for line := range strings.Lines(rest) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "| `") {
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, cells)
		}
	}
	if len(rows) < 5 {
		t.Fatalf("%s: only %d rows", heading, len(rows))
	}
	return rows
}

// codes returns the code spans in a cell, sorted.
func codes(cell string) []string {
	list := []string{}
	for _, match := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
		list = append(list, match[1])
	}
	slices.Sort(list)
	return list
}

// TestTableOfMetrics checks that the table has exactly the metrics that are exported.
func TestTableOfMetrics(t *testing.T) {
	r := record(t)
	observeEverything(t, r.Telemetry)
	exported := map[string]metricdata.Metrics{}
	for _, m := range r.scope(t) {
		exported[m.Name] = m
	}
	served := exposed(t)
	inPrometheus := map[string]bool{}
	for name := range served {
		inPrometheus[family(name)] = true
	}
	for _, row := range section(t, "Metrics") {
		name := codes(row[0])[0]
		m, found := exported[name]
		if !found {
			t.Errorf("%s is not exported", name)
			continue
		}
		delete(exported, name)
		if want := kindOf(m); row[1] != want {
			t.Errorf("%s is a %s, not a %s", name, want, row[1])
		}
		if want := codes(row[2])[0]; m.Unit != want {
			t.Errorf("%s has the unit %s, not %s", name, m.Unit, want)
		}
		keys := []string{}
		for _, p := range points(t, m) {
			for _, a := range p.attributes.ToSlice() {
				keys = append(keys, string(a.Key))
			}
		}
		slices.Sort(keys)
		if keys = slices.Compact(keys); !slices.Equal(keys, codes(row[3])) {
			t.Errorf("%s has the attributes %q, not %q", name, keys, codes(row[3]))
		}
		if want := codes(row[4])[0]; !inPrometheus[want] {
			t.Errorf("%s is not served as %s", name, want)
		}
		delete(inPrometheus, codes(row[4])[0])
	}
	for name := range exported {
		t.Errorf("%s is not in the table", name)
	}
	for name := range inPrometheus {
		t.Errorf("%s is not in the table", name)
	}
}

func kindOf(m metricdata.Metrics) string {
	switch data := m.Data.(type) {
	case metricdata.Histogram[float64]:
		return "histogram"
	case metricdata.Gauge[int64]:
		return "gauge"
	case metricdata.Sum[int64]:
		if data.IsMonotonic {
			return "counter"
		}
	}
	return "up-down counter"
}

// TestTableOfErrorTypes checks that the table has exactly the possible values.
func TestTableOfErrorTypes(t *testing.T) {
	var listed []string
	for _, row := range section(t, "error.type") {
		listed = append(listed, codes(row[0])...)
	}
	slices.Sort(listed)
	if want := errorTypes(); !slices.Equal(listed, want) {
		t.Errorf("the table has\n%q, want\n%q", listed, want)
	}
}

// TestTableOfSpans checks that the table has the span of each kind of observation, and says
// whether it needs a parent.
func TestTableOfSpans(t *testing.T) {
	var listed []string
	for _, row := range section(t, "Traces") {
		listed = append(listed, strings.Join([]string{codes(row[0])[0], row[1], row[2]}, ", "))
	}
	var made []string
	for _, kind := range kinds(t) {
		op := map[spotipie.ObservationKind]string{spotipie.ObservedTokenRequest: "refresh_token", spotipie.ObservedStoreCall: "load"}[kind]
		observation := spotipie.Observation{Kind: kind, Op: op}
		r := record(t)
		r.Observe(t.Context(), observation)
		when := "always"
		if len(r.spans.Ended()) == 0 {
			when = "in a request of yours"
		}
		ctx, end := r.request(t.Context())
		r.Observe(ctx, observation)
		end()
		span := r.spans.Ended()[0]
		name := strings.NewReplacer(" refresh_token", " {grant type}", " load", " {operation}").Replace(span.Name())
		made = append(made, strings.Join([]string{name, span.SpanKind().String(), when}, ", "))
	}
	slices.Sort(listed)
	slices.Sort(made)
	if !slices.Equal(listed, made) {
		t.Errorf("the table has\n%q, want\n%q", listed, made)
	}
}
