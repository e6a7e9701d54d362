package cli_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/spotipie/spotipie/internal/cli"
)

// After an interruption at any time, the terminal shows again what is typed.
func TestInterruptedQuestionLeavesEchoOn(t *testing.T) {
	for range 30 {
		master, terminal, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		if _, err := cli.AskSecret(ctx, terminal, io.Discard, "Client secret: "); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want %v", err, context.Canceled)
		}
		state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if state.Lflag&unix.ECHO == 0 {
			t.Fatal("echo is off")
		}
		_, _ = master.Write([]byte("\n")) // ends the read that stays behind
		_ = master.Close()
	}
}
