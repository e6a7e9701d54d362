package cli

import (
	"strings"
	"unicode"
)

// Printable drops what could change how a terminal or a page shows a text from
// outside: control characters, and those that turn the direction of writing.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text)
}
