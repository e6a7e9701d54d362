package spotipie_test

import (
	"errors"
	"testing"
	"time"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/spotifytest"
)

func TestTroubleOfTheAccountsServiceDoesNotCostALogin(t *testing.T) {
	for name, fault := range map[string]accounts.Fault{
		"503": {Kind: accounts.FaultServerError, Times: 3}, "429": {Kind: accounts.FaultRateLimited}, "cut": {Kind: accounts.FaultCut},
	} {
		t.Run(name, func(t *testing.T) {
			server := spotifytest.New(t)
			s := newSession(t, server, nil)
			raw, _, err := s.AuthorizationURL(nil)
			if err != nil {
				t.Fatal(err)
			}
			callback := server.Consent(t, raw)
			fault.Target = accounts.TargetToken
			queue(t, server, fault)
			if _, err := s.FetchToken(t.Context(), callback); err == nil {
				t.Fatal("no error")
			}
			if _, err := s.FetchToken(t.Context(), callback); err != nil {
				t.Errorf("the same callback again: %v", err)
			}
		})
	}
}

func TestPastingTheWrongThingDoesNotCostALogin(t *testing.T) {
	server := spotifytest.New(t)
	s := newSession(t, server, nil)
	raw, _, err := s.AuthorizationURL(nil)
	if err != nil {
		t.Fatal(err)
	}
	var callbackErr *spotipie.CallbackError
	for _, wrong := range []string{raw, "", "hello", "http://127.0.0.1/callback"} {
		if _, err := s.FetchToken(t.Context(), wrong); !errors.As(err, &callbackErr) {
			t.Errorf("%q: %v, want a CallbackError", wrong, err)
		}
	}
	if _, err := s.FetchToken(t.Context(), server.Consent(t, raw)); err != nil {
		t.Errorf("the right one: %v", err)
	}
}

func TestRecordMovesAnAuthorizationToAnotherSession(t *testing.T) {
	server := spotifytest.New(t)
	first := signedIn(t, server, nil)
	consent := first.AuthorizedAt()
	server.Advance(time.Minute)
	store := spotipie.NewMemoryStore()
	kept := newSession(t, server, stored(store))
	rec, ok := first.Record()
	if !ok {
		t.Fatal("no record")
	}
	if err := kept.SetRecord(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	if !kept.AuthorizedAt().Equal(consent) || !load(t, kept, store).AuthorizedAt.Equal(consent) || kept.CurrentToken() == nil {
		t.Errorf("consent at %s became %s", consent, kept.AuthorizedAt())
	}
	if _, ok := newSession(t, server, nil).Record(); ok {
		t.Error("a record without a token")
	}
	rec.ClientID = "other"
	var mismatch *spotipie.RecordMismatchError
	if err := kept.SetRecord(t.Context(), rec); !errors.As(err, &mismatch) {
		t.Errorf("of another app: %v", err)
	}
	var format *spotipie.TokenFormatError
	if err := kept.SetRecord(t.Context(), spotipie.Record{}); !errors.As(err, &format) {
		t.Errorf("without a token: %v", err)
	}
}

func TestClientCredentialsHaveNoScope(t *testing.T) {
	server := spotifytest.New(t)
	s, err := spotipie.NewClientCredentialsSession(server.Credentials(), server.Options())
	if err != nil {
		t.Fatal(err)
	}
	token(t, s)
	if len(s.Scope()) != 0 || spotipie.RequireScope(s, spotipie.ScopeUserReadEmail) == nil {
		t.Errorf("scope %s", s.Scope())
	}
}

func TestScopesThatAreNone(t *testing.T) {
	server := spotifytest.New(t)
	for _, scope := range []spotipie.Scope{"a b", "a,b", "ä", "a\n", `a"`} {
		opts := server.Options()
		opts.Scope = spotipie.Scopes{scope}
		if _, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), opts); err == nil {
			t.Errorf("scope %q was taken", scope)
		}
	}
}
