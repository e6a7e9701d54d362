package telemetry

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/metric"
)

// PoolNumbers is what a pool of sessions has done, and has in memory now.
type PoolNumbers struct {
	Resident int64 // sessions in memory now
	Loaded   int64 // sessions loaded from the store, since the program began
	Evicted  int64 // sessions put out of memory, since the program began
}

// ObservePool exports the numbers of a pool. numbers is called whenever metrics
// are collected, perhaps by several goroutines at once, and should return at
// once. Unregister what is returned before the pool goes away.
//
// A program with several pools makes a [Telemetry] for each, with different
// [Options].Attributes: otherwise their numbers are mixed up.
func (t *Telemetry) ObservePool(numbers func() PoolNumbers) (metric.Registration, error) {
	switch {
	case t.meter == nil:
		return nil, errNotMade
	case numbers == nil:
		return nil, errors.New("telemetry: ObservePool: the function is nil")
	}
	resident, err := t.meter.Int64ObservableUpDownCounter("spotipie.pool.sessions",
		metric.WithUnit("{session}"), metric.WithDescription("Sessions that the pool has in memory."))
	if err != nil {
		return nil, fmt.Errorf("telemetry: making the metrics of the pool: %w", err)
	}
	loaded, err := t.meter.Int64ObservableCounter("spotipie.pool.loads",
		metric.WithUnit("{session}"), metric.WithDescription("Sessions that the pool has loaded from the store."))
	if err != nil {
		return nil, fmt.Errorf("telemetry: making the metrics of the pool: %w", err)
	}
	evicted, err := t.meter.Int64ObservableCounter("spotipie.pool.evictions",
		metric.WithUnit("{session}"), metric.WithDescription("Sessions that the pool has put out of memory."))
	if err != nil {
		return nil, fmt.Errorf("telemetry: making the metrics of the pool: %w", err)
	}
	attributes := metric.WithAttributes(t.attributes...)
	return t.meter.RegisterCallback(func(_ context.Context, observer metric.Observer) error {
		n := numbers()
		observer.ObserveInt64(resident, n.Resident, attributes)
		observer.ObserveInt64(loaded, n.Loaded, attributes)
		observer.ObserveInt64(evicted, n.Evicted, attributes)
		return nil
	}, resident, loaded, evicted)
}
