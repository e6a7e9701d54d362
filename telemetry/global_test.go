package telemetry_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/telemetry"
)

// TestGlobalProviders checks that the global providers are the default, also if a program sets
// them after New. A process can set them for existing instruments only once, so the test runs
// in its own process.
func TestGlobalProviders(t *testing.T) {
	if os.Getenv("TELEMETRY_GLOBAL_PROVIDERS") == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestGlobalProviders$", "-test.v")
		cmd.Env = append(os.Environ(), "TELEMETRY_GLOBAL_PROVIDERS=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestGlobalProviders") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	made, err := telemetry.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	refusal := spotipie.Observation{Kind: spotipie.ObservedRefusal, Flow: spotipie.FlowAuthorizationCode}
	made.Observe(t.Context(), refusal) // is not exported: there is no provider yet
	r := &recorder{reader: sdkmetric.NewManualReader(), spans: tracetest.NewSpanRecorder()}
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(r.reader)))
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r.spans)))
	made.Observe(t.Context(), refusal)
	if got, want := r.metrics(t), []string{"spotipie.refusals{spotipie.flow=authorization_code} 1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := r.spanLines(), []string{"spotipie.refusal internal Unset {spotipie.flow=authorization_code}"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
