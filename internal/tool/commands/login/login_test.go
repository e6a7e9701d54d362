package login_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/config"
	"github.com/spotipie/spotipie/internal/tool/commands/login"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
	"github.com/spotipie/spotipie/spotifytest"
)

// TestLoginOfTheApp checks that this login needs no user.
func TestLoginOfTheApp(t *testing.T) {
	server := spotifytest.New(t)
	home := tooltest.Home(t, "")
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	t.Setenv("SPOTIPIE_CLIENT_SECRET", server.Credentials().ClientSecret)
	id := server.Credentials().ClientID
	stdout, stderr, code := tooltest.Run(t.Context(), login.New(), "login", "--flow", "client_credentials", "--client-id", id, "--accounts-url", server.URL)
	if code != failure.ExitOK || stdout != "" || !strings.HasPrefix(stderr, "Signed in as the app "+id+" at "+server.URL+" (a service on this machine, not Spotify).\n") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	store, err := filestore.Open(home, nil)
	if err != nil {
		t.Fatal(err)
	}
	if rec, found, err := store.Load(t.Context(), spotipie.Key{ClientID: id, Profile: "default"}); err != nil || !found || rec.Flow != spotipie.FlowClientCredentials {
		t.Errorf("the store has %v, %t, %v", rec, found, err)
	}
	file, err := config.Read(filepath.Join(home, "config.json"))
	if of := file.Profiles["default"]; err != nil || of.ClientID != id || of.AccountsURL != server.URL || !of.Confidential {
		t.Errorf("the config file has %+v, %v", of, err)
	}
}

// TestLoginThatCannotBegin checks that no browser is opened and nobody is asked.
func TestLoginThatCannotBegin(t *testing.T) {
	for name, test := range map[string]struct {
		line, want string
	}{
		"no client id":                  {"", "no client id: create an app with the redirect URI"},
		"scopes twice":                  {"--client-id x --all-scopes --scope user-top-read", "--all-scopes and --scope: use only one of them"},
		"no such scope":                 {"--client-id x --scope user-tpo-read", "did you mean user-top-read?"},
		"scopes without --scope":        {"--client-id x user-top-read user-library-read", "login: takes no arguments, only flags (did you mean --scope user-library-read,user-top-read?); see"},
		"something else without a flag": {"--client-id x ada", "login: takes no arguments, only flags; see"},
		"a user of the app":             {"--client-id x --flow client_credentials --scope user-top-read", "--scope: the client_credentials flow has no user to ask"},
		"no secret":                     {"--client-id x --flow client_credentials", "needs the app's client secret: set SPOTIPIE_CLIENT_SECRET"},
		"no time":                       {"--client-id x --timeout 0s", "--timeout 0s: it must be longer than 0"},
		"a port to paste at":            {"--client-id x --paste --port 8888", "--port cannot be used with --paste"},
		"no port":                       {"--client-id x --port 99999", "--port"},
		"a page on the web":             {"--client-id x --redirect-uri https://app.example/cb", "this machine cannot receive the answer at https://app.example/cb: add --paste"},
		"an old redirect URI":           {"--client-id x --redirect-uri http://localhost/cb", "127.0.0.1"},
		"no address to listen":          {"--client-id x --bind a:b:c", "--bind a:b:c: "},
	} {
		t.Run(name, func(t *testing.T) {
			tooltest.Home(t, "")
			_, stderr, code := tooltest.Run(t.Context(), login.New(), append([]string{"login"}, strings.Fields(test.line)...)...)
			if name != "no port" && code != failure.ExitUsage || code == failure.ExitOK || !strings.Contains(stderr, test.want) {
				t.Errorf("exit code %d, stderr %q", code, stderr)
			}
		})
	}
}

// TestNobodyComes checks that the advice is about the client id and the redirect URI,
// which are the usual problems: only the browser shows them.
func TestNobodyComes(t *testing.T) {
	server := spotifytest.New(t)
	const compare = "spotipie: login: nobody agreed within 10ms: run it again, with a longer --timeout if need be; if the browser showed only an error, " +
		"compare client id (from --client-id) and redirect URI (http://127.0.0.1/callback) with "
	for name, test := range map[string]struct{ accountsURL, want string }{
		"at Spotify":            {spotipie.DefaultAccountsURL, compare + "the app's page at https://developer.spotify.com/dashboard\n"},
		"at a practice service": {server.URL, compare + "what 'spotipie serve' has printed last (it has another app after each start)\n"},
	} {
		t.Run(name, func(t *testing.T) {
			tooltest.Home(t, "")
			_, stderr, code := tooltest.Run(t.Context(), login.New(), "login", "--client-id", server.Credentials().ClientID, "--accounts-url", test.accountsURL,
				"--no-browser", "--timeout", "10ms", "--scope", "user-top-read")
			if code != failure.ExitFailure || !strings.Contains(stderr, test.want) {
				t.Errorf("exit code %d, stderr %q", code, stderr)
			}
		})
	}
}

// TestImplicitGrantToday checks that the error says what to use instead.
func TestImplicitGrantToday(t *testing.T) {
	server := spotifytest.New(t)
	tooltest.Home(t, "")
	_, stderr, code := tooltest.Run(t.Context(), login.New(), "login", "--client-id", server.Credentials().ClientID, "--accounts-url", server.URL,
		"--flow", "implicit_grant", "--no-browser", "--scope", "user-top-read")
	const want = "spotipie: login: the accounts service does not have the implicit grant (response_type must be code): use --flow authorization_code, "
	if code != failure.ExitFailure || !strings.Contains(stderr, want) {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

// TestStoreThatCannotSave checks that a user is not asked for a login that would be
// lost, and that one who has signed in already still learns so.
func TestStoreThatCannotSave(t *testing.T) {
	server, session := tooltest.SignedInAsAda(t)
	home, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(home, "spotipie")
	store, err := filestore.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	record := store.Path(spotipie.Key{ClientID: session.ClientID(), Profile: "default"})
	lock := strings.TrimSuffix(record, ".json") + ".lock"
	if err := errors.Join(os.RemoveAll(lock), os.Mkdir(lock, 0o700)); err != nil {
		t.Fatal(err)
	}
	before := server.Stats()
	for _, test := range []struct {
		name, want string
		flags      []string
		code       int
	}{
		{"signed in already", "Already signed in as profile \"default\"", nil, failure.ExitOK},
		{"another user", "spotipie: login: nobody was asked, because the login could not be saved: saving in the store (file:" + dir + ")", []string{"--force-dialog"}, failure.ExitFailure},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, stderr, code := tooltest.Run(t.Context(), login.New(), append([]string{"login", "--no-browser", "--timeout", "10ms"}, test.flags...)...)
			if code != test.code || !strings.Contains(stderr, test.want) || strings.Contains(stderr, "/authorize?") {
				t.Errorf("exit code %d, stderr %q", code, stderr)
			}
		})
	}
	if after := server.Stats(); after.TokenRequests != before.TokenRequests {
		t.Errorf("there were token requests: %v", after.TokenRequests)
	}
}

// TestServiceThatHasStopped checks that nobody is asked to sign in at a service on this
// machine that does not run.
func TestServiceThatHasStopped(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	tooltest.Home(t, "")
	_, stderr, code := tooltest.Run(t.Context(), login.New(), "login", "--client-id", "x", "--accounts-url", server.URL, "--no-browser", "--scope", "user-top-read")
	const want = `profile "default" is for a service on this machine that is not running: start it again`
	if code != failure.ExitFailure || !strings.Contains(stderr, want) || strings.Contains(stderr, "/authorize?") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

// TestPortThatIsTaken checks that the error names the port and says how to choose
// another.
func TestPortThatIsTaken(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	tooltest.Home(t, "")
	_, stderr, code := tooltest.Run(t.Context(), login.New(), "login", "--client-id", "x", "--no-browser", "--port", port, "--scope", "")
	want := "spotipie: login: cannot listen on 127.0.0.1, port " + port + ": "
	if code != failure.ExitFailure || !strings.Contains(stderr, want) || strings.Contains(stderr, "listen tcp") || !strings.Contains(stderr, "choose another with --port, or leave out --port") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}
