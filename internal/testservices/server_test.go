package testservices_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/spotipie/spotipie/internal/testservices"
)

func TestServersKeepTheirAddress(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *testservices.Server{
		"Redis":      func(t testing.TB) *testservices.Server { return testservices.StartRedis(t) },
		"PostgreSQL": testservices.StartPostgres,
	} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			reachable := func() bool {
				conn, err := net.Dial("tcp", server.Address)
				if err == nil {
					_ = conn.Close()
				}
				return err == nil
			}
			for _, end := range []func(){server.Stop, server.Kill} {
				if !reachable() {
					t.Fatal("the server is not there")
				}
				end()
				if reachable() {
					t.Fatal("the server is still there")
				}
				server.Start(t)
			}
		})
	}
}

func TestMissingProgramSkips(t *testing.T) {
	t.Setenv("SPOTIPIE_TEST_SERVICES", "")
	skipped := true
	t.Run("needs it", func(t *testing.T) {
		testservices.Program(t, "no-such-program", "no-such-package")
		skipped = false
	})
	if !skipped {
		t.Error("the test went on")
	}
}

func TestServerThatEndsAtOnceSaysWhy(t *testing.T) {
	testservices.Program(t, "redis-server", "redis-server")
	start := time.Now()
	_, err := testservices.NewRedis("--no-such-option", "yes")
	if err == nil || !strings.Contains(err.Error(), "no-such-option") {
		t.Errorf("got error %v, want the server's words", err)
	}
	if waited := time.Since(start); waited > 10*time.Second {
		t.Errorf("it took %s", waited)
	}
}
