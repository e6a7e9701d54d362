package filestore_test

import (
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/testservices/fleet"
)

func TestMain(m *testing.M) {
	fleet.RunMember(func(c fleet.Config) (spotipie.Store, error) { return filestore.Open(c.Place, nil) })
	goleak.VerifyTestMain(m)
}

var ada = spotipie.Key{ClientID: "client", Profile: "ada"}

func newKey(t *testing.T) filestore.Key {
	t.Helper()
	key, err := filestore.ParseKey(filestore.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newDir returns a path for a store's folder to be made at.
func newDir(t *testing.T) string { return filepath.Join(t.TempDir(), "spotipie") }

func open(t *testing.T, dir string, opts *filestore.Options) *filestore.Store {
	t.Helper()
	s, err := filestore.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func record(t *testing.T, access string) spotipie.Record {
	t.Helper()
	token, err := spotipie.NewToken(spotipie.TokenFields{
		AccessToken: access, RefreshToken: "refresh-" + access, ExpiresIn: time.Hour,
		Scope: spotipie.Scopes{spotipie.ScopeStreaming},
	})
	if err != nil {
		t.Fatal(err)
	}
	return spotipie.Record{Token: token, ClientID: "client", AuthorizedAt: time.Now()}
}

func swap(t *testing.T, s spotipie.Store, version uint64, access string) uint64 {
	t.Helper()
	next, err := s.Swap(t.Context(), ada, version, record(t, access))
	if err != nil {
		t.Fatalf("Swap: %v", err)
	}
	return next
}

// expect fails the test unless the store holds ada's record with an access
// token, in a version.
func expect(t *testing.T, s spotipie.Store, access string, version uint64) {
	t.Helper()
	rec, found, err := s.Load(t.Context(), ada)
	if err != nil || !found {
		t.Errorf("Load: found %t, error %v", found, err)
		return
	}
	if got := rec.Token.AccessToken(); got != access || rec.Version != version {
		t.Errorf("Load: got %s in version %d, want %s in version %d", got, rec.Version, access, version)
	}
}
