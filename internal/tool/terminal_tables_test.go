//go:build unix

package tool

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/filestore"
	"github.com/spotipie/spotipie/internal/cli"
	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

// fourProfiles signs the tool in as profile default, and adds three profiles to its
// config file: one that Spotify has refused, one without tokens, and one whose
// store cannot be reached.
func fourProfiles(t *testing.T) {
	t.Helper()
	tooltest.SignedIn(t, http.NotFound)
	dir := filepath.Join(t.TempDir(), "a", "store", "that", "is", "far", "away")
	store, err := filestore.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := spotipie.NewToken(spotipie.TokenFields{AccessToken: "access-me", RefreshToken: "refresh-me", ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	const clientID = "0123456789abcdef0123456789abcdef"
	rec := spotipie.Record{Token: token, ClientID: clientID, AuthorizedAt: time.Now(), Rejected: "Refresh token revoked"}
	if _, err := store.Swap(t.Context(), spotipie.Key{ClientID: clientID, Profile: "again"}, 0, rec); err != nil {
		t.Fatal(err)
	}
	writeConfig(t, fmt.Sprintf(`{"profiles": {
		"again": {"client_id": %[1]q, "store": "file:%[2]s"},
		"a name that somebody has thought about for long": {"client_id": %[1]q, "store": "file:%[2]s", "flow": "client_credentials"},
		"broken": {"client_id": %[1]q, "store": "redis://127.0.0.1:9/0", "flow": "authorization_code"}
	}}`, clientID, dir))
}

// writeConfig writes the tool's config file.
func writeConfig(t *testing.T, text string) {
	t.Helper()
	dir := filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "spotipie")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// onTerminal runs a command line with stdout on a terminal with that many columns.
func onTerminal(t *testing.T, columns uint16, stderr io.Writer, args ...string) (shown string, code int) {
	t.Helper()
	tty, rest := tooltest.Terminal(t)
	if err := pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	code = execute(t.Context(), args, tty, stderr)
	return strings.ReplaceAll(rest(), "\r\n", "\n"), code
}

// The table of the profiles fits a terminal of any width. Errors are printed next
// to it.
func TestProfilesFitTheTerminal(t *testing.T) {
	fourProfiles(t)
	for name, test := range map[string]struct {
		columns uint16
		title   string
		rows    []string
	}{
		"wide": {200, "  PROFILE  ", []string{"  a name that somebody has thought about for long  client_credentials  0123456789abcdef0123456789abcdef  "}},
		"100":  {100, "  PROFILE  ", []string{"/0  ", "unknown"}},
		"80":   {80, "  PROFILE  ", []string{" client_credentials "}},
		"60":   {60, "  PROFILE  ", []string{"* default ", "…"}},
		"30":   {30, "  PROFILE  ", []string{"* default ", "…"}},
	} {
		t.Run(name, func(t *testing.T) {
			var stderr strings.Builder
			screen, code := onTerminal(t, test.columns, &stderr, "profiles")
			if code != failure.ExitOK {
				t.Fatalf("exit code %d: %s", code, stderr.String())
			}
			lines := strings.Split(strings.TrimSuffix(screen, "\n"), "\n")
			if len(lines) != 5 || !strings.HasPrefix(lines[0], test.title) || !strings.HasSuffix(lines[0], "  STATE") {
				t.Fatalf("got\n%s", screen)
			}
			for i, state := range []string{"signed out", "sign in again", "unknown", "signed in"} {
				if !strings.HasSuffix(lines[i+1], "  "+state) {
					t.Errorf("line %q does not end with %q", lines[i+1], state)
				}
			}
			for _, line := range lines {
				if n := utf8.RuneCountInString(line); n > int(test.columns) {
					t.Errorf("%d columns: %q", n, line)
				}
			}
			contains(t, screen, test.rows...)
			problems := strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
			if len(problems) != 2 ||
				!strings.HasPrefix(problems[0], `Profile "again": Spotify no longer renews the login of profile "again"`) ||
				!strings.HasPrefix(problems[1], `Profile "broken": reading the store (redis://127.0.0.1:9/0, from profile broken in the config file): `) {
				t.Errorf("got problems %q", problems)
			}
		})
	}
}

// The tool does not ask a question that nobody could see.
func TestNoQuestionWithoutATerminalToShowIt(t *testing.T) {
	for name, test := range map[string]struct {
		line, want string
	}{
		"export": {"export --format spotipy", "spotipie: export: stdout is a terminal, where others may see the tokens: " +
			"use --yes to print them anyway, or redirect the output into a file; see 'spotipie export --help'\n"},
		"profiles delete": {"profiles delete default", "spotipie: profiles delete: there is no terminal to ask on: " +
			"use --yes to delete the profile; see 'spotipie profiles delete --help'\n"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPerson(t)
			p.signsIn()
			stderr := filepath.Join(t.TempDir(), "stderr")
			r := p.runs(100, exec.Command("sh", "-c", `exec spotipie `+test.line+` 2>`+cli.Quoted(stderr)))
			r.types(ctrlD) // the answer to a question that should not be there
			screen := r.ends(failure.ExitUsage)
			told, err := os.ReadFile(stderr)
			if err != nil || strings.Contains(screen, "access_token") || string(told) != test.want {
				t.Errorf("got %q, %q (error %v), want %q", screen, told, err, test.want)
			}
		})
	}
}

// doctor breaks its lines between words, and indents the following lines.
func TestDoctorFitsTheTerminal(t *testing.T) {
	const columns = 60
	p := newPerson(t)
	p.signsIn()
	screen := p.startsIn(columns, "doctor", "--redirect-uri", "http://localhost:8888/callback").ends(failure.ExitFailure)
	contains(t, screen, "✗\x1b[0m \x1b[1mredirect URI\x1b[0m: ", "\r\n    ")
	for line := range strings.SplitSeq(screen, "\r\n") {
		plain := regexp.MustCompile("\x1b\\[[0-9]*m").ReplaceAllString(line, "")
		if n := utf8.RuneCountInString(plain); n > columns && strings.Contains(strings.TrimSpace(plain), " ") && !strings.HasPrefix(plain, "spotipie: ") {
			t.Errorf("%d columns: %s", n, plain)
		}
	}
}

// TestMessagesFitTheTerminal protects from words that the terminal cuts.
func TestMessagesFitTheTerminal(t *testing.T) {
	const columns, long = 60, "a profile whose name somebody has thought about"
	p := newPerson(t)
	p.signsIn("--profile", long)
	p.signsIn()
	home := p.env[1]
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"refresh", "--profile", long}, "Renewed: "},
		{[]string{"profiles", "default", long}, "is now the default."},
		{[]string{"profiles", "rename", long, long + " twice"}, "is now called"},
		{[]string{"profiles", "delete", long + " twice", "--yes"}, "is deleted."},
		{[]string{"logout", "--profile", long}, "was not signed in;"},
		{[]string{"logout"}, "https://www.spotify.com/account/apps/."},
	} {
		t.Run(strings.Join(test.args[:1], " ")+" "+test.want, func(t *testing.T) {
			env := p.env
			if strings.Contains(test.want, "www.spotify.com") { // a login at Spotify
				_, dir, _ := strings.Cut(home, "=")
				if err := os.Remove(filepath.Join(dir, "spotipie", "config.json")); err != nil {
					t.Fatal(err)
				}
				env = append(slices.Clone(p.env), "SPOTIPIE_ACCOUNTS_URL=", "SPOTIPIE_API_URL=")
			}
			screen := (&person{t: t, env: env}).startsIn(columns, test.args...).ends(failure.ExitOK)
			contains(t, strings.Join(strings.Fields(screen), " "), test.want)
			for line := range strings.SplitSeq(screen, "\r\n") {
				if n := utf8.RuneCountInString(line); n > columns {
					t.Errorf("%d columns: %s", n, line)
				}
			}
		})
	}
}

// TestAChangeOfServiceIsAsked: whoever has practice's variables in the shell does
// not lose a login at Spotify by a login.
func TestAChangeOfServiceIsAsked(t *testing.T) {
	p := newPerson(t)
	p.signsIn()
	_, dir, _ := strings.Cut(p.env[1], "=")
	file := filepath.Join(dir, "spotipie", "config.json")
	const atSpotify = `{"profiles": {"default": {"client_id": "app", "flow": "authorization_code", "user": "Ada"}}}`
	const question = `(?s)This login changes profile "default":\s+the\s+service\s+from\s+Spotify\s+to\s+http://127.*Change\s+it\?.*\[y/N\] `
	for answer, code := range map[string]int{"n\n": failure.ExitFailure, "\n": failure.ExitFailure, ctrlC: failure.ExitInterrupted} {
		if err := os.WriteFile(file, []byte(atSpotify), 0o600); err != nil {
			t.Fatal(err)
		}
		r := p.starts("login", "--paste", "--scope", "")
		r.sees(question)
		r.types(answer)
		if screen := r.ends(code); code == failure.ExitFailure {
			contains(t, screen, "nothing was changed")
		}
		if text, err := os.ReadFile(file); string(text) != atSpotify {
			t.Errorf("the config file: %s, %v", text, err)
		}
	}
	r := p.starts("login", "--paste", "--scope", "")
	r.sees(question)
	r.types("y\n")
	address := r.sees(shownAddress)
	r.sees(`press\s+Enter: `)
	r.types(visit(t, address) + "\n")
	contains(t, r.ends(failure.ExitOK), "Signed in as Ada.")
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "http://127.0.0.1") {
		t.Errorf("the config file: %s, %v", text, err)
	}
}
