package telemetry_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/spotipie/spotipie/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder has everything that a Telemetry exports.
type recorder struct {
	*telemetry.Telemetry
	reader *sdkmetric.ManualReader
	spans  *tracetest.SpanRecorder
	tracer *sdktrace.TracerProvider
}

// record returns a Telemetry on the real SDK.
func record(t testing.TB, attributes ...attribute.KeyValue) *recorder {
	t.Helper()
	r := &recorder{reader: sdkmetric.NewManualReader(), spans: tracetest.NewSpanRecorder()}
	r.tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r.spans))
	made, err := telemetry.New(&telemetry.Options{
		TracerProvider: r.tracer, MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(r.reader)), Attributes: attributes,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Telemetry = made
	return r
}

// request begins a span, as a server does for a request.
func (r *recorder) request(ctx context.Context) (context.Context, func()) {
	ctx, span := r.tracer.Tracer("test").Start(ctx, "request")
	return ctx, func() { span.End() }
}

// scope returns the metrics of the package, and fails the test if others are
// exported.
func (r *recorder) scope(t testing.TB) []metricdata.Metrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := r.reader.Collect(context.Background(), &all); err != nil {
		t.Error(err)
	}
	var metrics []metricdata.Metrics
	for _, scope := range all.ScopeMetrics {
		if scope.Scope.Name != telemetry.ScopeName {
			t.Errorf("metrics of %s", scope.Scope.Name)
		}
		metrics = append(metrics, scope.Metrics...)
	}
	return metrics
}

// point is one time series of a metric. For a histogram it has the count and the sum.
type point struct {
	attributes attribute.Set
	count      int64
	sum        float64
}

func points(t testing.TB, m metricdata.Metrics) []point {
	t.Helper()
	var list []point
	switch data := m.Data.(type) {
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			list = append(list, point{p.Attributes, int64(p.Count), p.Sum})
		}
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			list = append(list, point{p.Attributes, p.Value, 0})
		}
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			list = append(list, point{p.Attributes, p.Value, 0})
		}
	default:
		t.Errorf("%s is a %T", m.Name, m.Data)
	}
	return list
}

// metrics lists all time series as "name{attribute=value …} count", sorted.
func (r *recorder) metrics(t testing.TB) []string {
	t.Helper()
	var lines []string
	for _, m := range r.scope(t) {
		for _, p := range points(t, m) {
			lines = append(lines, fmt.Sprintf("%s{%s} %d", m.Name, pairs(p.attributes.ToSlice()), p.count))
		}
	}
	slices.Sort(lines)
	return lines
}

func pairs(attributes []attribute.KeyValue) string {
	var list []string
	for _, a := range attributes {
		list = append(list, string(a.Key)+"="+a.Value.String())
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// spanLines lists the spans of the package as "name kind status {attributes}",
// in the order they ended.
func (r *recorder) spanLines() []string {
	var lines []string
	for _, span := range r.spans.Ended() {
		if span.InstrumentationScope().Name != telemetry.ScopeName {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s %s %s {%s}", span.Name(), span.SpanKind(), span.Status().Code, pairs(span.Attributes())))
	}
	return lines
}
