package login

import (
	"errors"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/muesli/cancelreader"
	"golang.org/x/term"
)

// maxLine is the maximum length of a pasted line.
const maxLine = 64 << 10

var (
	errLineTooLong = errors.New("the line is longer than 64 KiB")
	errEndlessLine = errors.New("a line is longer than 1 MiB")
)

// endlessLine is the length of a line whose end is not waited for.
const endlessLine = 1 << 20

// canPaste reports whether a user can paste into in.
func canPaste(in io.Reader) bool {
	file, ok := in.(*os.File)
	return !ok || term.IsTerminal(int(file.Fd())) && isForeground(file)
}

// isPipe reports whether another program writes what is read from in.
func isPipe(in io.Reader) bool {
	file, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0
}

// line is a line of input, or the error that ended the input.
type line struct {
	text string
	err  error // errLineTooLong; anything else ends the input
}

// ends reports whether no line follows.
func (l line) ends() bool { return l.err != nil && l.err != errLineTooLong }

// lineReader reads lines until it is stopped. It reads byte by byte, and only
// when asked to, so that the next reader gets the input after a line.
type lineReader struct {
	lines  chan line
	more   chan struct{} // asks for the next line
	input  cancelreader.CancelReader
	mine   func() bool // what is typed now is meant for this process
	quit   chan struct{}
	closed chan struct{} // the goroutine has ended
}

func readLines(in io.Reader) *lineReader {
	r := &lineReader{
		lines:  make(chan line),
		more:   make(chan struct{}),
		mine:   func() bool { return true },
		quit:   make(chan struct{}),
		closed: make(chan struct{}),
	}
	if file, ok := in.(*os.File); ok {
		r.mine = func() bool { return isForeground(file) }
		in = foregroundFile{file}
	}
	r.input = interruptible(in)
	go r.run()
	return r
}

// foregroundFile is a terminal that is read only while the process is in the
// foreground: otherwise the system would stop the process.
type foregroundFile struct{ *os.File }

func (f foregroundFile) Read(b []byte) (int, error) {
	if !isForeground(f.File) {
		return 0, nil
	}
	return f.File.Read(b)
}

// foregroundPoll is how often a process in the background checks whether it is
// in the foreground again. The system does not notify it.
const foregroundPoll = 200 * time.Millisecond

// waitForeground returns false if reading must end instead.
func (r *lineReader) waitForeground() bool {
	if r.mine() {
		return true
	}
	ticker := time.NewTicker(foregroundPoll)
	defer ticker.Stop()
	for !r.mine() {
		select {
		case <-ticker.C:
		case <-r.quit:
			return false
		}
	}
	return true
}

// interruptible makes reads that can be interrupted without losing input, if
// the system supports that.
func interruptible(in io.Reader) cancelreader.CancelReader {
	if runtime.GOOS != "windows" { // it would switch off echo and line editing
		if r, err := cancelreader.NewReader(in); err == nil {
			return r
		}
	}
	r, _ := cancelreader.NewReader(struct{ io.Reader }{in}) // cannot fail if it is not a file
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
	for length := 0; r.waitForeground(); length++ {
		n, err := recovering(func() (int, error) { return r.input.Read(b[:]) })
		end := n == 1 && b[0] == '\n'
		if n == 1 && !end {
			if tooLong = tooLong || len(text) == maxLine; !tooLong {
				text = append(text, b[0])
			}
		}
		switch {
		case length == endlessLine:
			return line{err: errEndlessLine}
		case (end || err == io.EOF) && tooLong:
			return line{err: errLineTooLong}
		case end, err == io.EOF && len(text) > 0:
			return line{text: string(text)}
		case err != nil:
			return line{err: err}
		}
	}
	return line{err: cancelreader.ErrCanceled}
}

// stop ends the reading. A read under way that cannot be interrupted is left
// behind.
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
