package login_test

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/creack/pty"

	"github.com/spotipie/spotipie/login"
)

// TestAQuestionIsAskedAgainBehindWhatComesInBetween protects from a prompt that other
// output has moved out of sight.
func TestAQuestionIsAskedAgainBehindWhatComesInBetween(t *testing.T) {
	surroundings(t, nil)
	server := newServer(t, nil)
	tty, keyboard := terminal(t)
	fail := make(chan error)
	r := start(t, newSession(t, server, nil), &login.Options{Input: tty, Browser: func(string) error { return <-fail }})
	const question = "press Enter: "
	text := r.output.waitFor(t, question, 1)
	asked := text[strings.LastIndex(text, "\n")+1:]
	fail <- errors.New("exit status 1")
	text = r.output.waitFor(t, question, 2)
	if want := asked + "\nNo browser could be opened (exit status 1): open the address yourself.\n" + asked; !strings.HasSuffix(text, want) {
		t.Errorf("printed %q, want it to end with %q", text, want)
	}
	typeLine(t, keyboard, server.Consent(t, r.output.authorizationURL(t, 1)))
	r.token()
}

// TestTextsFitTheTerminal protects from words that a narrow terminal breaks, and from
// addresses with line breaks.
func TestTextsFitTheTerminal(t *testing.T) {
	server := newServer(t, nil)
	for _, columns := range []uint16{0, 40, 60, 100} {
		t.Run(strconv.Itoa(int(columns)), func(t *testing.T) {
			surroundings(t, map[string]string{"WSL_DISTRO_NAME": "Debian", "container": "podman"})
			tty, keyboard := terminal(t)
			if err := pty.Setsize(keyboard, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
				t.Fatal(err)
			}
			screen := newOutput()
			done := make(chan error, 1)
			go func() {
				_, err := login.Authorize(t.Context(), newSession(t, server, nil), &login.Options{
					Input: tty, Output: wide{screen, tty}, NoBrowser: true,
				})
				done <- err
			}()
			address := screen.authorizationURL(t, 1)
			screen.waitFor(t, "Enter: ", 1)
			_, _ = screen.Write([]byte("\n")) // the user's Enter
			typeLine(t, keyboard, strings.Replace(server.Consent(t, address), "code=", "kode=", 1))
			screen.waitFor(t, "Paste the address again: ", 1)
			_, _ = screen.Write([]byte("\n"))
			typeLine(t, keyboard, server.Consent(t, address))
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			width := int(columns)
			if width == 0 {
				width = 80
			}
			for line := range strings.Lines(screen.String()) {
				if line = strings.TrimSuffix(line, "\n"); utf8.RuneCountInString(line) > width && !strings.HasPrefix(line, "    ") {
					t.Errorf("wider than %d: %q", width, line)
				}
			}
			if !strings.Contains(screen.String(), "\n    "+address+"\n") {
				t.Errorf("the address is not in a line of its own: %s", screen)
			}
		})
	}
}

// wide is an output as wide as a terminal.
type wide struct {
	*output
	tty *os.File
}

func (w wide) Fd() uintptr { return w.tty.Fd() }
