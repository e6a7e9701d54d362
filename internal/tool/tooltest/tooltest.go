// Package tooltest runs single commands of the tool in tests, with an
// authorization to use, settings and a terminal.
package tooltest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/tool/commandline"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/spotifytest"
)

// Run runs a command line that begins with the name of cmd, which is the only
// command.
func Run(ctx context.Context, cmd *cobra.Command, args ...string) (stdout, stderr string, code int) {
	var out, errs strings.Builder
	code = RunOn(ctx, cmd, &out, &errs, args...)
	return out.String(), errs.String(), code
}

// RunOn is Run with the given stdout and stderr.
func RunOn(ctx context.Context, cmd *cobra.Command, stdout, stderr io.Writer, args ...string) (code int) {
	root := &cobra.Command{Use: "spotipie", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(cmd)
	return commandline.Execute(ctx, root, args, stdout, stderr)
}

// SignedIn signs the tool in at a Web API whose answers come from handler.
func SignedIn(t *testing.T, handler http.HandlerFunc) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	t.Cleanup(server.Close)
	dir := filepath.Join(t.TempDir(), "store")
	store, err := filestore.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "access-me", RefreshToken: "refresh-me", ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	rec := spotipie.Record{Token: token, ClientID: "id", AuthorizedAt: time.Now()}
	if _, err := store.Swap(t.Context(), spotipie.Key{ClientID: "id", Profile: "default"}, 0, rec); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"XDG_CONFIG_HOME": t.TempDir(), "HOME": t.TempDir(), "TERM": "xterm", "NO_COLOR": "1",
		"SPOTIPIE_CLIENT_ID": "id", "SPOTIPIE_STORE": "file:" + dir,
		"SPOTIPIE_ACCOUNTS_URL": server.URL, "SPOTIPIE_API_URL": server.URL,
	} {
		t.Setenv(name, value)
	}
}

// Home gives the tool a new config folder, with config as the config file
// unless it is empty, and no settings from the environment. It returns the
// folder.
func Home(t *testing.T, config string) (dir string) {
	t.Helper()
	home := t.TempDir()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "SPOTIPIE_") {
			t.Setenv(name, "")
		}
	}
	for _, name := range []string{"XDG_CONFIG_HOME", "HOME", "AppData"} {
		t.Setenv(name, home)
	}
	base, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(base, "spotipie")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if config == "" {
		return dir
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Settings returns what settings.Read reads with the flags in args, and a
// buffer for what is written to stderr.
func Settings(t *testing.T, args ...string) (s *settings.Settings, stderr *strings.Builder) {
	t.Helper()
	cmd, stderr := Command(t, args...)
	s, err := settings.Read(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return s, stderr
}

// Command returns a command that has only the flags of the settings, with those
// in args set.
func Command(t *testing.T, args ...string) (cmd *cobra.Command, stderr *strings.Builder) {
	t.Helper()
	cmd, stderr = &cobra.Command{Use: "spotipie"}, &strings.Builder{}
	settings.AddFlags(cmd)
	cmd.SetContext(commandline.WithInputs(t.Context()))
	cmd.SetErr(stderr)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return cmd, stderr
}

// SignedInAsAda gives the tool a new config folder, in which Ada is signed in
// at an accounts service with these scopes, or with all scopes if there are
// none. The settings are in the environment.
func SignedInAsAda(t *testing.T, scope ...spotipie.Scope) (server *spotifytest.Server, session *spotipie.AuthorizationCodeSession) {
	t.Helper()
	dir := Home(t, "")
	server = spotifytest.New(t)
	store, err := filestore.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	opts := server.Options()
	opts.Store, opts.Profile = store, settings.DefaultProfile
	if len(scope) > 0 {
		opts.Scope = scope
	}
	session, err = spotipie.NewAuthorizationCodeSession(server.Credentials(), opts)
	if err != nil {
		t.Fatal(err)
	}
	spotifytest.CloseAtEnd(t, session)
	server.Login(t, session)
	for name, value := range map[string]string{
		"SPOTIPIE_CLIENT_ID": server.Credentials().ClientID, "SPOTIPIE_CLIENT_SECRET": server.Credentials().ClientSecret,
		"SPOTIPIE_ACCOUNTS_URL": server.URL,
	} {
		t.Setenv(name, value)
	}
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	return server, session
}
