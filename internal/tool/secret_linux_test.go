package tool

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/spotipie/spotipie/internal/tool/failure"
)

// asksForTheSecret starts a login of the app robot in a shell. At the end the shell
// prints whether the terminal shows again what is typed.
func asksForTheSecret(t *testing.T) *program {
	t.Helper()
	p := newPerson(t)
	r := p.runs(100, exec.Command("sh", "-c", `trap : INT; stty noflsh; "$0" "$@"; code=$?; stty -a; exit $code`, "spotipie",
		"login", "--flow", "client_credentials", "--client-id", "robot", "--client-secret-file", "-"))
	r.sees("Client secret: ")
	waitForNoEcho(t, r.screen)
	return r
}

// waitForNoEcho waits until the terminal no longer shows what is typed, which
// happens soon after the prompt.
func waitForNoEcho(t *testing.T, terminal *os.File) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; {
		state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if state.Lflag&unix.ECHO == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the terminal shows what is typed")
		}
	}
}

func TestSecretIsAskedForAndNotShown(t *testing.T) {
	for _, test := range []struct {
		name, answer, text string
		code               int
	}{
		{"the secret", "hush-hush\n", "Signed in as the app robot at http://127.0.0.1:", failure.ExitOK},
		{"a wrong one", "hush-hash\n", "the client id (from --client-id) and the client secret (from --client-secret-file)", failure.ExitUsage},
		{"Enter", "\n", "--client-secret-file: the file is empty", failure.ExitUsage},
		{"Ctrl-C", ctrlC, "Client secret: \r\nspotipie: interrupted\r\n", failure.ExitInterrupted},
		{"Ctrl-C behind the secret", "hush-hush" + ctrlC, "Client secret: \r\nspotipie: interrupted\r\n", failure.ExitInterrupted},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := asksForTheSecret(t)
			r.types(test.answer)
			screen := r.ends(test.code)
			contains(t, screen, test.text, " echo ")
			if strings.Contains(screen, "hush") {
				t.Errorf("the screen shows the secret: %q", screen)
			}
		})
	}
}
