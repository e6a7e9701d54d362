//go:build unix

package tool

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/spotipie/spotipie/accounts"
	"github.com/spotipie/spotipie/internal/tool/failure"
)

const (
	ctrlC = "\x03"
	ctrlD = "\x04"
)

// person is a user at a terminal, with their own config folder and accounts service.
type person struct {
	t       *testing.T
	env     []string
	service *accounts.Service
}

func newPerson(t *testing.T) *person {
	t.Helper()
	service, err := accounts.New(&accounts.Options{
		AutoApprove: true,
		Apps: []accounts.App{
			{ClientID: "app", RedirectURIs: []string{"http://127.0.0.1/callback"}},
			{ClientID: "robot", ClientSecret: "hush-hush"},
		},
		Users: append(accounts.DefaultUsers(), accounts.User{ID: "mallory", DisplayName: "Mal\x1b[8mlory"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	return &person{t: t, service: service, env: []string{
		"PATH=" + os.Getenv("PATH"), "XDG_CONFIG_HOME=" + t.TempDir(), "TERM=xterm", "GORACE=atexit_sleep_ms=10",
		"SPOTIPIE_CLIENT_ID=app", "SPOTIPIE_ACCOUNTS_URL=" + server.URL, "SPOTIPIE_API_URL=" + server.URL,
	}}
}

// program is a program that runs in the terminal.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	screen *os.File
	seen   strings.Builder
}

func (p *person) starts(args ...string) *program {
	p.t.Helper()
	return p.startsIn(100, args...)
}

func (p *person) startsIn(columns uint16, args ...string) *program {
	p.t.Helper()
	// Without noflsh, Ctrl-C discards output that is being written.
	return p.runs(columns, exec.Command("sh", append([]string{"-c", `stty noflsh && exec "$0" "$@"`, "spotipie"}, args...)...))
}

func (p *person) runs(columns uint16, cmd *exec.Cmd) *program {
	p.t.Helper()
	cmd.Env = p.env
	screen, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: columns})
	if err != nil {
		p.t.Fatal(err)
	}
	r := &program{t: p.t, cmd: cmd, screen: screen}
	p.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = screen.Close() })
	return r
}

// sees waits until the screen shows a pattern, and returns its first group.
func (r *program) sees(pattern string) string {
	r.t.Helper()
	re, buffer := regexp.MustCompile(pattern), make([]byte, 4096)
	for {
		if found := re.FindStringSubmatch(r.seen.String()); found != nil {
			return found[len(found)-1]
		}
		n, err := r.screen.Read(buffer)
		r.seen.Write(buffer[:n])
		if err != nil && !re.MatchString(r.seen.String()) {
			r.t.Fatalf("the screen ends without %q:\n%s", pattern, r.seen.String())
		}
	}
}

func (r *program) types(text string) {
	r.t.Helper()
	if _, err := io.WriteString(r.screen, text); err != nil {
		r.t.Fatal(err)
	}
}

// ends waits for the end, checks the exit code, and returns everything that the
// screen has shown.
func (r *program) ends(code int) string {
	r.t.Helper()
	rest, _ := io.ReadAll(r.screen) // a terminal ends with an error
	r.seen.Write(rest)
	_ = r.cmd.Wait() // the exit code is checked below
	if got := r.cmd.ProcessState.ExitCode(); got != code {
		r.t.Errorf("exit code: got %d, want %d; the screen:\n%s", got, code, r.seen.String())
	}
	return r.seen.String()
}

// visit opens an address like a browser, up to the redirect back to the program,
// and returns the address of that redirect.
func visit(t *testing.T, address string) string {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, ResponseHeaderTimeout: 10 * time.Second}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.Header.Get("Location")
}

const shownAddress = `(http://\S+/authorize\?\S+)\r\n`

func (p *person) signsIn(args ...string) {
	p.t.Helper()
	r := p.starts(append([]string{"login", "--paste", "--scope", ""}, args...)...)
	address := r.sees(shownAddress)
	r.sees(`press\s+Enter: `)
	r.types(visit(p.t, address) + "\n")
	r.ends(failure.ExitOK)
}

func contains(t *testing.T, screen string, wanted ...string) {
	t.Helper()
	for _, text := range wanted {
		if !strings.Contains(screen, text) {
			t.Errorf("the screen has no %q:\n%s", text, screen)
		}
	}
}

func TestInterruptedAtAPrompt(t *testing.T) {
	p := newPerson(t)
	for name, test := range map[string]struct {
		args   []string
		prompt string
	}{
		"paste":   {[]string{"login", "--paste", "--scope", ""}, `press\s+Enter: `},
		"browser": {[]string{"login", "--no-browser", "--scope", ""}, `press\s+Enter: `},
	} {
		t.Run(name, func(t *testing.T) {
			r := (&person{t: t, env: p.env}).starts(test.args...)
			r.sees(test.prompt)
			r.types(ctrlC)
			contains(t, r.ends(failure.ExitInterrupted), "spotipie: interrupted\r\n")
		})
	}
}

func TestDeleteAsks(t *testing.T) {
	p := newPerson(t)
	p.signsIn()
	const question = `Delete profile "default" and its tokens\? \[y/N\] `
	for _, test := range []struct {
		name, answer, text string
		code               int
	}{
		{"Ctrl-C", ctrlC, "spotipie: interrupted\r\n", failure.ExitInterrupted},
		{"Ctrl-D", ctrlD, "spotipie: profiles delete: nothing was deleted\r\n", failure.ExitFailure},
		{"Enter", "\n", "nothing was deleted\r\n", failure.ExitFailure},
		{"no", "no\n", "nothing was deleted\r\n", failure.ExitFailure},
		{"yes", "y\n", "Profile \"default\" is deleted.\r\n", failure.ExitOK},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := (&person{t: t, env: p.env}).starts("profiles", "delete", "default")
			r.sees(question)
			r.types(test.answer)
			contains(t, r.ends(test.code), test.text)
		})
	}
}

func TestColoursAndTables(t *testing.T) {
	p := newPerson(t)
	p.signsIn("--scope", "user-read-private")
	p.signsIn("--profile", "work")
	contains(t, p.starts("status").ends(failure.ExitOK), "\x1b[32m✓\x1b[0m \x1b[1mSigned in as Ada (ada)\x1b[0m\r\n")
	contains(t, p.starts("profiles").ends(failure.ExitOK),
		"  PROFILE  FLOW                STORE", "* default  authorization_code  file:",
		"  work     authorization_code  file:", "signed in", "Ada", "SERVICE")
	p.env = append(p.env, "NO_COLOR=1")
	screen := p.starts("status").ends(failure.ExitOK)
	contains(t, screen, "✓ Signed in as Ada (ada)\r\n")
	if strings.Contains(screen, "\x1b") {
		t.Errorf("NO_COLOR is set, and yet:\n%q", screen)
	}
}
