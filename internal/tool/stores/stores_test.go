package stores_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/stores"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reads opens the store and reads one record.
func reads(t *testing.T, args ...string) error {
	t.Helper()
	s, _ := tooltest.Settings(t, append([]string{"--client-id", "x"}, args...)...)
	return stores.Use(t.Context(), s, func(store spotipie.Store) error {
		_, _, err := store.Load(t.Context(), s.Key())
		return stores.FailedIf(s, "reading", err)
	})
}

func TestFileStore(t *testing.T) {
	tooltest.Home(t, "")
	for name, args := range map[string][]string{
		"the default": nil, "a folder": {"--store", "file:" + filepath.Join(t.TempDir(), "a", "b")},
	} {
		if err := reads(t, args...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStoreThatIsNotThere checks that the error names the store and where it is
// set, but not its password.
func TestStoreThatIsNotThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	tooltest.Home(t, "")
	for _, scheme := range []string{"redis", "postgres"} {
		err := reads(t, "--store", scheme+"://u:hush@"+address+"/0")
		var told *failure.ToldError
		if !errors.As(err, &told) || !strings.Contains(err.Error(), " the store ("+scheme+"://u:xxxxx@"+address+"/0, from --store): ") ||
			!strings.Contains(err.Error(), "check that it runs and can be reached from here") || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: got %v", scheme, err)
		}
	}
}

func TestAddressThatTheStoreDoesNotTake(t *testing.T) {
	tooltest.Home(t, "")
	var wrong *failure.UsageError
	if err := reads(t, "--store", "redis://127.0.0.1:6379/db"); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "such as redis://127.0.0.1:6379/0") {
		t.Errorf("got %v", err)
	}
}

// TestPasswordThatWasNotKept checks that the tool does not try to connect without
// the password.
func TestPasswordThatWasNotKept(t *testing.T) {
	tooltest.Home(t, `{"profiles": {"default": {"store": "redis://u@127.0.0.1:1/0", "store_password": true}}}`)
	var wrong *failure.UsageError
	if err := reads(t); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "set SPOTIPIE_STORE to the address with the password") {
		t.Errorf("got %v", err)
	}
}

// TestPasswordOfPostgresElsewhere checks that PostgreSQL's own variable works too.
func TestPasswordOfPostgresElsewhere(t *testing.T) {
	tooltest.Home(t, `{"profiles": {"default": {"store": "postgres://u@127.0.0.1:1/d", "store_password": true}}}`)
	t.Setenv("PGPASSFILE", filepath.Join(t.TempDir(), "none"))
	var wrong *failure.UsageError
	if err := reads(t); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "set SPOTIPIE_STORE to the address with the password, or PGPASSWORD to the password") {
		t.Errorf("got %v", err)
	}
	t.Setenv("PGPASSWORD", "hush")
	if err := reads(t); errors.As(err, &wrong) || !strings.Contains(err.Error(), "no connection to 127.0.0.1:1") || strings.Contains(err.Error(), "hush") {
		t.Errorf("with PGPASSWORD: got %v", err)
	}
}

// TestFolderThatCannotBeWritten checks that the error also says what to do.
func TestFolderThatCannotBeWritten(t *testing.T) {
	tooltest.Home(t, "")
	s, _ := tooltest.Settings(t, "--store", "file:/x")
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"forbidden":      {fs.ErrPermission, "; or set SPOTIPIE_STORE to another folder"},
		"read-only":      {syscall.EROFS, "set SPOTIPIE_STORE to a folder that can be written"},
		"something else": {errors.New("oops"), "oops"},
	} {
		err := stores.Failed(s, "opening", &fs.PathError{Op: "mkdir", Path: "/x", Err: test.err})
		if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v", name, err)
		}
		if again := stores.Brief(s, err); again.Error() != err.Error() { // as doctor does
			t.Errorf("%s: it is said twice: %v", name, again)
		}
	}
}

// TestRedisRefuses covers answers that depend on the configuration of the server.
func TestRedisRefuses(t *testing.T) {
	tooltest.Home(t, "")
	s, _ := tooltest.Settings(t, "--store", "redis://127.0.0.1:1/0")
	for answer, want := range map[string]string{
		"NOAUTH Authentication required.":                              "put it into the address of the store, as in redis://USER:PASSWORD@HOST:PORT/DB",
		"NOPERM User app has no permissions to run the 'eval' command": "check the ACL of the user",
	} {
		if err := stores.Failed(s, "reading", fmt.Errorf("redisstore: loading: %w", errors.New(answer))); !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", answer, err)
		}
	}
}
