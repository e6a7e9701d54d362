package login_test

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/spotipie/spotipie/login"
)

// publish forwards connections from one port to another, like a container's network or
// ssh -L.
func publish(t testing.TB, from, to int) (stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(from))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(to))
			if err != nil {
				_ = in.Close()
				continue
			}
			go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
			go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
		}
	}()
	return func() { _ = l.Close(); <-done }
}

// TestRemoteShellIsShownHowToForwardThePort helps users of ssh, whose browser runs on
// another machine than the program.
func TestRemoteShellIsShownHowToForwardThePort(t *testing.T) {
	server := newServer(t, nil)
	for name, test := range map[string]struct {
		connection, want string
	}{
		"port 22":            {"198.51.100.2 40000 192.0.2.7 22", "@192.0.2.7\n"},
		"another port":       {"198.51.100.2 40000 192.0.2.7 2222", "-p 2222 "},
		"IPv6":               {"2001:db8::2 40000 2001:db8::7 22", "@2001:db8::7\n"},
		"nothing to rely on": {"$(reboot) 1 ; 22", "<this machine>\n"},
	} {
		t.Run(name, func(t *testing.T) {
			surroundings(t, map[string]string{"SSH_CONNECTION": test.connection})
			tty, keyboard := terminal(t)
			out := newOutput()
			done := make(chan outcome, 1)
			session := newSession(t, server, nil)
			go func() {
				token, err := login.Authorize(t.Context(), session, &login.Options{Input: tty, Output: out})
				done <- outcome{token, err}
			}()
			address := out.authorizationURL(t, 1)
			text := out.waitFor(t, "press Enter: ", 1)
			port := mustParse(t, parameter(t, address, "redirect_uri")).Port()
			if !strings.Contains(text, "ssh -N -L "+port+":127.0.0.1:"+port+" ") || !strings.Contains(text, test.want) {
				t.Errorf("printed %s", text)
			}
			if !strings.Contains(text, "no display here") {
				t.Error("a browser was opened where nobody sits")
			}
			typeLine(t, keyboard, server.Consent(t, address))
			if o := <-done; o.err != nil {
				t.Error(o.err)
			}
		})
	}
}

// TestABackgroundJobLeavesTheKeyboardToTheShell protects programs started with
// & from being stopped when they read the terminal.
func TestABackgroundJobLeavesTheKeyboardToTheShell(t *testing.T) {
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash, whose job control this needs, is not installed")
	}
	server := newServer(t, nil)
	cmd := exec.CommandContext(t.Context(), shell, "-c", `set -m; "$0" -test.run='^TestHelperProgram$' & wait $!`, os.Args[0])
	cmd.Env = append(os.Environ(), helperVariable+"="+server.URL+" "+server.Credentials().ClientID, "SSH_CONNECTION=", "BROWSER=true")
	tty, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	screen := bufio.NewReader(tty)
	var text strings.Builder
	for !strings.Contains(text.String(), "no terminal to paste an answer into") {
		line, err := screen.ReadString('\n')
		if text.WriteString(line); err != nil {
			t.Fatalf("%v: %s", err, text.String())
		}
		if address := strings.TrimSpace(line); strings.HasPrefix(address, server.URL) {
			defer func() { _, _ = newBrowser(t).get(address); _ = cmd.Wait() }()
		}
	}
}

// TestAJobSentToTheBackgroundLeavesTheKeyboardToTheShell protects programs that are suspended
// (Ctrl-Z) and continued in the background (bg) while they wait.
func TestAJobSentToTheBackgroundLeavesTheKeyboardToTheShell(t *testing.T) {
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash, whose job control this needs, is not installed")
	}
	server := newServer(t, nil)
	const script = `set -m; "$0" -test.run='^TestHelperProgram$'; bg; echo in the back""ground; read -r line; echo "shell: $line"; wait; echo the e""nd`
	cmd := exec.CommandContext(t.Context(), shell, "-c", script, os.Args[0])
	cmd.Env = append(os.Environ(), helperVariable+"="+server.URL+" "+server.Credentials().ClientID, "SSH_CONNECTION=",
		"BROWSER=", "DISPLAY=", "WAYLAND_DISPLAY=") // a browser that is just being started could not be suspended
	tty, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	screen := newOutput()
	go func() { _, _ = io.Copy(screen, tty) }()

	screen.waitFor(t, "press Enter: ", 1)
	_, _ = io.WriteString(tty, "\x1a")
	screen.waitFor(t, "in the background", 1)
	typeLine(t, tty, "for the shell")
	screen.waitFor(t, "shell: for the shell", 1)
	typeLine(t, tty, "for the shell, too") // the shell waits, so nobody reads this
	if _, err := newBrowser(t).get(screen.authorizationURL(t, 1)); err != nil {
		t.Fatal(err)
	}
	screen.waitFor(t, "the end", 1)
	if text := screen.String(); strings.Contains(text, "(tty input)") || !strings.Contains(text, "Signed in as Ada.") {
		t.Errorf("the terminal shows %s", text)
	}
	_ = cmd.Wait()
}

// helperVariable makes the test binary run as a program that opens a browser.
const helperVariable = "LOGIN_TEST_AUTHORIZATION_SERVER"

// TestWhatABrowserPrintsStaysOutOfTheProgramsOutput protects programs whose output goes into a
// pipe.
func TestWhatABrowserPrintsStaysOutOfTheProgramsOutput(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the browser is stood in for by an xdg-open of our own, which is only looked for on Linux")
	}
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("the browser is stood in for by curl, which is not installed")
	}
	server := newServer(t, nil)
	script := "#!/bin/sh\necho noise; echo noise >&2\nexec " + curl + " -sSL \"$1\"\n"
	for name, variables := range map[string][]string{
		"the desktop's browser": {"xdg-open", "BROWSER="},
		"$BROWSER":              {"my-browser", "BROWSER=my-browser"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, variables[0]), []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelperProgram$")
			cmd.Env = append(os.Environ(), helperVariable+"="+server.URL+" "+server.Credentials().ClientID,
				"PATH="+dir+":"+os.Getenv("PATH"), "DISPLAY=:9", "SSH_CONNECTION=", variables[1])
			var out, errOut strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &errOut
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v: %s%s", err, out.String(), errOut.String())
			}
			if strings.Contains(out.String()+errOut.String(), "noise") || !strings.Contains(errOut.String(), "Signed in as Ada.") {
				t.Errorf("stdout %q, stderr %q", out.String(), errOut.String())
			}
		})
	}
}
