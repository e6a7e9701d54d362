package testservices

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// PostgresDSN returns the connection string of a server that this package has
// started, or of a proxy before it.
func PostgresDSN(address string) string {
	return fmt.Sprintf("postgres://spotipie@%s/postgres?sslmode=disable", address)
}

// StartPostgres is NewPostgres for one test. It removes the server when the test
// ends.
func StartPostgres(t testing.TB) *Server {
	t.Helper()
	s, err := NewPostgres()
	return forTest(t, s, err)
}

// NewPostgres starts a PostgreSQL server. The caller must remove it.
func NewPostgres() (*Server, error) { return newPostgres(nil) }

// newPostgres starts a server through a launcher, like newRedis.
func newPostgres(launcher []string) (*Server, error) {
	initdb, err := findProgram("initdb", "postgresql")
	if err != nil {
		return nil, err
	}
	command := append(launcher, filepath.Join(filepath.Dir(initdb), "postgres"))
	return newServer(command[0], askPostgres, func(folder, port string) ([]string, error) {
		data := filepath.Join(folder, "data")
		init := unprivileged(initdb, "-D", data, "-U", "spotipie", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
		init.Dir = folder
		if words, err := init.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("initdb: %w\n%s", err, words)
		}
		return append(command[1:], postgresArguments(data, port)...), nil
	})
}

func postgresArguments(data, port string) []string {
	return []string{
		"-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "max_connections=200", "-c", "fsync=off", "-c", "shared_buffers=16MB",
	}
}

// StartPostgresReplica starts a replica of the PostgreSQL server at an address. It
// follows the primary until PromotePostgres.
func StartPostgresReplica(t testing.TB, primary string) *Server {
	t.Helper()
	s, err := newPostgresReplica(primary)
	return forTest(t, s, err)
}

func newPostgresReplica(primary string) (*Server, error) {
	backup, err := findProgram("pg_basebackup", "postgresql")
	if err != nil {
		return nil, err
	}
	program := filepath.Join(filepath.Dir(backup), "postgres")
	if _, err := os.Stat(program); err != nil { // Debian's wrapper pg_basebackup is in another folder
		if program, err = findProgram("postgres", "postgresql"); err != nil {
			return nil, err
		}
	}
	return newServer(program, askPostgres, func(folder, port string) ([]string, error) {
		data := filepath.Join(folder, "data")
		copying := unprivileged(backup, "-D", data, "-d", PostgresDSN(primary), "-R", "-c", "fast", "--no-sync")
		copying.Dir = folder
		if words, err := copying.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("pg_basebackup: %w\n%s", err, words)
		}
		return postgresArguments(data, port), nil
	})
}

// PromotePostgres makes a replica the primary.
func PromotePostgres(t testing.TB, replica *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, PostgresDSN(replica.Address))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var promoted bool
	if err := conn.QueryRow(ctx, "SELECT pg_promote()").Scan(&promoted); err != nil || !promoted {
		t.Fatalf("promoting: %t, %v", promoted, err)
	}
}

func askPostgres(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, PostgresDSN(address))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// StartPgBouncer starts a PgBouncer for one test, before a PostgreSQL server. The
// mode is one of PgBouncer's pool modes.
func StartPgBouncer(t testing.TB, postgres, mode string) *Server {
	t.Helper()
	s, err := newPgBouncer(postgres, mode)
	return forTest(t, s, err)
}

// newPgBouncer starts a PgBouncer before a PostgreSQL server. It uses few
// connections to the server, so that clients must share them.
func newPgBouncer(postgres, mode string) (*Server, error) {
	program, err := findProgram("pgbouncer", "pgbouncer")
	if err != nil {
		return nil, err
	}
	host, serverPort, err := net.SplitHostPort(postgres)
	if err != nil {
		return nil, err
	}
	return newServer(program, askPostgres, func(folder, port string) ([]string, error) {
		config := filepath.Join(folder, "pgbouncer.ini")
		text := fmt.Sprintf(`[databases]
* = host=%s port=%s user=spotipie
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = %s
default_pool_size = 4
max_client_conn = 1000
`, host, serverPort, port, mode)
		return []string{config}, writeFor(config, []byte(text))
	})
}
