// Package interrupt ends a command by Ctrl-C, SIGTERM or SIGHUP, and lets what
// must not stay half done finish.
package interrupt

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Context is a context that ends with the first Ctrl-C, SIGTERM or SIGHUP
// (the terminal is gone); the second ends the program at once. It listens for
// them from the first call of Done on, which is how all commands begin but
// token. That one is ended by the system, as any program is, until it waits for
// something or makes a request, whose answer may have to be saved (see
// Awaitable): with a fresh token it does neither, and listening would take a
// tenth of its time.
type Context struct {
	context.Context // ends never
	listen          func() context.Context
	listening       atomic.Pointer[context.Context]
}

// patience is how long after an interruption there is nothing to explain.
const patience = time.Second

// NewContext returns a context for one command line. What an interruption has to
// wait for is told on stderr.
func NewContext(stderr io.Writer) *Context {
	c := &Context{Context: context.Background()}
	c.listen = sync.OnceValue(func() context.Context {
		signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
		if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
			signals = append(signals, syscall.SIGHUP)
		}
		signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // as good as ignoring it, but no child inherits that
		ctx, stop := signal.NotifyContext(c.Context, signals...)
		context.AfterFunc(ctx, func() {
			stop()
			time.AfterFunc(patience, func() {
				fmt.Fprintln(stderr, "spotipie: finishing what is under way; interrupted again it ends at once, and a token that is being renewed may be lost")
			})
		})
		c.listening.Store(&ctx)
		return ctx
	})
	return c
}

// current is the context that listens, if one does.
func (c *Context) current() context.Context {
	if ctx := c.listening.Load(); ctx != nil {
		return *ctx
	}
	return c.Context
}

// Done implements context.Context, and begins to listen.
func (c *Context) Done() <-chan struct{} { return c.listen().Done() }

// Listens reports whether it has begun to listen.
func (c *Context) Listens() bool { return c.listening.Load() != nil }

// Err implements context.Context.
func (c *Context) Err() error { return c.current().Err() }

// Value implements context.Context.
func (c *Context) Value(key any) any {
	if key == (self{}) {
		return c
	}
	return c.current().Value(key)
}

// self is the key of the Context itself among the values of those made of it.
type self struct{}

// Unheard returns a context for what leaves nothing half done. It does not begin
// to listen, so until somebody does, the system ends the program.
func Unheard(ctx context.Context) context.Context {
	if c, ok := ctx.Value(self{}).(*Context); ok && !c.Listens() {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// changeTimeout is how long a step in a store may take that is not interrupted.
const changeTimeout = 10 * time.Second

// Shield returns a context for a step in a store that an interruption must not cut
// off. It ends by itself after a while.
func Shield(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), changeTimeout)
}

// awaitable is a transport whose requests an interruption does not cut off
// from what has to be done with the answer.
type awaitable struct {
	ctx  context.Context // of the command
	base http.RoundTripper
}

// Awaitable returns a transport by base whose requests an interruption of ctx, the
// command's, does not cut off from what has to be done with the answer.
func Awaitable(ctx context.Context, base http.RoundTripper) http.RoundTripper {
	return awaitable{ctx, base}
}

// RoundTrip implements http.RoundTripper.
func (t awaitable) RoundTrip(req *http.Request) (*http.Response, error) {
	t.ctx.Done()
	return t.base.RoundTrip(req)
}
