package stores_test

import (
	"errors"
	"net"
	"path/filepath"
	"strings"
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

// TestStoreThatIsNotThere: the error names the store and the place that it is set
// at, but not its password.
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

// TestPasswordThatWasNotKept: without it there is no use in trying.
func TestPasswordThatWasNotKept(t *testing.T) {
	tooltest.Home(t, `{"profiles": {"default": {"store": "redis://u@127.0.0.1:1/0", "store_password": true}}}`)
	var wrong *failure.UsageError
	if err := reads(t); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "set SPOTIPIE_STORE to the address with the password") {
		t.Errorf("got %v", err)
	}
}

func TestProfileNames(t *testing.T) {
	keys := []spotipie.Key{{ClientID: "a", Profile: "work"}, {ClientID: "a", Profile: "home"}, {ClientID: "b", Profile: "work"}}
	if got := strings.Join(stores.ProfileNames(keys), " "); got != "home work" {
		t.Errorf("got %s", got)
	}
}
