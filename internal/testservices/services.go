package testservices

import (
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
		s.redis = startRedis(t)
	}
	return s.redis.Address
}

// Postgres returns the connection string of a PostgreSQL server.
func (s *Services) Postgres(t testing.TB) (dsn string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.postgres == nil {
		s.postgres = startPostgres(t)
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
		s.bouncer = startPgBouncer(t, s.postgres.Address)
	}
	return PostgresDSN(s.bouncer.Address)
}

// Exit stops all shared servers and ends the process with code.
func (s *Services) Exit(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, server := range []*Server{s.bouncer, s.postgres, s.redis} {
		if server != nil {
			server.remove()
		}
	}
	os.Exit(code)
}

// Count returns the number in an environment variable, or fallback: how much
// of something a test does.
func Count(t testing.TB, variable string, fallback int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s is %q, which is no number", variable, text)
	}
	return n
}

// Program returns the path of a program of a Debian package.
func Program(t testing.TB, name, debianPackage string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	places := []string{"/usr/sbin/" + name, "/usr/lib/postgresql/*/bin/" + name}
	for _, pattern := range places {
		found, _ := filepath.Glob(pattern)
		slices.Sort(found)
		if len(found) > 0 {
			return found[len(found)-1]
		}
	}
	complain := t.Skipf
	if os.Getenv("SPOTIPIE_TEST_SERVICES") == "1" {
		complain = t.Fatalf
	}
	complain("%s is not installed: apt-get install %s", name, debianPackage)
	return ""
}
