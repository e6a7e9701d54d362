package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/spotipie/spotipie"
)

// instrument exports one kind of observation: as a histogram of durations, or
// as a counter if it has no duration, and as a span.
type instrument struct {
	duration    metric.Float64Histogram // or nil
	count       metric.Int64Counter     // or nil
	spanKind    trace.SpanKind
	onlyAsChild bool // without a parent there is no span
}

func (in instrument) record(ctx context.Context, took time.Duration, attributes []attribute.KeyValue) {
	set := metric.WithAttributeSet(attribute.NewSet(attributes...))
	if in.duration != nil {
		in.duration.Record(ctx, took.Seconds(), set)
	}
	if in.count != nil {
		in.count.Add(ctx, 1, set)
	}
}

// newInstruments makes the instruments of all kinds of observations. The bounds
// of the histograms are those that the semantic conventions recommend for HTTP
// requests and database calls, and go up to the longest time that a session
// allows.
func newInstruments(meter metric.Meter) (map[spotipie.ObservationKind]instrument, error) {
	m := maker{meter: meter}
	instruments := map[spotipie.ObservationKind]instrument{
		spotipie.ObservedTokenRequest: {
			duration: m.histogram("spotipie.token_request.duration", "Duration of requests to the token endpoint.",
				0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 15),
			spanKind: trace.SpanKindClient,
		},
		spotipie.ObservedRenewal: {
			duration: m.histogram("spotipie.renewal.duration", "Duration of renewals, from the wait for the store's lock until the token is saved.",
				0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60),
			spanKind: trace.SpanKindInternal,
		},
		spotipie.ObservedWait: {
			duration: m.histogram("spotipie.token_wait.duration", "How long callers waited for a token.",
				0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60),
			spanKind: trace.SpanKindInternal,
		},
		spotipie.ObservedStoreCall: {
			duration: m.histogram("spotipie.store.operation.duration", "Duration of calls of the store.",
				0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60),
			spanKind:    trace.SpanKindInternal,
			onlyAsChild: true,
		},
		spotipie.ObservedSavedLate: {
			duration: m.histogram("spotipie.saved_late.duration", "How long it took to save a token that could not be saved at first, or that the store had lost.",
				0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14400),
			spanKind: trace.SpanKindInternal,
		},
		spotipie.ObservedRefusal: {
			count:    m.counter("spotipie.refusals", "{refusal}", "Refresh tokens that the accounts service has refused for good: their users must sign in again."),
			spanKind: trace.SpanKindInternal,
		},
		spotipie.ObservedFallback: {
			count:    m.counter("spotipie.store.fallbacks", "{fallback}", "How often the store has shown an older record than before, or lost one."),
			spanKind: trace.SpanKindInternal,
		},
	}
	return instruments, m.err
}

// maker makes instruments until one fails.
type maker struct {
	meter metric.Meter
	err   error
}

func (m *maker) histogram(name, description string, bounds ...float64) metric.Float64Histogram {
	if m.err != nil {
		return nil
	}
	var h metric.Float64Histogram
	h, m.err = m.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), metric.WithExplicitBucketBoundaries(bounds...))
	return h
}

func (m *maker) counter(name, unit, description string) metric.Int64Counter {
	if m.err != nil {
		return nil
	}
	var c metric.Int64Counter
	c, m.err = m.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	return c
}

// level makes an instrument for a number that goes up and down.
func (m *maker) level(name, unit, description string) metric.Int64ObservableUpDownCounter {
	if m.err != nil {
		return nil
	}
	var c metric.Int64ObservableUpDownCounter
	c, m.err = m.meter.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	return c
}

// total makes an instrument for a number that only grows.
func (m *maker) total(name, unit, description string) metric.Int64ObservableCounter {
	if m.err != nil {
		return nil
	}
	var c metric.Int64ObservableCounter
	c, m.err = m.meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	return c
}
