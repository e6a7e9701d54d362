package webapi

import (
	"bytes"
	"strings"
)

// The colours of JSON on a terminal (ECMA-48 section 8.3.117), the same as in
// jq and gh.
const (
	keyColour     = "\x1b[1;34m"
	textColour    = "\x1b[32m"
	literalColour = "\x1b[33m"
	noColour      = "\x1b[0m"
)

// coloured adds colours to valid JSON: to keys, strings, and everything else
// except punctuation.
func coloured(data []byte) []byte {
	var b bytes.Buffer
	for i := 0; i < len(data); {
		end, colour := i+1, ""
		switch c := data[i]; {
		case c == '"':
			end = i + stringEnd(data[i:])
			colour = textColour
			if rest := bytes.TrimLeft(data[end:], " \t\r\n"); len(rest) > 0 && rest[0] == ':' {
				colour = keyColour
			}
		case strings.IndexByte("{}[],: \t\r\n", c) < 0:
			end = i + literalEnd(data[i:])
			colour = literalColour
		}
		if colour == "" {
			b.WriteByte(data[i])
		} else {
			b.WriteString(colour)
			b.Write(data[i:end])
			b.WriteString(noColour)
		}
		i = end
	}
	return b.Bytes()
}

// stringEnd returns where the string at the beginning of data ends.
func stringEnd(data []byte) int {
	for i := 1; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(data)
}

// literalEnd returns where the number or word at the beginning of data ends.
func literalEnd(data []byte) int {
	if end := bytes.IndexAny(data, "{}[],: \t\r\n\""); end > 0 {
		return end
	}
	return len(data)
}
