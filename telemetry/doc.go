// Package telemetry makes OpenTelemetry metrics and traces of what sessions do:
// token requests, renewals, store calls, waits for a token, refusals.
//
//	t, err := telemetry.New(nil) // the global providers of package otel
//	if err != nil {
//		return err
//	}
//	session, err := spotipie.NewAuthorizationCodeSession(creds, &spotipie.Options{
//		Observe: t.Observe,
//	})
//
// A [Telemetry] serves any number of sessions. It needs no end of its own: what
// is not exported yet is the providers' to flush.
//
// # Metrics
//
// Durations are histograms in seconds, and their counts are the numbers of
// calls. What failed has the attribute error.type. docs/telemetry.md lists every
// metric with its unit and attributes, and docs/grafana-dashboard.json is a
// Grafana dashboard that shows them all.
//
// [Telemetry.ObservePool] and [Telemetry.ObserveConsents] add the numbers that
// no session knows: how many sessions a pool has in memory, and how many
// consents end soon.
//
// # Traces
//
// Every observation is a span, made when the work has ended and dated back to
// its start. Its parent is the span of the context that the work was done with:
// a wait for a token belongs to the request that waited. A renewal belongs to
// nobody, as many requests may wait for it, so its span and that of its token
// request begin traces of their own. A store call without a parent is no span,
// but a number in the metrics.
//
// # What is never exported
//
// No attribute names a user, a profile, a key or a client id, and none holds a
// text of an error, for that may name them. Every attribute has one of a few
// values, whatever Spotify, the store or the network answers, so the number of
// time series has a bound. To tell apps apart, make a [Telemetry] for each and
// name it in [Options].Attributes.
package telemetry
