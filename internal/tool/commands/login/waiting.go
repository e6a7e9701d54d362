package login

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/spotipie/spotipie/internal/cli"
)

// waiting is the writer for the texts of a login. On a terminal it shows below
// them how long the login still waits.
type waiting struct {
	heading string // written before the first text

	mu    sync.Mutex
	w     io.Writer
	style cli.Style
	end   time.Time
	shown bool // the line below the cursor
	wrote bool
	quit  chan struct{} // nil where nothing is shown
	done  chan struct{}
}

func newWaiting(w io.Writer, timeout time.Duration) *waiting {
	return &waiting{w: w, style: cli.StyleFor(w), end: time.Now().Add(timeout)}
}

// Write implements io.Writer.
func (o *waiting) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.clear()
	if !o.wrote && cli.IsTerminal(o.w) && os.Getenv("TERM") != "dumb" {
		o.quit, o.done = make(chan struct{}), make(chan struct{})
		go o.tick(o.quit, o.done)
	}
	if !o.wrote {
		_, _ = io.WriteString(o.w, cli.Wrap(o.heading, cli.Width(o.w)))
	}
	o.wrote = true
	return o.w.Write(p)
}

// Fd is the terminal's. A login uses it to find the terminal's width.
func (o *waiting) Fd() uintptr {
	if file, ok := o.w.(*os.File); ok {
		return file.Fd()
	}
	return ^uintptr(0) // not the descriptor of any file
}

// used reports whether the login has written anything.
func (o *waiting) used() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.wrote
}

func (o *waiting) tick(quit <-chan struct{}, done chan<- struct{}) {
	defer close(done)
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			o.show(o.end.Sub(now))
		case <-quit:
			return
		}
	}
}

// Write the line below the cursor, and leave the cursor where the user types.
// First erase what is right of the cursor: the rest of an older status line, if
// Enter has moved the cursor into it. IND makes sure that there is a line below
// (ECMA-48, and DEC's save and restore of the cursor).
const (
	eraseBehind = "\x1b[J"
	lineBelow   = eraseBehind + "\x1bD\x1b[A\x1b7\x1b[B\r"
	backToInput = "\x1b8"
)

func (o *waiting) show(left time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if left < 0 {
		return
	}
	fmt.Fprint(o.w, lineBelow+o.style.Faint("Waiting, "+cli.Span(left)+" left. Ctrl-C gives up.")+backToInput)
	o.shown = true
}

func (o *waiting) clear() {
	if o.shown {
		fmt.Fprint(o.w, eraseBehind)
		o.shown = false
	}
}

// stop removes the line for good. It may be called at any time, and several
// times; before the first text it does nothing.
func (o *waiting) stop() {
	o.mu.Lock()
	quit := o.quit
	o.quit = nil
	o.mu.Unlock()
	if quit != nil {
		close(quit)
		<-o.done
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.clear()
}
