package telemetry_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/telemetry"
)

// A program whose metrics Prometheus reads. Serve the registry as /metrics with
// promhttp.HandlerFor.
func Example() {
	ctx := context.Background()
	registry := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(registry))
	if err != nil {
		log.Fatal(err)
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	defer provider.Shutdown(ctx)
	t, err := telemetry.New(&telemetry.Options{MeterProvider: provider})
	if err != nil {
		log.Fatal(err)
	}

	spotify, err := accounts.New(nil) // stands for Spotify
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(spotify)
	defer server.Close()
	app := spotify.Apps()[0]
	session, err := spotipie.NewClientCredentialsSession(
		spotipie.Credentials{ClientID: app.ClientID, ClientSecret: app.ClientSecret},
		&spotipie.Options{AccountsURL: server.URL, Transport: server.Client().Transport, Observe: t.Observe},
	)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close(ctx)
	if _, err := session.Token(ctx); err != nil {
		log.Fatal(err)
	}

	families, err := registry.Gather()
	if err != nil {
		log.Fatal(err)
	}
	for _, family := range families {
		if strings.HasPrefix(family.GetName(), "spotipie_") {
			fmt.Println(family.GetName(), family.GetMetric()[0].GetHistogram().GetSampleCount())
		}
	}
	// Output:
	// spotipie_renewal_duration_seconds 1
	// spotipie_token_request_duration_seconds 1
	// spotipie_token_wait_duration_seconds 1
}
