package main

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/metric"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/telemetry"
)

// observe registers the pool's numbers with OpenTelemetry. Nothing is exported
// until you set the global providers (otel.SetMeterProvider, otel.SetTracerProvider).
func observe(t *telemetry.Telemetry, pool *spotipie.Pool) ([]metric.Registration, error) {
	sessions, err := t.ObservePool(pool.Stats)
	if err != nil {
		return nil, err
	}
	consents, err := t.ObserveConsents(telemetry.EndingConsents(pool.Summaries))
	if err != nil {
		return nil, errors.Join(err, sessions.Unregister())
	}
	return []metric.Registration{sessions, consents}, nil
}

// close ends the metrics and saves unsaved tokens.
func (a *app) close(ctx context.Context) error {
	var err error
	for _, registration := range a.metrics {
		err = errors.Join(err, registration.Unregister())
	}
	return errors.Join(err, a.pool.Close(ctx))
}
