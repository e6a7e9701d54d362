// Package output writes what the commands print: results to stdout, messages to
// stderr.
package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie/internal/cli"
)

// Write writes a command's result to stdout. If the reader has closed the pipe,
// that is not an error.
func Write(cmd *cobra.Command, text string) error {
	_, err := io.WriteString(cmd.OutOrStdout(), text)
	if err != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("%s: writing the result: %w", cmd.Name(), err)
	}
	return nil
}

// Say writes a message, in lines that fit the terminal. If w is not a terminal,
// it is one line.
func Say(w io.Writer, text string) {
	if cli.IsTerminal(w) {
		text = cli.Wrap(text, cli.Width(w))
	}
	fmt.Fprintln(w, text)
}

// WriteJSON writes a command's result to stdout as one line of JSON.
func WriteJSON(cmd *cobra.Command, value any) error {
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false) // results are not part of HTML
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("%s: encoding the result: %w", cmd.Name(), err)
	}
	return Write(cmd, escaped(bytes.TrimSuffix(data.Bytes(), []byte("\n")))+"\n")
}

// DateFormat is the layout of a day in texts.
const DateFormat = "2 January 2006"

// ClockTime is the layout of a time in texts.
func ClockTime(t time.Time) string { return t.Local().Format("2 January 2006 15:04") }

// UTC returns a time for JSON: in UTC, or null if it is not known.
func UTC(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}

// escaped replaces control characters of terminals, which package json leaves,
// by \u escapes.
func escaped(data []byte) string {
	var b strings.Builder
	for _, r := range string(data) {
		if r == ' ' || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}
