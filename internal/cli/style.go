package cli

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Style formats text for a terminal. The zero value leaves it plain.
type Style struct {
	coloured bool
}

// StyleFor returns the style for w: coloured if w is a terminal with colours
// and the user has not set NO_COLOR (https://no-color.org), plain otherwise.
func StyleFor(w io.Writer) Style {
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return Style{}
	}
	file, ok := w.(*os.File)
	return Style{coloured: ok && term.IsTerminal(int(file.Fd()))}
}

// Coloured reports whether the style uses colours.
func (s Style) Coloured() bool { return s.coloured }

// Heading is bold.
func (s Style) Heading(text string) string { return s.sgr("1", text) }

// Good is green.
func (s Style) Good(text string) string { return s.sgr("32", text) }

// Bad is red.
func (s Style) Bad(text string) string { return s.sgr("31", text) }

// Faint is less visible than the text around it.
func (s Style) Faint(text string) string { return s.sgr("2", text) }

// sgr selects a graphic rendition (ECMA-48 section 8.3.117) for text.
func (s Style) sgr(parameter, text string) string {
	if !s.coloured || text == "" {
		return text
	}
	return "\x1b[" + parameter + "m" + text + "\x1b[0m"
}
