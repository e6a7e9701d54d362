// Package interrupt ends a command at Ctrl-C, SIGTERM or SIGHUP, but first lets
// work finish that must not stay half done.
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

	"github.com/spotipie/spotipie/internal/cli"
)

// Context is a context that ends with the first Ctrl-C, SIGTERM or SIGHUP (the
// terminal has closed). The second one ends the program at once. It starts to
// listen for these signals at the first call of Done. All commands except token
// call it at the start. The command token calls it only before it waits for
// something, or makes a request whose answer may have to be saved (see
// Awaitable). Until then the system ends it, as it ends any program. With a
// fresh token it does neither, and listening would take a tenth of its time.
type Context struct {
	context.Context // ends never
	listen          func() context.Context
	listening       atomic.Pointer[context.Context]
}

// patience is how long after an interruption the user gets no explanation yet.
const patience = time.Second

// NewContext returns a context for one command line. If an interruption has to
// wait, it says so on stderr.
func NewContext(stderr io.Writer) *Context {
	c := &Context{Context: context.Background()}
	c.listen = sync.OnceValue(func() context.Context {
		signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
		if !signal.Ignored(syscall.SIGHUP) { // ignored, as with nohup
			signals = append(signals, syscall.SIGHUP)
		}
		signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // like ignoring it, but children do not inherit it
		ctx, stop := signal.NotifyContext(c.Context, signals...)
		context.AfterFunc(ctx, func() {
			stop()
			time.AfterFunc(patience, func() {
				text := "spotipie: waiting for work that must finish; interrupt again to end at once, which may lose a token that is being renewed"
				if cli.IsTerminal(stderr) {
					text = cli.Wrap(text, cli.Width(stderr))
				}
				fmt.Fprintln(stderr, text)
			})
		})
		c.listening.Store(&ctx)
		return ctx
	})
	return c
}

// current is the context that listens, or nil.
func (c *Context) current() context.Context {
	if ctx := c.listening.Load(); ctx != nil {
		return *ctx
	}
	return c.Context
}

// Done implements context.Context, and starts to listen for signals.
func (c *Context) Done() <-chan struct{} { return c.listen().Done() }

// Listens reports whether it listens for signals.
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

// self is the key under which contexts that are derived from a Context find it.
type self struct{}

// Unheard returns a context for work that leaves nothing half done. It does not
// start to listen, so until another call does, a signal ends the program.
func Unheard(ctx context.Context) context.Context {
	if c, ok := ctx.Value(self{}).(*Context); ok && !c.Listens() {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// changeTimeout limits a step in a store that must not be interrupted.
const changeTimeout = 10 * time.Second

// Shield returns a context for a step in a store that must not be interrupted.
// It ends after a time limit.
func Shield(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), changeTimeout)
}

// awaitable is a transport whose requests are not interrupted, so that their
// answers can be saved.
type awaitable struct {
	ctx  context.Context // of the command
	base http.RoundTripper
}

// Awaitable returns a transport that sends requests with base. An interruption
// of ctx, the command's context, does not cut them off, so that their answers
// can be saved.
func Awaitable(ctx context.Context, base http.RoundTripper) http.RoundTripper {
	return awaitable{ctx, base}
}

// RoundTrip implements http.RoundTripper.
func (t awaitable) RoundTrip(req *http.Request) (*http.Response, error) {
	t.ctx.Done()
	return t.base.RoundTrip(req)
}
