//go:build unix

package interrupt_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"syscall"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/spotipie/spotipie/internal/tool/interrupt"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type key struct{}

func TestSignalEndsTheContext(t *testing.T) {
	ctx := interrupt.NewContext(io.Discard)
	if err := ctx.Err(); err != nil {
		t.Fatalf("before anything: %v", err)
	}
	of := context.WithValue(ctx, key{}, "value")
	if unheard := interrupt.Unheard(of); unheard.Done() != nil || unheard.Value(key{}) != "value" || ctx.Listens() {
		t.Error("it listens before anybody asks for its end")
	}
	done := ctx.Done() // from now on the context listens for signals
	if interrupt.Unheard(of).Done() != done || !ctx.Listens() {
		t.Error("what is done from here on is not interrupted")
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-done
	if err := ctx.Err(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// watched is a context that records whether anybody has called Done.
type watched struct {
	context.Context
	asked bool
}

func (w *watched) Done() <-chan struct{} {
	w.asked = true
	return w.Context.Done()
}

type answering struct{ asked func() }

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	a.asked()
	return nil, http.ErrHandlerTimeout
}

// TestAwaitableListensBeforeItAsks checks this because the answer may have to be saved.
func TestAwaitableListensBeforeItAsks(t *testing.T) {
	ctx := &watched{Context: t.Context()}
	listened := false
	transport := interrupt.Awaitable(ctx, answering{func() { listened = ctx.asked }})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := transport.RoundTrip(req); !errors.Is(err, http.ErrHandlerTimeout) {
		t.Errorf("got %v", err)
	}
	if !listened {
		t.Error("the request was made before anybody listened for an interruption")
	}
}

func TestShield(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		interrupted, interruption := context.WithCancel(t.Context())
		ctx, cancel := interrupt.Shield(interrupted)
		defer cancel()
		interruption()
		synctest.Wait()
		if err := ctx.Err(); err != nil {
			t.Errorf("after an interruption: %v", err)
		}
		<-ctx.Done() // time passes by itself here
		if err := ctx.Err(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("in the end: %v", err)
		}
	})
}
