package profile_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/config"
	"github.com/spotipie/spotipie/profile"
	"github.com/spotipie/spotipie/spotifytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// home is a config folder of the tool with the given file, and its store.
func home(t *testing.T, file config.File) (folder string, store spotipie.Store) {
	t.Helper()
	for _, name := range []string{"SPOTIPIE_PROFILE", "SPOTIPIE_CLIENT_ID", "SPOTIPIE_CLIENT_SECRET", "SPOTIPIE_CLIENT_SECRET_FILE", "SPOTIPIE_STORE", "SPOTIPIE_STORE_FILE"} {
		t.Setenv(name, "")
	}
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("HOME", dir)
	path, err := config.DefaultPath()
	if err != nil {
		t.Fatal(err)
	}
	folder = filepath.Dir(path)
	store, err = filestore.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return folder, store
}

// settings returns the settings that the tool keeps for a login at server.
func settings(server *spotifytest.Server, flow spotipie.Flow) config.Settings {
	return config.Settings{ClientID: server.Credentials().ClientID, Flow: string(flow), AccountsURL: server.URL, APIURL: server.URL}
}

func signIn(t *testing.T, server *spotifytest.Server, store spotipie.Store, name string) {
	t.Helper()
	opts := server.Options()
	opts.Store, opts.Profile = store, name
	session, err := spotipie.NewAuthorizationCodeSession(server.Credentials(), opts)
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, session)
	server.Login(t, session)
}

func open(t *testing.T, name string, opts *profile.Options) (spotipie.Session, error) {
	t.Helper()
	session, err := profile.Open(t.Context(), name, opts)
	if session != nil {
		t.Cleanup(func() { _ = session.Close(context.Background()) })
	}
	return session, err
}

func TestOpen(t *testing.T) {
	server := spotifytest.New(t)
	secret := &profile.Options{ClientSecret: server.Credentials().ClientSecret, Session: &spotipie.Options{Transport: server.Transport(), Now: server.Now}}
	file := config.File{Profile: "work", Profiles: map[string]config.Settings{
		"work":  settings(server, spotipie.FlowAuthorizationCode),
		"apart": settings(server, spotipie.FlowAuthorizationCode),
	}}
	apart := file.Profiles["apart"]
	apart.Store = "file:tokens"
	file.Profiles["apart"] = apart
	folder, store := home(t, file)
	signIn(t, server, store, "work")
	elsewhere, err := filestore.Open(filepath.Join(folder, "tokens"), nil)
	if err != nil {
		t.Fatal(err)
	}
	signIn(t, server, elsewhere, "apart")
	if _, err := open(t, "default", secret); !errors.Is(err, spotipie.ErrNotAuthorized) ||
		err.Error() != "profile \"default\": nobody is signed in (there are: work): run 'spotipie login'" {
		t.Errorf("default: %v", err)
	}
	for _, name := range []string{"", "work", "apart"} {
		session, err := open(t, name, secret)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		user, err := spotipie.CurrentUser(t.Context(), session)
		if err != nil || user.ID != "ada" {
			t.Errorf("%q: user %v, %v", name, user, err)
		}
		refreshable, ok := session.(spotipie.RefreshableSession)
		if !ok {
			t.Fatalf("%q: a %T", name, session)
		}
		token, err := refreshable.RefreshToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		again, err := open(t, name, secret)
		if err != nil || !again.CurrentToken().Equal(token) {
			t.Errorf("%q: the renewed token is not in the store: %v", name, err)
		}
	}
}

// TestOpenWithoutTheSecret checks that the token works until it ends, and that the error then
// says what is missing.
func TestOpenWithoutTheSecret(t *testing.T) {
	server := spotifytest.New(t)
	of := settings(server, spotipie.FlowAuthorizationCode)
	of.Confidential = true
	_, store := home(t, config.File{Profiles: map[string]config.Settings{"work": of}})
	signIn(t, server, store, "work")
	opts := &profile.Options{Session: &spotipie.Options{Transport: server.Transport(), Now: server.Now}}
	session, err := open(t, "work", opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := spotipie.CurrentUser(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	server.Advance(2 * time.Hour)
	if _, err := open(t, "work", opts); err == nil || !strings.Contains(err.Error(), `profile "work": its token has expired`) ||
		!strings.Contains(err.Error(), "SPOTIPIE_CLIENT_SECRET") {
		t.Errorf("got %v", err)
	}
	t.Setenv("SPOTIPIE_CLIENT_SECRET", server.Credentials().ClientSecret)
	session, err = open(t, "work", opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := spotipie.CurrentUser(t.Context(), session); err != nil {
		t.Error(err)
	}
}

func TestOpenTheAppItself(t *testing.T) {
	server := spotifytest.New(t)
	_, store := home(t, config.File{Profiles: map[string]config.Settings{"default": settings(server, spotipie.FlowClientCredentials)}})
	opts := server.Options()
	opts.Store, opts.Profile = store, "default"
	app, err := spotipie.NewClientCredentialsSession(server.Credentials(), opts)
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, app)
	if _, err := app.FetchToken(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, "", nil); err == nil || !strings.Contains(err.Error(), "set SPOTIPIE_CLIENT_SECRET") {
		t.Errorf("without the secret: %v", err)
	}
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(server.Credentials().ClientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SPOTIPIE_CLIENT_SECRET_FILE", file)
	session, err := open(t, "", &profile.Options{Session: &spotipie.Options{Transport: server.Transport(), Now: server.Now}})
	if err != nil || session.Flow() != spotipie.FlowClientCredentials {
		t.Fatalf("%v, %v", session, err)
	}
	if _, err := session.Token(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestSecretsInFiles: what works for the tool in a container works for a program
// in it.
func TestSecretsInFiles(t *testing.T) {
	const address = "redis://user:hush@127.0.0.1:9/0"
	home(t, config.File{Profiles: map[string]config.Settings{
		"redis": {ClientID: "app", Store: "redis://user@127.0.0.1:9/0", StorePassword: true, Flow: "authorization_code"},
	}})
	file := filepath.Join(t.TempDir(), "store")
	if err := os.WriteFile(file, []byte(address+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SPOTIPIE_STORE_FILE", file)
	boom, asked := errors.New("boom"), ""
	openStore := func(_ context.Context, address string) (spotipie.Store, error) {
		asked = address
		return nil, boom
	}
	if _, err := open(t, "redis", &profile.Options{OpenStore: openStore}); !errors.Is(err, boom) || asked != address {
		t.Errorf("%q, %v", asked, err)
	}
	t.Setenv("SPOTIPIE_CLIENT_SECRET_FILE", file+"-missing")
	if _, err := open(t, "redis", &profile.Options{OpenStore: openStore}); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "SPOTIPIE_CLIENT_SECRET_FILE") {
		t.Errorf("no such file: %v", err)
	}
	if _, err := open(t, "redis", &profile.Options{OpenStore: openStore, ClientSecret: "given"}); !errors.Is(err, boom) {
		t.Errorf("a secret that the program has: %v", err)
	}
}

// signedInWithoutApp signs in to the profile "work", whose settings name no app.
func signedInWithoutApp(t *testing.T) *spotifytest.Server {
	t.Helper()
	server := spotifytest.New(t)
	of := settings(server, "")
	of.ClientID = ""
	_, store := home(t, config.File{Profiles: map[string]config.Settings{"work": of}})
	signIn(t, server, store, "work")
	return server
}

func TestOpenFindsTheApp(t *testing.T) {
	server := signedInWithoutApp(t)
	session, err := open(t, "work", nil)
	if err != nil || session.ClientID() != server.Credentials().ClientID {
		t.Errorf("%v, %v", session, err)
	}
}

// TestOpenByVariablesWithLineEnds: files of variables may bring them along.
func TestOpenByVariablesWithLineEnds(t *testing.T) {
	server := signedInWithoutApp(t)
	t.Setenv("SPOTIPIE_CLIENT_ID", server.Credentials().ClientID+"\r\n")
	t.Setenv("SPOTIPIE_PROFILE", "work\r\n")
	session, err := open(t, "", nil)
	if err != nil || session.Key().Profile != "work" {
		t.Errorf("%v, %v", session, err)
	}
}

// TestOpenKeepsToTheService checks that the tokens of a profile that was signed in at
// Spotify stay away from a service that the config file names for all profiles.
func TestOpenKeepsToTheService(t *testing.T) {
	server := spotifytest.New(t)
	opts := &profile.Options{ClientSecret: server.Credentials().ClientSecret, Session: &spotipie.Options{Transport: server.Transport(), Now: server.Now}}
	atSpotify := config.Settings{ClientID: server.Credentials().ClientID, Flow: "authorization_code"}
	byHand := config.Settings{ClientID: server.Credentials().ClientID}
	_, store := home(t, config.File{
		Settings: config.Settings{AccountsURL: server.URL},
		Profiles: map[string]config.Settings{"spotify": atSpotify, "byhand": byHand},
	})
	signIn(t, server, store, "spotify")
	signIn(t, server, store, "byhand")
	if _, err := open(t, "spotify", opts); err == nil || !strings.Contains(err.Error(), "was signed in at Spotify, and the config file names "+server.URL) {
		t.Errorf("signed in at Spotify: %v", err)
	}
	if _, err := open(t, "byhand", opts); err != nil {
		t.Errorf("written by hand: %v", err)
	}
}

func TestOpenFails(t *testing.T) {
	folder, _ := home(t, config.File{Profiles: map[string]config.Settings{
		"redis": {ClientID: "app", Store: "redis://user:hush@127.0.0.1:9/0", Flow: "authorization_code"},
	}})
	_, err := open(t, "two words", nil)
	if !errors.Is(err, spotipie.ErrNotAuthorized) || err.Error() != `profile "two words": nobody is signed in: run 'spotipie login --profile "two words"'` {
		t.Errorf("nobody: %v", err)
	}
	if _, err := open(t, "redis", nil); err == nil || !strings.Contains(err.Error(), "Options.OpenStore") || strings.Contains(err.Error(), "hush") {
		t.Errorf("no driver: %v", err)
	}
	boom := errors.New("boom")
	asked := ""
	_, err = open(t, "redis", &profile.Options{OpenStore: func(_ context.Context, address string) (spotipie.Store, error) {
		asked = address
		return nil, boom
	}})
	if !errors.Is(err, boom) || asked != "redis://user:hush@127.0.0.1:9/0" {
		t.Errorf("%q, %v", asked, err)
	}
	if err := os.WriteFile(filepath.Join(folder, "config.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, "", nil); err == nil || !strings.Contains(err.Error(), "config.json") {
		t.Errorf("a broken config file: %v", err)
	}
}
