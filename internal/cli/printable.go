package cli

import (
	"strings"
	"unicode"
)

// Printable removes characters from an untrusted text that could change how a
// terminal or a page shows it: control characters, and those that change the
// writing direction.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text)
}
