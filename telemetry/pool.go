package telemetry

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/metric"

	"github.com/spotipie/spotipie"
)

// ObservePool exports the numbers of a pool: stats is its
// [spotipie.Pool.Stats]. It is called whenever metrics are collected, perhaps
// by several goroutines at once. Unregister the returned registration when the
// pool is closed.
//
// A program with several pools makes a [Telemetry] for each, with different
// [Options].Attributes: otherwise their numbers are mixed up.
func (t *Telemetry) ObservePool(stats func() spotipie.PoolStats) (metric.Registration, error) {
	switch {
	case t.meter == nil:
		return nil, errNotMade
	case stats == nil:
		return nil, errors.New("telemetry: ObservePool: the function is nil: give it the pool's method Stats")
	}
	m := maker{meter: t.meter}
	sessions := m.level("spotipie.pool.sessions", "{session}", "Sessions that the pool has in memory.")
	loads := m.total("spotipie.pool.loads", "{session}", "Sessions that the pool has loaded from the store.")
	evictions := m.total("spotipie.pool.evictions", "{session}", "Sessions that the pool has dropped from memory.")
	active := m.level("spotipie.pool.token_requests.active", "{request}", "Token requests that the pool has under way.")
	pending := m.level("spotipie.pool.token_requests.pending", "{request}", "Token requests that wait for their turn in the pool.")
	if m.err != nil {
		return nil, fmt.Errorf("telemetry: making the metrics of the pool: %w", m.err)
	}
	attributes := metric.WithAttributes(t.attributes...)
	return t.meter.RegisterCallback(func(_ context.Context, observer metric.Observer) error {
		s := stats()
		observer.ObserveInt64(sessions, int64(s.Sessions), attributes)
		observer.ObserveInt64(loads, int64(s.Loaded), attributes)
		observer.ObserveInt64(evictions, int64(s.Evicted), attributes)
		observer.ObserveInt64(active, int64(s.TokenRequests), attributes)
		observer.ObserveInt64(pending, int64(s.TokenRequestsWaiting), attributes)
		return nil
	}, sessions, loads, evictions, active, pending)
}
