package telemetry_test

import (
	"context"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/spotifytest"
	"github.com/spotipie/spotipie/telemetry"
)

// BenchmarkObserve measures the observation of a token request in the context of a request.
func BenchmarkObserve(b *testing.B) {
	metrics := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	for _, bench := range []struct {
		name   string
		meter  metric.MeterProvider
		tracer trace.TracerProvider
	}{
		{"no providers", metricnoop.NewMeterProvider(), tracenoop.NewTracerProvider()},
		{"metrics", metrics, tracenoop.NewTracerProvider()},
		{"metrics, spans not sampled", metrics, sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample()))},
		{"metrics, spans sampled", metrics, sdktrace.NewTracerProvider()},
	} {
		b.Run(bench.name, func(b *testing.B) {
			made, err := telemetry.New(&telemetry.Options{MeterProvider: bench.meter, TracerProvider: bench.tracer})
			if err != nil {
				b.Fatal(err)
			}
			o := spotipie.Observation{
				Kind: spotipie.ObservedTokenRequest, Op: "refresh_token", Flow: spotipie.FlowAuthorizationCode,
				Start: time.Now(), Duration: 80 * time.Millisecond,
			}
			ctx, span := bench.tracer.Tracer("request").Start(b.Context(), "request")
			defer span.End()
			b.ReportAllocs()
			for b.Loop() {
				made.Observe(ctx, o)
			}
		})
	}
}

// BenchmarkFreshToken measures a fresh token, for which there is no observation.
func BenchmarkFreshToken(b *testing.B) {
	for name, observe := range map[string]func(context.Context, spotipie.Observation){
		"unset": nil, "set": record(b).Observe,
	} {
		b.Run(name, func(b *testing.B) {
			server := spotifytest.New(b)
			opts := server.Options()
			opts.Now, opts.Observe = nil, observe
			session, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), opts)
			if err != nil {
				b.Fatal(err)
			}
			spotifytest.CloseAtEnd(b, session)
			server.Login(b, session)
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := session.Token(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
