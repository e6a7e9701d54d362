package storetest

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
)

func key(profile string) spotipie.Key { return spotipie.Key{ClientID: "client", Profile: profile} }

func record(t *testing.T, access string) spotipie.Record {
	t.Helper()
	token, err := spotipie.NewToken(spotipie.TokenFields{
		AccessToken:  access,
		RefreshToken: "refresh-" + access,
		ExpiresIn:    time.Hour,
		ExpiresAt:    time.Date(2026, 11, 24, 12, 0, 0, 250_000_000, time.UTC),
		Scope:        spotipie.Scopes{spotipie.ScopeUserReadEmail, spotipie.ScopeStreaming},
	})
	if err != nil {
		t.Fatal(err)
	}
	return spotipie.Record{
		Token:          token,
		AuthorizedAt:   time.Date(2026, 7, 1, 8, 30, 0, 0, time.UTC),
		ClientID:       "client",
		RequestedScope: spotipie.Scopes{spotipie.ScopeStreaming, spotipie.ScopeUserReadEmail},
		Rejected:       "Refresh token revoked",
		RejectedAt:     time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC),
		Flow:           spotipie.FlowAuthorizationCode,
		Consent:        1_780_000_000_000_000, Renewals: 7,
	}
}

func swap(t *testing.T, s spotipie.Store, k spotipie.Key, version uint64, rec spotipie.Record) uint64 {
	t.Helper()
	next, err := s.Swap(t.Context(), k, version, rec)
	if err != nil {
		t.Fatalf("Swap of %s over version %d: %v", k, version, err)
	}
	return next
}

// expect fails the test unless the store holds rec, in the given version.
func expect(t *testing.T, s spotipie.Store, k spotipie.Key, rec spotipie.Record, version uint64) {
	t.Helper()
	got, found, err := s.Load(t.Context(), k)
	if err != nil || !found {
		t.Fatalf("Load of %s: found %t, error %v", k, found, err)
	}
	rec.Version = version
	same := got.AuthorizedAt.Equal(rec.AuthorizedAt) && got.RejectedAt.Equal(rec.RejectedAt) &&
		got.ClientID == rec.ClientID && got.RequestedScope.Equal(rec.RequestedScope) &&
		got.Rejected == rec.Rejected && got.Flow == rec.Flow && got.Consent == rec.Consent && got.Renewals == rec.Renewals && got.Version == rec.Version
	sameToken := got.Token == nil && rec.Token == nil || got.Token != nil && rec.Token != nil && got.Token.Equal(rec.Token)
	if !same || !sameToken || !reflect.DeepEqual(got.Sealed, rec.Sealed) {
		t.Errorf("Load of %s:\n got %v\nwant %v", k, got, rec)
	}
}

func expectConflict(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, spotipie.ErrVersionConflict) {
		t.Errorf("got error %v, want ErrVersionConflict", err)
	}
}

func expectNothing(t *testing.T, s spotipie.Store, k spotipie.Key) {
	t.Helper()
	if _, found, err := s.Load(t.Context(), k); err != nil || found {
		t.Errorf("Load of %s: found %t, error %v; want nothing", k, found, err)
	}
}
