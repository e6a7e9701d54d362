package cli_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/cli"
)

func TestConfirm(t *testing.T) {
	for answer, want := range map[string]bool{
		"y\n": true, "Yes\n": true, " YES \r\n": true, "y": true,
		"n\n": false, "\n": false, "": false, "yeah\n": false,
	} {
		t.Run(answer, func(t *testing.T) {
			var out strings.Builder
			got, err := cli.Confirm(t.Context(), strings.NewReader(answer), &out, "Sure?")
			if err != nil || got != want {
				t.Errorf("got %v, %v, want %v", got, err, want)
			}
			if !strings.HasPrefix(out.String(), "Sure? [y/N] ") {
				t.Errorf("asked: %q", out.String())
			}
		})
	}
}

func TestConfirmFails(t *testing.T) {
	broken := errors.New("broken")
	if got, err := cli.Confirm(t.Context(), io.MultiReader(failing{broken}), io.Discard, "Sure?"); got || !errors.Is(err, broken) {
		t.Errorf("got %v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in, keepOpen := io.Pipe()
	defer keepOpen.Close()
	if got, err := cli.Confirm(ctx, in, io.Discard, "Sure?"); got || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v", got, err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
