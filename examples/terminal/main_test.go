// Package main_test builds the example and runs it in a terminal.
package main_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/spotipie/spotipie/login"
	"github.com/spotipie/spotipie/spotifytest"
)

// run starts the example in a new terminal. It returns both and the address that the
// example prints, when the example asks for the callback.
func run(t *testing.T, server *spotifytest.Server) (cmd *exec.Cmd, terminal *os.File, screen *bufio.Reader, address string) {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "terminal")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	cmd = exec.CommandContext(t.Context(), binary)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir,
		"SPOTIPIE_CLIENT_ID="+server.Credentials().ClientID, "SPOTIPIE_CLIENT_SECRET="+server.Credentials().ClientSecret,
		"SPOTIPIE_REDIRECT_URI="+login.DefaultRedirectURI, "SPOTIPIE_ACCOUNTS_URL="+server.URL, "SPOTIPIE_API_URL="+server.URL)
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	screen = bufio.NewReader(terminal)
	for {
		line, err := screen.ReadString('\n')
		if err != nil {
			t.Fatalf("no address: %v", err)
		}
		if address = strings.TrimSpace(line); strings.HasPrefix(address, server.URL) {
			break
		}
	}
	if _, err := screen.ReadString(':'); err != nil { // … and press Enter:
		t.Fatal(err)
	}
	return cmd, terminal, screen, address
}

func TestTerminal(t *testing.T) {
	server := spotifytest.New(t)
	cmd, terminal, screen, address := run(t, server)
	if _, err := io.WriteString(terminal, server.Consent(t, address)+"\n"); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(screen) // ends with an error when the terminal is hung up
	if err := cmd.Wait(); err != nil || !strings.Contains(string(rest), "You have agreed to: user-library-read") {
		t.Errorf("%v: %q", err, rest)
	}
}

func TestCtrlC(t *testing.T) {
	cmd, terminal, _, _ := run(t, spotifytest.New(t))
	if _, err := io.WriteString(terminal, "\x03"); err != nil {
		t.Fatal(err)
	}
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("%v, want exit code 130", cmd.ProcessState)
	}
}

func TestWithoutATerminal(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "run", ".")
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir, "SPOTIPIE_CLIENT_ID=app", "SPOTIPIE_REDIRECT_URI="+login.DefaultRedirectURI)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "there is no terminal to paste the answer into") {
		t.Errorf("%v: %s", err, out)
	}
}
