package tool

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/spotipie/spotipie/internal/tool/failure"
	"github.com/spotipie/spotipie/internal/tool/interrupt"
	"github.com/spotipie/spotipie/internal/tool/tooltest"
)

// tool carries out a command line.
func tool(ctx context.Context, args ...string) (stdout, stderr string, code int) {
	var out, errs strings.Builder
	code = execute(ctx, args, &out, &errs)
	return out.String(), errs.String(), code
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr strings.Builder
	if code := execute(ctx, []string{"demo"}, &stdout, &stderr); code != failure.ExitInterrupted {
		t.Errorf("exit code: got %d, want %d", code, failure.ExitInterrupted)
	}
	if got, want := stderr.String(), "spotipie: interrupted\n"; got != want {
		t.Errorf("stderr: got %q, want %q", got, want)
	}
	if strings.Contains(stdout.String(), "✗") {
		t.Errorf("an interruption is told as a failure:\n%s", stdout.String())
	}
}

// A fresh token is printed without listening for interruptions, because that would
// take a part of the time.
func TestFreshTokenDoesNotListen(t *testing.T) {
	tooltest.SignedInAsAda(t)
	ctx := interrupt.NewContext(io.Discard)
	stdout, stderr, code := tool(ctx, "token")
	if code != failure.ExitOK || stdout == "" || ctx.Listens() {
		t.Errorf("exit code %d, stdout %q, stderr %q, listens: %t", code, stdout, stderr, ctx.Listens())
	}
}

// serve ends normally by an interruption.
func TestServeInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr strings.Builder
	if code := execute(ctx, []string{"serve", "--addr", "127.0.0.1:0"}, &stdout, &stderr); code != failure.ExitOK {
		t.Errorf("exit code: got %d, want %d", code, failure.ExitOK)
	}
	if stderr.String() != "" {
		t.Errorf("stderr: got %q, want nothing", stderr.String())
	}
}
