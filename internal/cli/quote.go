package cli

import "strings"

// Unreserved reports whether text has only the unreserved characters of RFC
// 3986 section 2.3: it means the same in a URL, a header and a shell.
func Unreserved(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		letterOrDigit := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letterOrDigit && !strings.ContainsRune("-._~", r)
	})
}

// Quoted quotes text for a POSIX shell.
func Quoted(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// QuotedIfNeeded quotes text for a POSIX shell if it needs quotes.
func QuotedIfNeeded(text string) string {
	if text != "" && Unreserved(text) {
		return text
	}
	return Quoted(text)
}

// QuotedInText is QuotedIfNeeded for a command that a text shows in single
// quotes: it uses no single quotes itself.
func QuotedInText(text string) string {
	if text == "" || Unreserved(text) || strings.ContainsAny(text, "'$`\"\\!") {
		return QuotedIfNeeded(text)
	}
	return `"` + text + `"`
}
