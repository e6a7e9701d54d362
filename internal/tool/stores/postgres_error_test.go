//go:build unix

package stores_test

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

// refusing is a PostgreSQL server that answers every connection with an error
// (https://www.postgresql.org/docs/current/protocol-error-fields.html).
func refusing(t *testing.T, code, message string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	t.Cleanup(func() { _ = listener.Close(); <-served })
	go func() {
		defer close(served)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			var size [4]byte
			if _, err := io.ReadFull(conn, size[:]); err == nil {
				_, _ = io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(size[:]))-4)
				fields := "SFATAL\x00VFATAL\x00C" + code + "\x00M" + message + "\x00\x00"
				answer := binary.BigEndian.AppendUint32([]byte{'E'}, uint32(4+len(fields)))
				_, _ = conn.Write(append(answer, fields...))
			}
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

func TestPostgresErrors(t *testing.T) {
	for name, test := range map[string]struct{ code, message, want string }{
		"wrong password": {"28P01", `password authentication failed for user "app"`,
			`PostgreSQL refuses the user: password authentication failed for user "app" (28P01): check the user, the password, and pg_hba.conf`},
		"no database": {"3D000", `database "d" does not exist`,
			`PostgreSQL refuses the connection: database "d" does not exist (3D000): check the name of the database`},
		"too many clients": {"53300", "sorry, too many clients already",
			"PostgreSQL has no free connections or memory: sorry, too many clients already (53300): try again later; if it happens again, raise max_connections"},
		"starting up": {"57P03", "the database system is starting up",
			"PostgreSQL is not ready: the database system is starting up (57P03): try again in a moment"},
		"a pooler's parameter": {"08P01", "unsupported startup parameter: search_path",
			"unsupported startup parameter: search_path (08P01): remove that parameter from the address, or let the pooler ignore it"},
		"something else": {"XX000", "oops", "PostgreSQL refuses the connection: oops (XX000): its log may say why"},
	} {
		t.Run(name, func(t *testing.T) {
			tooltest.Home(t, "")
			err := reads(t, "--store", "postgres://app:hush@"+refusing(t, test.code, test.message)+"/d?sslmode=disable")
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hush") {
				t.Fatalf("got %v", err)
			}
			if other := "check the user"; strings.Contains(err.Error(), other) && !strings.Contains(test.want, other) {
				t.Errorf("advice that is for something else: %v", err)
			}
		})
	}
}
