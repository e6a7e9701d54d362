package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// AskSecret asks for a secret at a terminal, which does not show what is typed,
// and returns the line; Ctrl-D does nothing. When ctx ends (Ctrl-C), AskSecret
// restores the terminal and returns ctx's error at once, and a goroutine stays
// behind until its read of terminal returns.
func AskSecret(ctx context.Context, terminal *os.File, out io.Writer, question string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("asking: %w", err)
	}
	interrupted := ctx.Done()
	if _, err := fmt.Fprint(out, question); err != nil {
		return "", fmt.Errorf("asking: %w", err)
	}
	type answer struct {
		text []byte
		err  error
	}
	answers, reading := make(chan answer, 1), make(chan struct{})
	go func() {
		close(reading)
		text, err := term.ReadPassword(fd)
		answers <- answer{text, err}
	}()
	defer fmt.Fprintln(out) // in place of the Enter that is not shown
	select {
	case <-interrupted:
		<-reading
		return "", errors.Join(fmt.Errorf("asking: %w", context.Cause(ctx)), restore(fd, before))
	case a := <-answers:
		if a.err != nil {
			return "", fmt.Errorf("reading the answer: %w", a.err)
		}
		return string(a.text), nil
	}
}

// restore restores the terminal's settings. A read that has just begun may
// switch echo off later, and does not report when, so restore does it several
// times.
func restore(fd int, before *term.State) error {
	var err error
	for range 20 {
		time.Sleep(time.Millisecond)
		err = term.Restore(fd, before)
	}
	return err
}
