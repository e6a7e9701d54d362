package main

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
		"nothing wrong": {nil, exitOK, ""},
		"failure":       {errors.New("demo: broken"), exitFailure, "spotipie: demo: broken\n"},
		"library":       {errors.New("spotipie: broken"), exitFailure, "spotipie: broken\n"},
		"usage": {
			usage(&cobra.Command{Use: "spotipie"}, errors.New("no such thing")), exitUsage,
			"spotipie: no such thing; see 'spotipie --help'\n",
		},
		"denied":        {fmt.Errorf("login: %w", denied), exitDenied, "spotipie: login: " + denied.Error() + "\n"},
		"authorize":     {spotipie.ErrNotAuthorized, exitSignIn, "spotipie: " + spotipie.ErrNotAuthorized.Error() + "\n"},
		"reauthorize":   {spotipie.ErrReauthorizationRequired, exitSignIn, "spotipie: " + spotipie.ErrReauthorizationRequired.Error() + "\n"},
		"not a timeout": {context.DeadlineExceeded, exitFailure, "spotipie: context deadline exceeded\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var stderr strings.Builder
			if code := report(t.Context(), &stderr, test.err); code != test.code {
				t.Errorf("exit code: got %d, want %d", code, test.code)
			}
			if stderr.String() != test.text {
				t.Errorf("stderr: got %q, want %q", stderr.String(), test.text)
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr strings.Builder
	if code := execute(ctx, []string{"demo"}, &stdout, &stderr); code != exitInterrupted {
		t.Errorf("exit code: got %d, want %d", code, exitInterrupted)
	}
	if got, want := stderr.String(), "spotipie: interrupted\n"; got != want {
		t.Errorf("stderr: got %q, want %q", got, want)
	}
	if strings.Contains(stdout.String(), "✗") {
		t.Errorf("an interruption is told as a failure:\n%s", stdout.String())
	}
}

// What an interruption has left half done is told all the same.
func TestInterruptedHalfway(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"unfinished": &unfinishedError{errors.New("half of it")},
		"not saved":  &spotipie.StoreError{Op: "save", Err: errors.New("half of it")},
	} {
		var stderr strings.Builder
		if code := report(ctx, &stderr, &commandError{"spotipie x", err}); code != exitInterrupted {
			t.Errorf("%s: exit code: got %d, want %d", name, code, exitInterrupted)
		}
		if got := stderr.String(); !strings.HasPrefix(got, "spotipie: interrupted; x: ") || !strings.Contains(got, "half of it") {
			t.Errorf("%s: stderr: got %q", name, got)
		}
	}
}

// An interruption is how serve is meant to end.
func TestServeInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr strings.Builder
	if code := execute(ctx, []string{"serve", "--addr", "127.0.0.1:0"}, &stdout, &stderr); code != exitOK {
		t.Errorf("exit code: got %d, want %d", code, exitOK)
	}
	if stderr.String() != "" {
		t.Errorf("stderr: got %q, want nothing", stderr.String())
	}
}
