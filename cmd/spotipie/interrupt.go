package main

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
)

// interruptible is a context that ends with the first Ctrl-C or SIGTERM; the
// second ends the program at once. It listens for them from the first call of
// Done on, which is how all commands begin but token. That one is ended by the
// system, as any program is, until it waits for something or makes a request,
// whose answer may have to be saved (see awaitable): with a fresh token it does
// neither, and listening would take a tenth of its time.
type interruptible struct {
	context.Context // ends never
	listen          func() context.Context
	listening       atomic.Pointer[context.Context]
}

func newInterruptible() *interruptible {
	c := &interruptible{Context: context.Background()}
	c.listen = sync.OnceValue(func() context.Context {
		ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
		context.AfterFunc(ctx, stop)
		c.listening.Store(&ctx)
		return ctx
	})
	return c
}

// current is the context that listens, if one does.
func (c *interruptible) current() context.Context {
	if ctx := c.listening.Load(); ctx != nil {
		return *ctx
	}
	return c.Context
}

func (c *interruptible) Done() <-chan struct{} { return c.listen().Done() }
func (c *interruptible) Err() error            { return c.current().Err() }
func (c *interruptible) Value(key any) any     { return c.current().Value(key) }

// awaitable is a transport whose requests an interruption does not cut off
// from what has to be done with the answer.
type awaitable struct {
	ctx  context.Context // of the command
	base http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t awaitable) RoundTrip(req *http.Request) (*http.Response, error) {
	t.ctx.Done()
	return t.base.RoundTrip(req)
}
