package testservices

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// Services are the servers that the tests of one binary share. They start when
// the first test needs them. The zero value is ready.
type Services struct {
	mu       sync.Mutex
	redis    *Server
	postgres *Server
	bouncer  *Server
}

// Redis returns the address of a redis-server.
func (s *Services) Redis(t testing.TB) (address string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.redis == nil {
		server, err := NewRedis()
		must(t, err)
		s.redis = server
	}
	return s.redis.Address
}

// Postgres returns the connection string of a PostgreSQL server.
func (s *Services) Postgres(t testing.TB) (dsn string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.postgres == nil {
		server, err := NewPostgres()
		must(t, err)
		s.postgres = server
	}
	return PostgresDSN(s.postgres.Address)
}

// PgBouncer returns the connection string of a PgBouncer in transaction mode
// before the server that [Services.Postgres] returns.
func (s *Services) PgBouncer(t testing.TB) (dsn string) {
	t.Helper()
	s.Postgres(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bouncer == nil {
		server, err := newPgBouncer(s.postgres.Address, "transaction")
		must(t, err)
		s.bouncer = server
	}
	return PostgresDSN(s.bouncer.Address)
}

// Exit stops all shared servers and ends the process with code.
func (s *Services) Exit(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, server := range []*Server{s.bouncer, s.postgres, s.redis} {
		if server != nil {
			server.Remove()
		}
	}
	os.Exit(code)
}

// Count returns the number in an environment variable, or fallback if it is not
// set. Tests use it to decide how much to do.
func Count(t testing.TB, variable string, fallback int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s is %q, which is not a number", variable, text)
	}
	return n
}

// ErrNotInstalled means that a program that a test needs is not on this machine.
var ErrNotInstalled = errors.New("is not installed")

// Program returns the path of a program of a Debian package. If the program is
// missing, the test is skipped, or fails with SPOTIPIE_TEST_SERVICES=1.
func Program(t testing.TB, name, debianPackage string) string {
	t.Helper()
	path, err := findProgram(name, debianPackage)
	must(t, err)
	return path
}

func findProgram(name, debianPackage string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	places := []string{"/usr/sbin/" + name, "/usr/lib/postgresql/*/bin/" + name}
	for _, pattern := range places {
		found, _ := filepath.Glob(pattern)
		slices.Sort(found)
		if len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	return "", fmt.Errorf("%s %w: apt-get install %s", name, ErrNotInstalled, debianPackage)
}

// forTest removes a server when the test ends.
func forTest(t testing.TB, s *Server, err error) *Server {
	t.Helper()
	must(t, err)
	t.Cleanup(s.Remove)
	return s
}

// must ends the test if err is not nil. If a program is missing, the test is
// skipped.
func must(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrNotInstalled) && os.Getenv("SPOTIPIE_TEST_SERVICES") != "1":
		t.Skip(err)
	default:
		t.Fatal(err)
	}
}
