package failure

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
)

func TestExitCode(t *testing.T) {
	denied := &spotipie.AuthorizationError{Code: "access_denied"}
	for name, test := range map[string]struct {
		err  error
		code int
		text string
	}{
		"nothing wrong": {nil, ExitOK, ""},
		"failure":       {errors.New("demo: broken"), ExitFailure, "spotipie: demo: broken\n"},
		"library":       {errors.New("spotipie: broken"), ExitFailure, "spotipie: broken\n"},
		"usage": {
			Usage(&cobra.Command{Use: "spotipie"}, errors.New("no such thing")), ExitUsage,
			"spotipie: no such thing; see 'spotipie --help'\n",
		},
		"denied":        {fmt.Errorf("login: %w", denied), ExitDenied, "spotipie: login: " + denied.Error() + "\n"},
		"authorize":     {spotipie.ErrNotAuthorized, ExitSignIn, "spotipie: " + spotipie.ErrNotAuthorized.Error() + "\n"},
		"reauthorize":   {spotipie.ErrReauthorizationRequired, ExitSignIn, "spotipie: " + spotipie.ErrReauthorizationRequired.Error() + "\n"},
		"not a timeout": {context.DeadlineExceeded, ExitFailure, "spotipie: context deadline exceeded\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var stderr strings.Builder
			if code := Report(t.Context(), &stderr, test.err); code != test.code {
				t.Errorf("exit code: got %d, want %d", code, test.code)
			}
			if stderr.String() != test.text {
				t.Errorf("stderr: got %q, want %q", stderr.String(), test.text)
			}
		})
	}
}

// An interruption that leaves something half done is reported.
func TestInterruptedHalfway(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"unfinished": &UnfinishedError{Err: errors.New("half of it")},
		"not saved":  &spotipie.StoreError{Op: "save", Err: errors.New("half of it")},
	} {
		var stderr strings.Builder
		if code := Report(ctx, &stderr, &CommandError{Command: "spotipie x", Err: err}); code != ExitInterrupted {
			t.Errorf("%s: exit code: got %d, want %d", name, code, ExitInterrupted)
		}
		if got := stderr.String(); !strings.HasPrefix(got, "spotipie: interrupted; x: ") || !strings.Contains(got, "half of it") {
			t.Errorf("%s: stderr: got %q", name, got)
		}
	}
}
