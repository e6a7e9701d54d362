package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// IsTerminal reports whether a stream of the program is a terminal.
func IsTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// CanAsk reports whether a user can see a question on out and answer it on in:
// whether both are terminals.
func CanAsk(in, out any) bool { return IsTerminal(in) && IsTerminal(out) }

// Confirm asks a yes-or-no question, and reports whether the answer was yes.
// Anything but y and yes is no, also the end of the input. When ctx ends
// (Ctrl-C) it returns ctx's error at once, and a goroutine stays behind until
// its read of in returns.
func Confirm(ctx context.Context, in io.Reader, out io.Writer, question string) (bool, error) {
	answer, err := Ask(ctx, in, out, question+" [y/N] ")
	said := strings.ToLower(answer)
	return said == "y" || said == "yes", err
}

// Ask asks a question and returns the line of the answer, without the spaces
// around it: "" at the end of the input. When ctx ends it behaves like Confirm.
func Ask(ctx context.Context, in io.Reader, out io.Writer, question string) (string, error) {
	if _, err := fmt.Fprint(out, question); err != nil {
		return "", fmt.Errorf("asking: %w", err)
	}
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := bufio.NewReader(in).ReadString('\n')
		answers <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(out)
		return "", fmt.Errorf("asking: %w", context.Cause(ctx))
	case a := <-answers:
		if a.err != nil {
			fmt.Fprintln(out) // in place of the Enter that did not come
		}
		if a.err != nil && !errors.Is(a.err, io.EOF) {
			return "", fmt.Errorf("reading the answer: %w", a.err)
		}
		return strings.TrimSpace(a.text), nil
	}
}
