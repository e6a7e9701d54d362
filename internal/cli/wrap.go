package cli

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// DefaultWidth is the width of a text in columns if there is no terminal.
const DefaultWidth = 80

// Width returns the width in columns of the terminal that a stream writes to.
// The stream is a file, or has a file's Fd method. Width returns [DefaultWidth]
// if the stream is not a terminal, or the terminal's width is unknown.
func Width(stream any) int {
	if file, ok := stream.(interface{ Fd() uintptr }); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return DefaultWidth
}

// Wrap breaks lines that are longer than width, between words. A longer word,
// such as an address, gets its own line. Wrap does not change lines that begin
// with a space, nor spaces at the end of a line, where the user may type an
// answer.
func Wrap(text string, width int) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if utf8.RuneCountInString(line) > width && !strings.HasPrefix(line, " ") {
			lines[i] = wrapLine(line, width)
		}
	}
	return strings.Join(lines, "\n")
}

func wrapLine(line string, width int) string {
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(line) {
		length := utf8.RuneCountInString(word)
		switch {
		case column == 0:
		case column+1+length > width:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += length
	}
	return b.String() + line[len(strings.TrimRight(line, " ")):]
}
