package cli_test

import (
	"testing"

	"github.com/spotipie/spotipie/internal/cli"
)

func TestSplitAddress(t *testing.T) {
	for address, want := range map[string]struct {
		host string
		port int
	}{
		"":               {"", 0},
		"0.0.0.0":        {"0.0.0.0", 0},
		"host":           {"host", 0},
		"127.0.0.1:8888": {"127.0.0.1", 8888},
		":8888":          {"", 8888},
		"::":             {"::", 0},
		"[::1]":          {"::1", 0},
		"[::1]:8888":     {"::1", 8888},
	} {
		t.Run(address, func(t *testing.T) {
			if host, port, err := cli.SplitAddress(address); err != nil || host != want.host || port != want.port {
				t.Errorf("got %q, %d, %v", host, port, err)
			}
		})
	}
	for _, address := range []string{"nonsense::::", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:http", "a:b:c"} {
		t.Run(address, func(t *testing.T) {
			if host, port, err := cli.SplitAddress(address); err == nil {
				t.Errorf("taken as %q, %d", host, port)
			}
		})
	}
}
