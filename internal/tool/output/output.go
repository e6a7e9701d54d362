// Package output writes what the commands print: results to stdout, words for
// people to stderr.
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

// Write writes a command's result to stdout. A reader that has gone has enough
// of it.
func Write(cmd *cobra.Command, text string) error {
	_, err := io.WriteString(cmd.OutOrStdout(), text)
	if err != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("%s: writing the result: %w", cmd.Name(), err)
	}
	return nil
}

// Say writes a text for people, in lines that fit the terminal; elsewhere, such
// as in a log, it is one line.
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
	encoder.SetEscapeHTML(false) // of which nothing here is part
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("%s: encoding the result: %w", cmd.Name(), err)
	}
	return Write(cmd, escaped(bytes.TrimSuffix(data.Bytes(), []byte("\n")))+"\n")
}

// DateFormat is a day as people write it.
const DateFormat = "2 January 2006"

// ClockTime is a moment as people write it.
func ClockTime(t time.Time) string { return t.Local().Format("2 January 2006 15:04") }

// UTC is a moment for JSON, or null if it is not known.
func UTC(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}

// escaped writes as \u escapes what package json leaves and a terminal would
// take for an order.
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
