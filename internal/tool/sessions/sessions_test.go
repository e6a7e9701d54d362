package sessions_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/sessions"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
	"github.com/spotipie/spotipie/spotifytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// saved saves a record for a client id and a profile in the default store.
func saved(t *testing.T, store spotipie.Store, clientID, profile string, fields spotipie.TokenFields, flow spotipie.Flow) {
	t.Helper()
	token, err := spotipie.NewToken(fields)
	if err != nil {
		t.Fatal(err)
	}
	rec := spotipie.Record{Token: token, ClientID: clientID, Flow: flow}
	if _, err := store.Swap(t.Context(), spotipie.Key{ClientID: clientID, Profile: profile}, 0, rec); err != nil {
		t.Fatal(err)
	}
}

// household is a config folder with a store.
func household(t *testing.T, config string) spotipie.Store {
	t.Helper()
	store, err := filestore.Open(tooltest.Home(t, config), nil)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func refreshable(access string) spotipie.TokenFields {
	return spotipie.TokenFields{AccessToken: access, RefreshToken: "r", ExpiresIn: time.Hour}
}

func TestSessionOfTheProfile(t *testing.T) {
	store := household(t, "")
	saved(t, store, "app", "default", refreshable("of-default"), "")
	saved(t, store, "app", "work", refreshable("of-work"), "")
	for profile, want := range map[string]string{"default": "of-default", "work": "of-work"} {
		s, _ := tooltest.Settings(t, "--profile", profile)
		err := sessions.Use(t.Context(), s, func(session spotipie.Session) error {
			token, err := session.Token(t.Context())
			if err == nil && token.AccessToken() != want {
				t.Errorf("%s: got %s", profile, token.AccessToken())
			}
			return err
		})
		if err != nil || s.ClientID.Value != "app" || s.ClientID.Origin() != "from the store" {
			t.Errorf("%s: %v; client id %q %s", profile, err, s.ClientID.Value, s.ClientID.Origin())
		}
	}
}

func TestNobodyIsSignedIn(t *testing.T) {
	store := household(t, `{"profiles": {"known": {"client_id": "app"}}}`)
	saved(t, store, "app", "home", refreshable("a"), "")
	for name, test := range map[string]struct{ flags, want string }{
		"other profiles":     {"--profile work", `not signed in as profile "work" (there are: home): run 'spotipie login --profile work'`},
		"with an id":         {"--profile work --client-id app", `not signed in as profile "work" (there are: home): run 'spotipie login --profile work'`},
		"with another id":    {"--profile known --client-id other", `not signed in as profile "known" with the client id other (from --client-id): it was signed in with app: run 'spotipie login --profile known'`},
		"not with this app":  {"--profile home --client-id other", `not signed in as profile "home": run 'spotipie login --profile home'`},
		"in an empty folder": {"--store file:" + filepath.Join(t.TempDir(), "s"), `not signed in as profile "default": run 'spotipie login'`},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := tooltest.Settings(t, strings.Fields(test.flags)...)
			err := sessions.Use(t.Context(), s, func(spotipie.Session) error { t.Error("there is a session"); return nil })
			var absent *failure.NotSignedInError
			if !errors.As(err, &absent) || err.Error() != test.want || !errors.Is(err, spotipie.ErrNotAuthorized) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestTwoAppsOfOneProfile(t *testing.T) {
	store := household(t, "")
	saved(t, store, "one", "default", refreshable("a"), "")
	saved(t, store, "two", "default", refreshable("b"), "")
	s, _ := tooltest.Settings(t)
	var wrong *failure.UsageError
	err := sessions.ResolveClientID(t.Context(), s, store)
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), `profile "default" is signed in with 2 apps: choose one by --client-id or SPOTIPIE_CLIENT_ID`) {
		t.Errorf("got %v", err)
	}
	s, _ = tooltest.Settings(t, "--client-id", "one")
	if err := sessions.OtherApp(t.Context(), s, store); err == nil || !strings.Contains(err.Error(), "use --client-id two") {
		t.Errorf("got %v", err)
	}
}

// TestAppWithoutItsSecret checks that the token is used until it ends, and that the
// user is told before that what is missing.
func TestAppWithoutItsSecret(t *testing.T) {
	const missing = "set SPOTIPIE_CLIENT_SECRET or --client-secret-file"
	use := func(t *testing.T, left time.Duration, fails error) (stderr string, err error) {
		t.Helper()
		store := household(t, "")
		saved(t, store, "app", "default",
			spotipie.TokenFields{AccessToken: "a", ExpiresIn: time.Hour, ExpiresAt: time.Now().Add(left)}, spotipie.FlowClientCredentials)
		s, errs := tooltest.Settings(t)
		err = sessions.Use(t.Context(), s, func(session spotipie.Session) error {
			if session.Flow() != spotipie.FlowClientCredentials || !strings.Contains(sessions.Missing(session), missing) {
				t.Errorf("flow %s, missing %q", session.Flow(), sessions.Missing(session))
			}
			token, err := session.Token(t.Context())
			if err == nil && token.AccessToken() != "a" {
				t.Errorf("got the token %s", token.AccessToken())
			}
			return errors.Join(err, fails)
		})
		return errs.String(), err
	}
	t.Run("valid", func(t *testing.T) {
		stderr, err := use(t, time.Minute, nil)
		if err != nil || !strings.HasPrefix(stderr, "Note: ") || !strings.Contains(stderr, missing) {
			t.Errorf("%v, stderr %q", err, stderr)
		}
	})
	t.Run("refused", func(t *testing.T) { // signing in would not help
		_, err := use(t, time.Minute, spotipie.ErrReauthorizationRequired)
		var wrong *failure.UsageError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), missing) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("expired", func(t *testing.T) {
		store := household(t, "")
		saved(t, store, "app", "default",
			spotipie.TokenFields{AccessToken: "a", ExpiresIn: time.Hour, ExpiresAt: time.Now().Add(-time.Minute)}, spotipie.FlowClientCredentials)
		s, _ := tooltest.Settings(t)
		err := sessions.Use(t.Context(), s, func(spotipie.Session) error { t.Error("there is a session"); return nil })
		var wrong *failure.UsageError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), missing) {
			t.Errorf("got %v", err)
		}
	})
}

// TestRotatedTokenIsSavedBeforeTheEnd checks this also for a command that was
// interrupted.
func TestRotatedTokenIsSavedBeforeTheEnd(t *testing.T) {
	store := household(t, "")
	server := spotifytest.New(t)
	opts := server.Options()
	opts.Store, opts.Profile = store, "default"
	session, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), opts)
	if err != nil {
		t.Fatal(err)
	}
	server.Login(t, session)
	spotifytest.CloseAtEnd(t, session)
	t.Setenv("SPOTIPIE_CLIENT_SECRET", server.Credentials().ClientSecret)
	s, _ := tooltest.Settings(t, "--accounts-url", server.URL)
	ctx, cancel := context.WithCancel(t.Context())
	given := ""
	err = sessions.Use(ctx, s, func(session spotipie.Session) error {
		token, err := session.(spotipie.RefreshableSession).RefreshToken(ctx)
		if err == nil {
			given = token.AccessToken()
		}
		cancel()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if rec, _, err := store.Load(t.Context(), s.Key()); err != nil || rec.Token.AccessToken() != given {
		t.Errorf("the store has another token than was given (%v)", err)
	}
}

func TestFlowOfARecord(t *testing.T) {
	token := func(refresh string, scope ...spotipie.Scope) *spotipie.Token {
		token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "a", RefreshToken: refresh, Scope: scope, ExpiresIn: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for name, test := range map[string]struct {
		flags string
		rec   spotipie.Record
		want  spotipie.Flow
	}{
		"it says so":          {"", spotipie.Record{Flow: spotipie.FlowImplicitGrant, Token: token("r")}, spotipie.FlowImplicitGrant},
		"a refresh token":     {"", spotipie.Record{Token: token("r")}, spotipie.FlowAuthorizationCode},
		"nobody consented":    {"", spotipie.Record{Token: token("")}, spotipie.FlowClientCredentials},
		"somebody consented":  {"", spotipie.Record{Token: token(""), AuthorizedAt: time.Now()}, spotipie.FlowImplicitGrant},
		"scopes, and no more": {"", spotipie.Record{Token: token("", "user-top-read")}, spotipie.FlowImplicitGrant},
	} {
		tooltest.Home(t, "")
		s, _ := tooltest.Settings(t, strings.Fields(test.flags)...)
		if got := sessions.FlowOf(s, test.rec); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
	tooltest.Home(t, `{"profiles": {"default": {"flow": "client_credentials"}}}`)
	if s, _ := tooltest.Settings(t); sessions.FlowOf(s, spotipie.Record{Token: token("r")}) != spotipie.FlowClientCredentials {
		t.Error("the profile's flow does not count")
	}
}
