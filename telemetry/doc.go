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
// A [Telemetry] serves any number of sessions. It needs no closing: the
// providers flush what is not exported yet.
//
// # Metrics
//
// Durations are histograms in seconds, and their counts are the numbers of
// calls. Failures have the attribute error.type. docs/telemetry.md lists every
// metric with its unit and attributes, and docs/grafana-dashboard.json is a
// Grafana dashboard that shows them all.
//
// [Telemetry.ObservePool] and [Telemetry.ObserveConsents] add the numbers that
// a single session does not know: how many sessions a pool has in memory, and
// how many consents end soon.
//
// # Traces
//
// Every observation is a span, made when the work has ended and dated back to
// its start. Its parent is the span of the context that the work was done with:
// a wait for a token belongs to the request that waited. A renewal, for which many
// may wait, belongs to the request that started it, and so do its token request
// and its store calls. It may end after that request. A store call without a
// parent makes no span, and is only in the metrics.
//
// # What is never exported
//
// No attribute has a user, a profile, a key, a client id or the text of an
// error, which may contain them. Every attribute has one of a few values,
// whatever Spotify, the store or the network answers, so the number of time
// series is limited. To tell apps apart, make a [Telemetry] for each and name
// it in [Options].Attributes.
package telemetry
