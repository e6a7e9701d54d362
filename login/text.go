package login

import (
	"strings"
	"unicode"
)

// printable drops what could change how a terminal or a page shows a text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s)
}
