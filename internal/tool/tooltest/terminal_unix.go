//go:build unix

package tooltest

import (
	"io"
	"os"
	"testing"

	"github.com/creack/pty"
)

// Terminal returns a terminal to write to, and a function that closes it and
// returns what was written.
func Terminal(t *testing.T) (tty *os.File, shown func() string) {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Skipf("no terminal: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	text := make(chan string, 1)
	go func() {
		data, _ := io.ReadAll(master) // ends with EIO
		text <- string(data)
	}()
	return tty, func() string {
		_ = tty.Close()
		return <-text
	}
}
