package keyringstore_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
	"github.com/spotipie/spotipie/keyringstore"
)

func TestMain(m *testing.M) {
	fleet.RunMember(func(c fleet.Config) (spotipie.Store, error) {
		return keyringstore.Open(context.Background(), c.Place, nil)
	})
	if code, done := runInSession(); done {
		os.Exit(code)
	}
	exit := os.Exit
	// A child of a test sets childVariable if it makes its own keyring or uses none.
	if _, inside := os.LookupEnv(sessionVariable); inside && os.Getenv(childVariable) == "" {
		d, err := startDaemon(true)
		if err != nil {
			os.Exit(complain(err))
		}
		exit = func(code int) {
			d.stop()
			os.Exit(code)
		}
	}
	// The connection to the bus stays open, by design of the library.
	const dbus = "github.com/godbus/dbus/v5."
	goleak.VerifyTestMain(m, goleak.Cleanup(exit),
		goleak.IgnoreAnyFunction(dbus+"(*Conn).inWorker"), goleak.IgnoreAnyFunction(dbus+"newConn.func1"))
}

func newDir(t *testing.T) string { return filepath.Join(t.TempDir(), "spotipie") }

func open(t *testing.T, dir string) *filestore.Store {
	t.Helper()
	needKeyring(t)
	s, err := keyringstore.Open(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func save(t *testing.T, s spotipie.Store, profile string) {
	t.Helper()
	token, err := spotipie.NewToken(spotipie.TokenFields{
		AccessToken: "secret-access", RefreshToken: "secret-refresh", ExpiresIn: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Swap(t.Context(), key(profile), 0, spotipie.Record{Token: token, ClientID: "client"}); err != nil {
		t.Fatalf("Swap: %v", err)
	}
}

func key(profile string) spotipie.Key { return spotipie.Key{ClientID: "client", Profile: profile} }

func expect(t *testing.T, s spotipie.Store, profile string) {
	t.Helper()
	rec, found, err := s.Load(t.Context(), key(profile))
	if err != nil || !found || rec.Token.AccessToken() != "secret-access" {
		t.Errorf("Load: found %t, error %v", found, err)
	}
}

func expectNoSecret(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "secret") {
		t.Errorf("%s shows the record", path)
	}
}
