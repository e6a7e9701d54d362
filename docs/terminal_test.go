package docs_test

import (
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// updatePictures makes the picture again:
//
//	go test ./docs -run TestPictureOfTheTerminal -args -update
var updatePictures = flag.Bool("update", false, "write the picture of the terminal in place of comparing it")

// TestPictureOfTheTerminal: images/terminal.svg shows what the tool prints in its
// test of a newcomer's first hour.
func TestPictureOfTheTerminal(t *testing.T) {
	var lines []string
	for _, screen := range []string{"12-status", "17-scope-missing", "26-doctor"} {
		text, err := os.ReadFile(filepath.Join("../internal/tool/testdata/first_hour", screen+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Split(strings.TrimSpace(string(text)), "\n")...)
	}
	// What differs from run to run is blotted out in the screens.
	shown := strings.NewReplacer(strings.Repeat("x", 32), "717c8ba271a4727d429e5458cfa78b8c", "DATE", "25 May 2027")
	got := terminalPicture(lines, shown)
	const path = "images/terminal.svg"
	if *updatePictures {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || string(want) != got {
		t.Errorf("%s is not what the tool prints now (%v): go test ./docs -run TestPictureOfTheTerminal -args -update", path, err)
	}
}

// terminalPicture draws lines of 80 columns. Commands are bright, and what goes
// well has a green mark, as in a terminal.
func terminalPicture(lines []string, shown *strings.Replacer) string {
	const lineHeight, margin, columns = 19, 18, 80
	width, height := columns*8.43+2*margin, len(lines)*lineHeight+2*margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#c9d1d9">`+"\n",
		width, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="8" fill="#0d1117"/>`+"\n")
	for i, line := range lines {
		b.WriteString(`<text xml:space="preserve" `)
		if strings.HasPrefix(line, "$ ") {
			b.WriteString(`font-weight="bold" fill="#ffffff" `)
		}
		fmt.Fprintf(&b, `x="%d" y="%d">`, margin, margin+14+i*lineHeight)
		line = shown.Replace(line)
		if rest, ok := strings.CutPrefix(line, "✓"); ok {
			b.WriteString(`<tspan fill="#3fb950">✓</tspan>`)
			line = rest
		}
		_ = xml.EscapeText(&b, []byte(line)) // a strings.Builder takes everything
		b.WriteString("</text>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}
