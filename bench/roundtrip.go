package main

import (
	"context"
	"net/http"
	"runtime/debug"
	"testing"

	"golang.org/x/oauth2"
)

// gcPercent lets the heap of this small program grow to 64 MiB before the garbage
// collector runs. By default it would run every few thousand requests and take a
// large part of the measured time. It does not run so often in larger programs.
const gcPercent = 1600

func measureRoundTrip(_ context.Context, s settings) ([]row, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	results, err := race(s.rounds, roundTrips())
	if err != nil {
		return nil, err
	}
	duration := newRow("RoundTrip, transport does nothing", "ns", nanoseconds(results)).ratioAtMost(0.45)
	duration.Note = "a GET with two headers. Both copy the request and its headers, which RoundTrippers must not change, and read the clock."
	return []row{
		duration,
		newRow("  allocations", "", allocations(results)).atMost(3),
	}, nil
}

// roundTrips authorize a request with the headers that a Web API client sets.
// cloud.google.com/go/auth and AWS have transports only for their own services.
func roundTrips() []contender {
	transport := &nothing{response: &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}}
	return []contender{
		{ours, func(b *testing.B) {
			session, err := freshSession(transport)
			orFatal(b, err)
			roundTrip(b, session.Client().Transport)
		}},
		{xoauth, func(b *testing.B) {
			roundTrip(b, &oauth2.Transport{Source: freshOAuth2(), Base: transport})
		}},
		{floor, func(b *testing.B) { roundTrip(b, transport) }},
	}
}

func roundTrip(b *testing.B, rt http.RoundTripper) {
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "https://api.spotify.com/v1/me/tracks?limit=50", nil)
	orFatal(b, err)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Language", "sv")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rt.RoundTrip(req); err != nil {
			b.Fatal(err)
		}
	}
}

// nothing answers every request at once with the same response.
type nothing struct{ response *http.Response }

func (n *nothing) RoundTrip(*http.Request) (*http.Response, error) { return n.response, nil }
