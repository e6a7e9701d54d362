package telemetry_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/telemetry"
)

// observeEverything makes observations of each kind, with and without errors, and registers the
// numbers of a pool and of consents.
func observeEverything(t testing.TB, made *telemetry.Telemetry) {
	t.Helper()
	for _, kind := range kinds(t) {
		errs := []error{nil, answer(400, "invalid_grant")}
		switch kind {
		case spotipie.ObservedRefusal:
			errs = []error{spotipie.ErrReauthorizationRequired}
		case spotipie.ObservedSavedLate, spotipie.ObservedFallback:
			errs = []error{nil}
		}
		for _, err := range errs {
			made.Observe(t.Context(), spotipie.Observation{Kind: kind, Op: "load", Flow: spotipie.FlowAuthorizationCode, Err: err})
		}
	}
	if _, err := made.ObservePool(poolOf(spotipie.PoolStats{Sessions: 3, Loaded: 5, Evicted: 2})); err != nil {
		t.Fatal(err)
	}
	if _, err := made.ObserveConsents(func(context.Context) (int64, error) { return 7, nil }); err != nil {
		t.Fatal(err)
	}
}

// exposition returns what a Prometheus server reads, with every metric of the package.
func exposition(t *testing.T) string {
	t.Helper()
	registry := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(registry))
	if err != nil {
		t.Fatal(err)
	}
	made, err := telemetry.New(&telemetry.Options{MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))})
	if err != nil {
		t.Fatal(err)
	}
	observeEverything(t, made)
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("/metrics: %d %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

// exposed returns the labels of each time series by its name, without the labels that
// Prometheus and the exporter add to all.
func exposed(t *testing.T) map[string][]string {
	t.Helper()
	series := map[string][]string{}
	sample := regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? `)
	label := regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="`)
	lines := bufio.NewScanner(strings.NewReader(exposition(t)))
	for lines.Scan() {
		match := sample.FindStringSubmatch(lines.Text())
		if match == nil || match[1] == "target_info" {
			continue
		}
		for _, l := range label.FindAllStringSubmatch(match[2], -1) {
			if !strings.HasPrefix(l[1], "otel_scope_") && !slices.Contains(series[match[1]], l[1]) {
				series[match[1]] = append(series[match[1]], l[1])
			}
		}
		if series[match[1]] == nil {
			series[match[1]] = []string{}
		}
	}
	if len(series) < 12 {
		t.Fatalf("only %d time series", len(series))
	}
	return series
}

// dashboard has the parts of a Grafana dashboard that the test checks.
type dashboard struct {
	Panels []struct {
		ID      int
		Title   string
		Targets []struct{ Expr, LegendFormat string }
	}
	Templating struct {
		List []struct{ Name, Definition string }
	}
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	content, err := os.ReadFile("../docs/grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(content, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Panels) < 10 {
		t.Fatalf("only %d panels", len(d.Panels))
	}
	return d
}

// query has the labels that an expression selects and groups by.
type query struct {
	names  []string
	labels []string
}

// parse reads an expression of the dashboard, in which Grafana replaces the
// variables.
func parse(expression string) (query, error) {
	var q query
	parsed, err := metricsql.Parse(strings.ReplaceAll(expression, "$__rate_interval", "5m"))
	if err != nil {
		return q, err
	}
	metricsql.VisitAll(parsed, func(e metricsql.Expr) {
		switch e := e.(type) {
		case *metricsql.MetricExpr:
			for _, filters := range e.LabelFilterss {
				for _, filter := range filters {
					if filter.Label == "__name__" {
						q.names = append(q.names, filter.Value)
					} else {
						q.labels = append(q.labels, filter.Label)
					}
				}
			}
		case *metricsql.AggrFuncExpr:
			q.labels = append(q.labels, e.Modifier.Args...)
		}
	})
	return q, nil
}

// TestDashboard checks that every query uses exported time series and labels, and that every
// exported metric is on the dashboard.
func TestDashboard(t *testing.T) {
	series := exposed(t)
	target := []string{"job", "instance"} // labels that Prometheus itself adds
	asked := map[string]bool{}
	ids := map[int]bool{}
	d := readDashboard(t)
	for _, panel := range d.Panels {
		if ids[panel.ID] {
			t.Errorf("two panels have the id %d", panel.ID)
		}
		ids[panel.ID] = true
		for _, q := range panel.Targets {
			parsed, err := parse(q.Expr)
			if err != nil || len(parsed.names) == 0 {
				t.Errorf("%s: %q: %v", panel.Title, q.Expr, err)
			}
			for _, name := range parsed.names {
				labels, found := series[name]
				if !found {
					t.Errorf("%s: there is no %s", panel.Title, name)
				}
				asked[family(name)] = true
				for _, label := range parsed.labels {
					if !slices.Contains(labels, label) && !slices.Contains(target, label) {
						t.Errorf("%s: %s has no label %s", panel.Title, name, label)
					}
				}
			}
		}
	}
	for name := range series {
		if !asked[family(name)] {
			t.Errorf("%s is not on the dashboard", name)
		}
	}
	for _, variable := range d.Templating.List {
		name, _, isQuery := strings.Cut(strings.TrimPrefix(variable.Definition, "label_values("), "_count")
		if isQuery && series[name+"_count"] == nil {
			t.Errorf("variable %s: there is no %s_count", variable.Name, name)
		}
	}
}

// family returns the name of a time series's metric.
func family(series string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		series = strings.TrimSuffix(series, suffix)
	}
	return series
}

// TestLegendsOfTheDashboard checks that the legends use only labels that the query keeps.
func TestLegendsOfTheDashboard(t *testing.T) {
	found := 0
	for _, panel := range readDashboard(t).Panels {
		for _, q := range panel.Targets {
			for _, match := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(q.LegendFormat, -1) {
				found++
				if kept := regexp.MustCompile(`by \(([^)]*)\)`).FindStringSubmatch(q.Expr); kept == nil || !slices.Contains(strings.Split(kept[1], ", "), match[1]) {
					t.Errorf("%s: the legend names %s, which %q does not keep", panel.Title, match[1], q.Expr)
				}
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d labels in legends", found)
	}
}
