package spotipie_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spotipie/spotipie"
)

// flowServices answers with tokens that name their flow.
func flowServices() *services {
	spotify := &services{}
	spotify.token = func(n int, req *http.Request) (*http.Response, error) {
		if spotify.form(n).Get("grant_type") == "client_credentials" {
			return respond(req, http.StatusOK, `{"access_token":"APP","token_type":"Bearer","expires_in":3600}`), nil
		}
		return respond(req, http.StatusOK, `{"access_token":"USER","token_type":"Bearer","expires_in":3600,"refresh_token":"R","scope":"user-library-read"}`), nil
	}
	return spotify
}

// appSession returns the app's own session under ada's key.
func appSession(t *testing.T, transport http.RoundTripper, store spotipie.Store) *spotipie.ClientCredentialsSession {
	t.Helper()
	s, err := spotipie.NewClientCredentialsSession(spotipie.Credentials{ClientID: "id", ClientSecret: "app-secret"},
		&spotipie.Options{Transport: transport, Store: store, Profile: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	return s
}

func expectMismatch(t *testing.T, what string, err error) {
	t.Helper()
	var mismatch *spotipie.RecordMismatchError
	if !errors.As(err, &mismatch) {
		t.Errorf("%s: %v, want a RecordMismatchError", what, err)
	}
}

// userAndApp returns sessions of a user, who is signed in, and of an app with the same key.
func userAndApp(t *testing.T, store spotipie.Store) (*spotipie.AuthorizationCodeSession, *spotipie.ClientCredentialsSession) {
	t.Helper()
	spotify := flowServices()
	user, app := offline(t, spotify, store, nil), appSession(t, spotify, store)
	if _, err := login(t, user); err != nil {
		t.Fatal(err)
	}
	return user, app
}

// TestAppDoesNotUseAUsersToken lets an app and a user share a key by mistake. The app
// must neither use nor overwrite the user's token.
func TestAppDoesNotUseAUsersToken(t *testing.T) {
	for name, ask := range map[string]func(context.Context, *spotipie.ClientCredentialsSession) (*spotipie.Token, error){
		"Token": func(ctx context.Context, s *spotipie.ClientCredentialsSession) (*spotipie.Token, error) {
			return s.Token(ctx)
		},
		"RefreshToken": func(ctx context.Context, s *spotipie.ClientCredentialsSession) (*spotipie.Token, error) {
			return s.RefreshToken(ctx)
		},
		"Load": func(ctx context.Context, s *spotipie.ClientCredentialsSession) (*spotipie.Token, error) {
			return s.Load(ctx)
		},
		"Request": func(ctx context.Context, s *spotipie.ClientCredentialsSession) (*spotipie.Token, error) {
			resp, err := s.Request(ctx, http.MethodGet, "/v1/me", nil)
			if err == nil {
				_ = resp.Body.Close()
			}
			return nil, err
		},
		"SetToken": func(ctx context.Context, s *spotipie.ClientCredentialsSession) (*spotipie.Token, error) {
			return nil, s.SetToken(ctx, tokenOf("APP", "", time.Hour))
		},
		"Logout": func(ctx context.Context, s *spotipie.ClientCredentialsSession) (*spotipie.Token, error) {
			return nil, s.Logout(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newHookedStore()
				user, app := userAndApp(t, store)
				tok, err := ask(t.Context(), app)
				expectMismatch(t, name, err)
				if tok != nil {
					t.Errorf("it got %s", tokenNames(tok))
				}
				time.Sleep(2 * time.Hour)
				token(t, user)
				expectTokens(t, user, store, "USER", "R")
			})
		})
	}
}

// TestAppThatWasSignedOutDoesNotSignInBesideAUser calls Logout and SetToken of an app under
// a user's key. Both fail. After that the app must not get a token that it cannot save.
func TestAppThatWasSignedOutDoesNotSignInBesideAUser(t *testing.T) {
	for name, decide := range map[string]func(context.Context, *spotipie.ClientCredentialsSession) error{
		"Logout": func(ctx context.Context, s *spotipie.ClientCredentialsSession) error { return s.Logout(ctx) },
		"SetToken": func(ctx context.Context, s *spotipie.ClientCredentialsSession) error {
			return s.SetToken(ctx, tokenOf("SET", "", time.Hour))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newHookedStore()
				user, app := userAndApp(t, store)
				expectMismatch(t, name, decide(t.Context(), app))
				time.Sleep(2 * time.Hour)
				tok, err := app.Token(t.Context())
				expectMismatch(t, "Token", err)
				if tok != nil {
					t.Errorf("Token returned %s", tokenNames(tok))
				}
				_, err = app.FetchToken(t.Context())
				expectMismatch(t, "FetchToken", err)
				token(t, user)
				expectTokens(t, user, store, "USER", "R")
				if err := store.Delete(t.Context(), adaKey); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Second) // after an error a session waits a second
				if tok := token(t, app); tok.AccessToken() != "APP" {
					t.Errorf("without a record of the user the app has %s", tokenNames(tok))
				}
			})
		})
	}
}

// TestUserDoesNotUseAnAppsToken checks that the user's session does not use the app's
// token, and that the user's login replaces it in the store.
func TestUserDoesNotUseAnAppsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, spotify := newHookedStore(), flowServices()
		user, app := offline(t, spotify, store, nil), appSession(t, spotify, store)
		if _, err := app.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, ask := range map[string]func() (*spotipie.Token, error){
			"Token": func() (*spotipie.Token, error) { return user.Token(t.Context()) },
			"Load":  func() (*spotipie.Token, error) { return user.Load(t.Context()) },
		} {
			tok, err := ask()
			expectMismatch(t, name, err)
			if tok != nil || user.IsAuthorized() {
				t.Errorf("%s got %s", name, tokenNames(tok))
			}
		}
		if _, err := login(t, user); err != nil {
			t.Errorf("the login: %v", err)
		}
		expectTokens(t, user, store, "USER", "R")
		if tok := token(t, app); tok.AccessToken() != "APP" {
			t.Errorf("the app has %s", tokenNames(tok))
		}
		time.Sleep(2 * time.Hour)
		_, err := app.Token(t.Context())
		expectMismatch(t, "the app's renewal", err)
		token(t, user)
		expectTokens(t, user, store, "USER", "R")
	})
}

// TestSetRecordOfAnotherFlow checks that the session refuses the record.
func TestSetRecordOfAnotherFlow(t *testing.T) {
	store, spotify := newHookedStore(), flowServices()
	user, app := offline(t, spotify, store, nil), appSession(t, spotify, nil)
	if _, err := login(t, user); err != nil {
		t.Fatal(err)
	}
	rec, ok := user.Record()
	if !ok || rec.Flow != spotipie.FlowAuthorizationCode {
		t.Errorf("the record has the flow %q", rec.Flow)
	}
	expectMismatch(t, "SetRecord", app.SetRecord(t.Context(), rec))
	if app.IsAuthorized() {
		t.Error("the app has the user's token")
	}
}

// TestRecordWithoutAFlow loads a record without a flow, as earlier versions saved it.
// The session must use it if it can be its own.
func TestRecordWithoutAFlow(t *testing.T) {
	for name, test := range map[string]struct {
		refresh   string
		user, app bool
	}{
		"a user's": {"R0", true, false},
		"an app's": {"", true, true}, // a user's token may have no refresh token too
	} {
		t.Run(name, func(t *testing.T) {
			store := newHookedStore()
			rec := spotipie.Record{ClientID: "id", Token: tokenOf("A0", test.refresh, time.Hour)}
			if _, err := store.Swap(t.Context(), adaKey, 0, rec); err != nil {
				t.Fatal(err)
			}
			for who, s := range map[string]spotipie.Session{"user": offline(t, flowServices(), store, nil), "app": appSession(t, flowServices(), store)} {
				takes := test.user
				if who == "app" {
					takes = test.app
				}
				tok, err := s.Token(t.Context())
				if takes && (err != nil || tok.AccessToken() != "A0") {
					t.Errorf("%s: %s, %v; want the token", who, tokenNames(tok), err)
				}
				if !takes {
					expectMismatch(t, who, err)
				}
			}
		})
	}
}

// TestRecordOfALaterFlowIsNamed checks that the error names an unknown flow and
// nothing else of the record.
func TestRecordOfALaterFlowIsNamed(t *testing.T) {
	store := newHookedStore()
	rec := spotipie.Record{ClientID: "id", Flow: "device\x1b[2J", Token: tokenOf("A0", "R0", time.Hour)}
	if _, err := store.Swap(t.Context(), adaKey, 0, rec); err != nil {
		t.Fatal(err)
	}
	_, err := offline(t, flowServices(), store, nil).Token(t.Context())
	expectMismatch(t, "Token", err)
	if err == nil || !strings.Contains(err.Error(), "device") || strings.Contains(err.Error(), "\x1b") || strings.Contains(err.Error(), "A0") {
		t.Errorf("got error %q", err)
	}
}
