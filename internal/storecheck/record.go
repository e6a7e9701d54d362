// Package storecheck has what the tests of the stores share besides package
// storetest: a record to save, and tests of the features that stores with a server
// have in common, such as leases, round trips and notices.
package storecheck

import (
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

// Patience is how long a test waits for something that must happen.
const Patience = 20 * time.Second

// Key is the key of the record.
func Key() spotipie.Key { return spotipie.Key{ClientID: "client", Profile: "ada"} }

// Record returns a record with an access token and the refresh token
// "refresh-" + access.
func Record(t testing.TB, access string) spotipie.Record {
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

// Swap saves a record like that of Record under Key.
func Swap(t testing.TB, s spotipie.Store, version uint64, access string) (newVersion uint64) {
	t.Helper()
	newVersion, err := s.Swap(t.Context(), Key(), version, Record(t, access))
	if err != nil {
		t.Fatalf("Swap: %v", err)
	}
	return newVersion
}

// Expect fails the test unless the stored record has this access token and version.
func Expect(t testing.TB, s spotipie.Store, access string, version uint64) {
	t.Helper()
	rec, found, err := s.Load(t.Context(), Key())
	if err != nil || !found {
		t.Errorf("Load: found %t, error %v", found, err)
		return
	}
	if got := rec.Token.AccessToken(); got != access || rec.Version != version {
		t.Errorf("Load: got %s in version %d, want %s in version %d", got, rec.Version, access, version)
	}
}
