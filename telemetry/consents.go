package telemetry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/spotipie/spotipie"
)

// ConsentWindow is within what time a consent must end for
// [Telemetry.ObserveConsents] to count it.
const ConsentWindow = 30 * 24 * time.Hour

const (
	// consentInterval is how old a count may be. Counting may be expensive for
	// the store, and metrics are collected every few seconds.
	consentInterval = time.Minute
	// consentTimeout limits a count, because metrics wait for it.
	consentTimeout = 5 * time.Second
)

// ObserveConsents exports how many consents end within [ConsentWindow], so that
// their users can be asked to sign in again. count returns that number, from
// the store. It is called when metrics are collected, at most once a minute and
// by one goroutine at a time, and has five seconds: all metrics wait for it, so
// it must obey its context. If it fails, the metric is left out for that
// minute, and the reader of the metrics gets the error once, and usually passes
// it to [otel.Handle]. Unregister the returned registration before you close
// the store.
//
// Replicas that share a store all export the same number: take the maximum, not
// the sum.
func (t *Telemetry) ObserveConsents(count func(context.Context) (int64, error)) (metric.Registration, error) {
	switch {
	case t.meter == nil:
		return nil, errNotMade
	case count == nil:
		return nil, errors.New("telemetry: ObserveConsents: the function is nil")
	}
	ending, err := t.meter.Int64ObservableGauge("spotipie.consents.ending",
		metric.WithUnit("{consent}"), metric.WithDescription("Consents that end within 30 days."))
	if err != nil {
		return nil, fmt.Errorf("telemetry: making the metric of the consents: %w", err)
	}
	counter := &consentCounter{count: count}
	attributes := metric.WithAttributes(t.attributes...)
	return t.meter.RegisterCallback(func(ctx context.Context, observer metric.Observer) error {
		n, ok, err := counter.latest(ctx)
		if ok {
			observer.ObserveInt64(ending, n, attributes)
		}
		return err
	}, ending)
}

// consentCounter remembers a count for a while.
type consentCounter struct {
	count func(context.Context) (int64, error)

	mu      sync.Mutex
	counted time.Time // when count was called last
	n       int64
	ok      bool // count succeeded then
}

// latest returns the latest count, or ok == false if counting failed. It
// returns an error only if this call has counted.
func (c *consentCounter) latest(ctx context.Context) (n int64, ok bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.counted.IsZero() && time.Since(c.counted) < consentInterval {
		return c.n, c.ok, nil
	}
	ctx, cancel := context.WithTimeout(ctx, consentTimeout)
	defer cancel()
	c.n, err = c.count(ctx)
	c.counted, c.ok = time.Now(), err == nil
	if err != nil {
		return 0, false, fmt.Errorf("telemetry: counting the consents that end within 30 days: %w", err)
	}
	return c.n, true, nil
}

// EndingConsents returns a function for [Telemetry.ObserveConsents] that counts the
// consents which end within [ConsentWindow]. summaries is the method
// [spotipie.Pool.Summaries] of a pool. Users whose refresh token was refused do not
// count: they have to sign in again already. The count may take five seconds, so
// use your own query if hundreds of thousands of consents end within 30 days.
func EndingConsents(summaries func(context.Context, spotipie.SummaryQuery) (spotipie.SummaryPage, error)) func(context.Context) (int64, error) {
	return func(ctx context.Context) (n int64, err error) {
		end := time.Now().Add(ConsentWindow)
		query := spotipie.ConsentsEndingBefore(end)
		for {
			page, err := summaries(ctx, query)
			if err != nil {
				return 0, err
			}
			for _, user := range page.Summaries {
				if user.Rejected == "" && user.ReauthorizeBy().Before(end) {
					n++
				}
			}
			if page.Next == "" {
				return n, nil
			}
			query.After = page.Next
		}
	}
}
