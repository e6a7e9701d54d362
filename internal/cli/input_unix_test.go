//go:build unix

package cli_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/spotipie/spotipie/internal/cli"
)

// Opening a named pipe waits until somebody opens it to write.
func TestReadInputIsInterruptedAtAPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := cli.ReadInput(ctx, nil, path, 8); got != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %q, %v", got, err)
	}
	writer, err := os.OpenFile(path, os.O_WRONLY, 0) // lets the goroutine end that was left behind
	if err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
}
