package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spotipie/spotipie/internal/cli"
)

// waiting is what a login writes its texts to. On a terminal it shows below
// them for how long it still waits.
type waiting struct {
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
		go o.tick()
	}
	o.wrote = true
	if _, err := io.WriteString(o.w, inFlags(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// inFlags names the flags that stand for options of the library.
func inFlags(text string) string {
	return strings.NewReplacer("Options.BindAddress", "--bind", "Options.Ports", "--port").Replace(text)
}

// used reports whether the login had to say anything.
func (o *waiting) used() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.wrote
}

func (o *waiting) tick() {
	defer close(o.done)
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			o.show(o.end.Sub(now))
		case <-o.quit:
			return
		}
	}
}

// The line below the cursor, which stays where the user types. IND makes sure
// that there is one (ECMA-48, and DEC's save and restore of the cursor).
const (
	lineBelow   = "\x1bD\x1b[A\x1b7\x1b[B\r\x1b[K"
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
		fmt.Fprint(o.w, lineBelow+backToInput)
		o.shown = false
	}
}

// stop takes the line away. It may be called at any time, once.
func (o *waiting) stop() {
	o.mu.Lock()
	quit := o.quit
	o.mu.Unlock()
	if quit != nil {
		close(quit)
		<-o.done
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.clear()
}
