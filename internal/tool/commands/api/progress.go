package api

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spotipie/spotipie/internal/cli"
)

// progress is a line on a terminal that says how far a long run is. Elsewhere
// nothing is shown.
type progress struct {
	w        io.Writer
	terminal bool
	pages    bool // show them
	shown    bool
}

// newProgress returns a progress for w. pages is false where the results scroll
// by on the same terminal: then they are the progress.
func newProgress(w io.Writer, pages bool) *progress {
	return &progress{w: w, terminal: cli.IsTerminal(w) && os.Getenv("TERM") != "dumb", pages: pages}
}

// items says how many items there are so far, of total if that is not 0.
func (p *progress) items(items, total int64) {
	switch {
	case !p.pages:
	case total > 0:
		p.show(fmt.Sprintf("%d of %d items", items, total))
	default:
		p.show(fmt.Sprintf("%d items", items))
	}
}

// pause says that the server asked for one.
func (p *progress) pause(d time.Duration) {
	p.show(fmt.Sprintf("too many requests: waiting %s, as Spotify asks …", d.Round(time.Second)))
}

// eraseLine goes to the beginning of the line and empties it (ECMA-48).
const eraseLine = "\r\x1b[K"

func (p *progress) show(text string) {
	if !p.terminal {
		return
	}
	p.shown = true
	fmt.Fprint(p.w, eraseLine+text)
}

// clear takes the line away.
func (p *progress) clear() {
	if p.shown {
		p.shown = false
		fmt.Fprint(p.w, eraseLine)
	}
}

// before returns a writer that clears the line before it writes to w.
func (p *progress) before(w io.Writer) io.Writer { return clearing{p, w} }

type clearing struct {
	progress *progress
	w        io.Writer
}

// Write implements io.Writer.
func (c clearing) Write(b []byte) (int, error) {
	c.progress.clear()
	return c.w.Write(b)
}
