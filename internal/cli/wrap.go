package cli

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// DefaultWidth is how many columns a text has where no terminal tells.
const DefaultWidth = 80

// Width returns how many columns the terminal has that a stream writes to: a
// file, or what has the file's Fd method. It is [DefaultWidth] for what is no
// terminal, or one that does not know.
func Width(stream any) int {
	if file, ok := stream.(interface{ Fd() uintptr }); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return DefaultWidth
}

// Wrap breaks the lines of text that are longer than width, between words. A
// word that is longer, such as an address, gets a line of its own in one piece.
// Lines that begin with a space are left as they are, and so are the spaces at
// a line's end, behind which somebody may type.
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
