//go:build unix

package tool

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

// silent makes stdin a pipe into which nobody writes.
func silent(t *testing.T) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin := os.Stdin
	os.Stdin = reader
	giveUp := time.AfterFunc(10*time.Second, func() { _ = writer.Close() })
	t.Cleanup(func() {
		giveUp.Stop()
		os.Stdin = stdin
		_ = writer.Close()
	})
}

func TestInterruptedWhileItReads(t *testing.T) {
	tooltest.SignedIn(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was made") })
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"client secret":          {"status", "--client-secret-file", "-"},
		"client secret of login": {"login", "--client-secret-file", "-"},
		"client secret of token": {"token", "--client-secret-file", "-"},
		"import":                 {"import", "-"},
		"import of a pipe":       {"import", pipe},
		"body":                   {"api", "POST", "me", "--input", "-"},
		"field":                  {"api", "-F", "a=@-", "me"},
	} {
		t.Run(name, func(t *testing.T) {
			silent(t)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			stdout, stderr, code := tool(ctx, args...)
			if code != failure.ExitInterrupted || stdout != "" || stderr != "spotipie: interrupted\n" {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
			}
		})
	}
	writer, err := os.OpenFile(pipe, os.O_WRONLY, 0) // lets the reader go on that opens the pipe
	if err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
}

func TestSigtermWhileItReads(t *testing.T) {
	tooltest.SignedIn(t, nil)
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "spotipie", "import", pipe)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writer, err := os.OpenFile(pipe, os.O_WRONLY, 0) // waits until somebody reads from the pipe
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the exit code is checked below
	if got := cmd.ProcessState.ExitCode(); got != failure.ExitInterrupted {
		t.Errorf("exit code: got %d; stderr: %s", got, stderr.String())
	}
}
