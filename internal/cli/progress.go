package cli

import (
	"fmt"
	"io"
	"os"
)

// Progress is a line on a terminal that shows the progress of a long run. If
// the output is not a terminal, it shows nothing. It may be used by one
// goroutine at a time.
type Progress struct {
	w        io.Writer
	terminal bool
	shown    bool
}

// NewProgress returns a progress for w.
func NewProgress(w io.Writer) *Progress {
	return &Progress{w: w, terminal: IsTerminal(w) && os.Getenv("TERM") != "dumb"}
}

// eraseLine goes to the beginning of the line and empties it (ECMA-48).
const eraseLine = "\r\x1b[K"

// Show replaces the shown text.
func (p *Progress) Show(text string) {
	if !p.terminal {
		return
	}
	p.shown = true
	fmt.Fprint(p.w, eraseLine+text)
}

// Clear removes the line.
func (p *Progress) Clear() {
	if p.shown {
		p.shown = false
		fmt.Fprint(p.w, eraseLine)
	}
}

// Before returns a writer that clears the line before it writes to w.
func (p *Progress) Before(w io.Writer) io.Writer { return clearing{p, w} }

type clearing struct {
	progress *Progress
	w        io.Writer
}

// Write implements io.Writer.
func (c clearing) Write(b []byte) (int, error) {
	c.progress.Clear()
	return c.w.Write(b)
}
