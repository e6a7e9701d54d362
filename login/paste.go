package login

import (
	"errors"
	"io"
	"os"
	"runtime"

	"github.com/muesli/cancelreader"
	"golang.org/x/term"
)

// maxLine bounds a pasted line.
const maxLine = 64 << 10

var errLineTooLong = errors.New("the line is longer than 64 KiB")

// canPaste reports whether somebody can paste into in.
func canPaste(in io.Reader) bool {
	file, ok := in.(*os.File)
	return !ok || term.IsTerminal(int(file.Fd())) && isForeground(file)
}

// line is a line of input, or why there is none.
type line struct {
	text string
	err  error // errLineTooLong; anything else ends the input
}

// lineReader reads lines until it is stopped. It reads byte by byte, and no
// further until it is asked to, so that what comes after a line is left to
// whoever reads next.
type lineReader struct {
	lines  chan line
	more   chan struct{} // asks for the next line
	input  cancelreader.CancelReader
	quit   chan struct{}
	closed chan struct{} // the goroutine has ended
}

func readLines(in io.Reader) *lineReader {
	r := &lineReader{
		lines:  make(chan line),
		more:   make(chan struct{}),
		input:  interruptible(in),
		quit:   make(chan struct{}),
		closed: make(chan struct{}),
	}
	go r.run()
	return r
}

// interruptible makes reads that can be broken off, without losing input,
// where the system has such.
func interruptible(in io.Reader) cancelreader.CancelReader {
	if runtime.GOOS != "windows" { // where it would switch off echo and line editing
		if r, err := cancelreader.NewReader(in); err == nil {
			return r
		}
	}
	r, _ := cancelreader.NewReader(struct{ io.Reader }{in}) // cannot fail for what is no file
	return r
}

func (r *lineReader) run() {
	defer close(r.closed)
	for {
		l := r.next()
		select {
		case r.lines <- l:
		case <-r.quit:
			return
		}
		select {
		case <-r.more:
		case <-r.quit:
			return
		}
	}
}

func (r *lineReader) next() line {
	var text []byte
	var b [1]byte
	tooLong := false
	for {
		n, err := r.input.Read(b[:])
		switch {
		case n == 1 && b[0] == '\n' && tooLong:
			return line{err: errLineTooLong}
		case n == 1 && b[0] == '\n', err == io.EOF && len(text) > 0:
			return line{text: string(text)}
		case err != nil:
			return line{err: err}
		case n == 1 && len(text) < maxLine:
			text = append(text, b[0])
		case n == 1:
			tooLong = true
		}
	}
}

// stop ends the reading. If the read under way cannot be broken off, it is
// left behind.
func (r *lineReader) stop() {
	if r == nil {
		return
	}
	close(r.quit)
	if r.input.Cancel() {
		<-r.closed
		_ = r.input.Close()
	}
}
