package spotipie_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// granting answers the n-th token request with A<n>, R<n> and the scope.
func granting(scope string) func(int, *http.Request) (*http.Response, error) {
	return func(n int, req *http.Request) (*http.Response, error) {
		return respond(req, http.StatusOK, fmt.Sprintf(
			`{"access_token":"A%d","token_type":"Bearer","expires_in":3600,"refresh_token":"R%d","scope":%q}`, n, n, scope)), nil
	}
}

func asking(scope string) func(*spotipie.Options) {
	return func(o *spotipie.Options) { o.Scope = spotipie.ParseScopes(scope) }
}

// TestUserGrantsLessThanAsked checks that the login returns the token and an error
// that says so. The token can be used with its smaller scope, now and after the
// program starts again.
func TestUserGrantsLessThanAsked(t *testing.T) {
	const asked = "user-library-read user-read-email user-top-read"
	for name, test := range map[string]struct{ granted, missing string }{
		"some":             {"user-library-read", "user-read-email user-top-read"},
		"all but one":      {"user-library-read user-top-read", "user-read-email"},
		"others":           {"streaming", asked},
		"one, and another": {"streaming user-top-read", "user-library-read user-read-email"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, spotify := newHookedStore(), &services{token: granting(test.granted)}
				s := offline(t, spotify, store, asking(asked))
				var heard hearing
				s.OnTokenUpdated(heard.updated)
				tok, err := login(t, s)
				var less *spotipie.InsufficientScopeError
				if !errors.As(err, &less) || less.Missing.String() != test.missing || less.Needed.String() != asked ||
					less.Current.String() != test.granted {
					t.Errorf("got error %v, want an InsufficientScopeError for %s", err, test.missing)
				}
				if tok == nil || tok.Scope().String() != test.granted || tok != token(t, s) {
					t.Fatalf("got %s beside the error", tokenNames(tok))
				}
				expectHeard(t, &heard, "A1")
				if resp := get(t, s, "/v1/me", nil); resp.StatusCode != http.StatusOK {
					t.Errorf("status %d", resp.StatusCode)
				}
				if err := spotipie.RequireScope(s, spotipie.ParseScopes(test.missing)...); !errors.As(err, &less) {
					t.Errorf("RequireScope: %v", err)
				}
				expectNextStartsToWork(t, spotify, store, asked, test.granted)
			})
		})
	}
}

// expectNextStartsToWork starts the program several times, before and after the token
// has been renewed.
func expectNextStartsToWork(t *testing.T, spotify *services, store spotipie.Store, asked, granted string) {
	t.Helper()
	for start := range 4 {
		s := offline(t, spotify, store, asking(asked))
		tok, err := s.Token(t.Context())
		if err != nil || tok.Scope().String() != granted {
			t.Fatalf("start %d: %v", start+2, err)
		}
		if requested := s.RequestedScope().String(); requested != asked {
			t.Errorf("start %d: RequestedScope is %q", start+2, requested)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Errorf("start %d: Close: %v", start+2, err)
		}
		time.Sleep(2 * time.Hour) // the next start renews the token
	}
}

// TestProgramThatAsksForMoreThanBefore checks that a program that needs more scopes
// than the user was asked for gets a RecordMismatchError until the user logs in again.
func TestProgramThatAsksForMoreThanBefore(t *testing.T) {
	store, spotify := newHookedStore(), &services{token: granting("user-library-read")}
	if _, err := login(t, offline(t, spotify, store, asking("user-library-read user-read-email"))); err == nil {
		t.Fatal("no error")
	}
	var mismatch *spotipie.RecordMismatchError
	newer := offline(t, spotify, store, asking("user-library-read user-read-email streaming"))
	if _, err := newer.Token(t.Context()); !errors.As(err, &mismatch) {
		t.Errorf("Token: %v, want a RecordMismatchError", err)
	}
	spotify.token = granting("streaming user-library-read user-read-email")
	if tok, err := login(t, newer); err != nil || tok == nil {
		t.Errorf("the login that was asked for: %v", err)
	}
	token(t, offline(t, spotify, store, asking("user-library-read user-read-email streaming")))
}

func TestUserGrantsWhatWasAsked(t *testing.T) {
	for name, scope := range map[string]string{"just that": "user-library-read", "more": "streaming user-library-read", "not said": ""} {
		s := offline(t, &services{token: granting(scope)}, newHookedStore(), asking("user-library-read"))
		if _, err := login(t, s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGrantErrorsComeTogether checks that the token comes with one error for a smaller
// scope, a store that is down and a listener that fails.
func TestGrantErrorsComeTogether(t *testing.T) {
	boom := errors.New("boom")
	store := newHookedStore()
	s := offline(t, &services{token: granting("user-library-read")}, store, asking("user-library-read streaming"))
	s.OnTokenUpdated(func(context.Context, spotipie.TokenUpdated) error { return boom })
	store.swap.set(fails)
	tok, err := login(t, s)
	var less *spotipie.InsufficientScopeError
	if tok == nil || !errors.As(err, &less) || !errors.Is(err, errStore) || !errors.Is(err, boom) {
		t.Errorf("got %s, %v", tokenNames(tok), err)
	}
	store.swap.set(nil)
}

// TestHostileScopesDoNotReachTheTerminal uses an accounts service that grants scopes with
// control characters.
func TestHostileScopesDoNotReachTheTerminal(t *testing.T) {
	s := offline(t, &services{token: func(_ int, req *http.Request) (*http.Response, error) {
		return respond(req, http.StatusOK, `{"access_token":"A","expires_in":3600,"scope":"streaming \u001b[2J\u0007 `+strings.Repeat("x", 9000)+`"}`), nil
	}}, nil, asking("streaming user-top-read"))
	_, err := login(t, s)
	var less *spotipie.InsufficientScopeError
	if !errors.As(err, &less) || !strings.Contains(err.Error(), "streaming") {
		t.Fatalf("got error %v", err)
	}
	for _, err := range []error{err, spotipie.RequireScope(s, "user-top-read", "\x1b]0;title\x07")} {
		if text := err.Error(); strings.ContainsAny(text, "\x1b\x07") || len(text) > 2000 {
			t.Errorf("got %q with %d bytes", text[:100], len(text))
		}
	}
}

// TestImplicitGrantOfLess checks that the implicit grant handles a smaller scope like
// the authorization code flow.
func TestImplicitGrantOfLess(t *testing.T) {
	s, err := spotipie.NewImplicitGrantSession(spotipie.Credentials{ClientID: "id", RedirectURI: "http://127.0.0.1/callback"},
		&spotipie.Options{Scope: spotipie.ParseScopes("user-library-read streaming")})
	if err != nil {
		t.Fatal(err)
	}
	_, state, err := s.AuthorizationURL(nil)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := s.ReadTokenFromCallbackURL(t.Context(), s.RedirectURI()+
		"#access_token=A&token_type=Bearer&expires_in=3600&scope=streaming&state="+state)
	var less *spotipie.InsufficientScopeError
	if tok == nil || !errors.As(err, &less) || less.Missing.String() != "user-library-read" {
		t.Errorf("got %s, %v", tokenNames(tok), err)
	}
	if !s.IsAuthorized() {
		t.Error("the token is not used")
	}
}

// TestSetRecordOfAnotherScope checks that SetRecord refuses records that the session
// would refuse in the store, and that it can renew all others.
func TestSetRecordOfAnotherScope(t *testing.T) {
	for name, test := range map[string]struct {
		requested spotipie.Scopes
		refused   bool
	}{
		"not known":     {nil, false},
		"the session's": {spotipie.Scopes{spotipie.ScopeUserLibraryRead}, false},
		"another":       {spotipie.Scopes{spotipie.ScopeUserTopRead}, true},
		"none":          {spotipie.Scopes{}, true},
		"more":          {spotipie.Scopes{spotipie.ScopeUserTopRead, spotipie.ScopeUserLibraryRead}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := offline(t, &services{}, newHookedStore(), func(o *spotipie.Options) {
				o.Scope = spotipie.Scopes{spotipie.ScopeUserLibraryRead}
			})
			tok, err := spotipie.NewToken(spotipie.TokenFields{
				AccessToken: "A0", RefreshToken: "R0", ExpiresIn: time.Hour, Scope: spotipie.Scopes{spotipie.ScopeUserTopRead},
			})
			if err != nil {
				t.Fatal(err)
			}
			err = s.SetRecord(t.Context(), spotipie.Record{Token: tok, RequestedScope: test.requested})
			var mismatch *spotipie.RecordMismatchError
			if errors.As(err, &mismatch) != test.refused || !test.refused && err != nil {
				t.Errorf("SetRecord: %v", err)
			}
			if _, err := s.RefreshToken(t.Context()); !test.refused && err != nil {
				t.Errorf("RefreshToken of what SetRecord took: %v", err)
			}
			if s.IsAuthorized() == test.refused {
				t.Errorf("authorized: %t", s.IsAuthorized())
			}
		})
	}
}
