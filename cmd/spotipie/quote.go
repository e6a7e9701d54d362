package main

import "strings"

// unreserved reports whether text has only the unreserved characters of RFC
// 3986 section 2.3: it means the same in a URL, a header and a shell.
func unreserved(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		letterOrDigit := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letterOrDigit && !strings.ContainsRune("-._~", r)
	})
}

// quoted makes a POSIX shell take text as it is.
func quoted(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// quotedIfNeeded makes a POSIX shell take text as it is.
func quotedIfNeeded(text string) string {
	if text != "" && unreserved(text) {
		return text
	}
	return quoted(text)
}

// quotedInText is quotedIfNeeded for a command that stands between single quotes
// in a text, where others in it would be misread.
func quotedInText(text string) string {
	if text == "" || unreserved(text) || strings.ContainsAny(text, "'$`\"\\!") {
		return quotedIfNeeded(text)
	}
	return `"` + text + `"`
}
