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

// PostgresDSN returns the connection string of a server started here, or of a
// proxy before it.
func PostgresDSN(address string) string {
	return fmt.Sprintf("postgres://spotipie@%s/postgres?sslmode=disable", address)
}

// StartPostgres starts a PostgreSQL server of the test's own, which it may
// stop. It is gone when the test ends.
func StartPostgres(t testing.TB) *Server {
	t.Helper()
	s := startPostgres(t)
	t.Cleanup(s.remove)
	return s
}

func startPostgres(t testing.TB) *Server {
	t.Helper()
	initdb := Program(t, "initdb", "postgresql")
	program := filepath.Join(filepath.Dir(initdb), "postgres")
	return newServer(t, program, askPostgres, func(folder, port string) []string {
		data := filepath.Join(folder, "data")
		init := unprivileged(initdb, "-D", data, "-U", "spotipie", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
		init.Dir = folder
		if words, err := init.CombinedOutput(); err != nil {
			_ = os.RemoveAll(folder)
			t.Fatalf("initdb: %v\n%s", err, words)
		}
		return []string{
			"-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
			"-c", "max_connections=200", "-c", "fsync=off", "-c", "shared_buffers=16MB",
		}
	})
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

// startPgBouncer starts a PgBouncer in transaction mode before a PostgreSQL
// server. It has few server connections, so that clients really share them.
func startPgBouncer(t testing.TB, postgres string) *Server {
	t.Helper()
	program := Program(t, "pgbouncer", "pgbouncer")
	host, serverPort, err := net.SplitHostPort(postgres)
	if err != nil {
		t.Fatal(err)
	}
	return newServer(t, program, askPostgres, func(folder, port string) []string {
		config := filepath.Join(folder, "pgbouncer.ini")
		text := fmt.Sprintf(`[databases]
* = host=%s port=%s user=spotipie
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 1000
`, host, serverPort, port)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		giveAway(t, config)
		return []string{config}
	})
}
