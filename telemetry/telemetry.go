package telemetry

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/typednil"
)

// ScopeName is the name of the instrumentation scope of all metrics and spans.
// Use it in views and samplers.
const ScopeName = "github.com/spotipie/spotipie/telemetry"

// Options adjust a [Telemetry]. A nil *Options and the zero value mean the
// defaults named here.
type Options struct {
	// TracerProvider makes the spans. Default: the global one,
	// [otel.GetTracerProvider], also if it is set later.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the metrics. Default: the global one,
	// [otel.GetMeterProvider], also if it is set later.
	MeterProvider metric.MeterProvider
	// Attributes are added to every metric and span, to distinguish several
	// apps of one program. They are exported unchanged: put no user and no
	// secret into them. Default: none.
	Attributes []attribute.KeyValue
}

// Telemetry makes metrics and spans of observations. Make one with [New]. Its
// methods may be called by several goroutines at once.
type Telemetry struct {
	tracer      trace.Tracer
	meter       metric.Meter
	attributes  []attribute.KeyValue // without spare capacity, so that append copies
	instruments map[spotipie.ObservationKind]instrument
}

// errNotMade means that the Telemetry was not made by New.
var errNotMade = errors.New("telemetry: the Telemetry is a zero value: make it with New")

// New returns a Telemetry. It fails if a provider is a nil pointer, or if the
// meter provider refuses an instrument, which the SDK's provider does not.
func New(opts *Options) (*Telemetry, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	for name, provider := range map[string]any{"TracerProvider": o.TracerProvider, "MeterProvider": o.MeterProvider} {
		if typednil.Is(provider) {
			return nil, fmt.Errorf("telemetry: Options.%s is a nil %T: leave it out, or make the provider first", name, provider)
		}
	}
	if o.TracerProvider == nil {
		o.TracerProvider = otel.GetTracerProvider()
	}
	if o.MeterProvider == nil {
		o.MeterProvider = otel.GetMeterProvider()
	}
	t := &Telemetry{
		tracer:     o.TracerProvider.Tracer(ScopeName, trace.WithSchemaURL(semconv.SchemaURL)),
		meter:      o.MeterProvider.Meter(ScopeName, metric.WithSchemaURL(semconv.SchemaURL)),
		attributes: slices.Clip(slices.Clone(o.Attributes)),
	}
	var err error
	if t.instruments, err = newInstruments(t.meter); err != nil {
		return nil, fmt.Errorf("telemetry: making the metrics: %w", err)
	}
	return t, nil
}

// Observe makes metrics and a span from an observation: set
// [spotipie.Options].Observe to it. It takes a few microseconds, does not block
// and reports no error. It ignores unknown kinds of observations.
func (t *Telemetry) Observe(ctx context.Context, o spotipie.Observation) {
	instrument, known := t.instruments[o.Kind]
	if !known {
		return
	}
	attributes := append(t.attributes, attributesOf(ctx, o)...)
	ctx = t.trace(ctx, o, instrument, attributes)
	instrument.record(ctx, o.Duration, attributes)
}

// trace makes a span of an observation. It returns the span's context, so that
// a metric can refer to the span (an exemplar).
func (t *Telemetry) trace(ctx context.Context, o spotipie.Observation, in instrument, attributes []attribute.KeyValue) context.Context {
	if in.onlyAsChild && !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	ctx, span := t.tracer.Start(ctx, spanName(o), trace.WithTimestamp(o.Start), trace.WithSpanKind(in.spanKind), trace.WithAttributes(attributes...))
	if o.Err != nil {
		span.SetStatus(codes.Error, "") // the text might name a user
	}
	span.End(trace.WithTimestamp(o.Start.Add(o.Duration)))
	return ctx
}

func spanName(o spotipie.Observation) string {
	name := "spotipie." + string(o.Kind)
	switch o.Kind {
	case spotipie.ObservedTokenRequest:
		name += " " + grantType(o)
	case spotipie.ObservedStoreCall:
		name += " " + storeOperation(o.Op)
	}
	return name
}
