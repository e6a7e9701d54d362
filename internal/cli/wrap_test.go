package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/spotipie/spotipie/internal/cli"
)

func TestWrap(t *testing.T) {
	const address = "https://accounts.spotify.com/authorize?client_id=app"
	for name, test := range map[string]struct{ text, want string }{
		"nothing":                {"", ""},
		"what fits":              {"as wide as this", "as wide as this"},
		"between words":          {"all addresses of the container", "all addresses\nof the\ncontainer"},
		"each line for itself":   {"one two\n\nthree four five six seven\n", "one two\n\nthree four five\nsix seven\n"},
		"an address":             {"open " + address + " and agree", "open\n" + address + "\nand agree"},
		"an address at first":    {address + " it is", address + "\nit is"},
		"an indented line":       {"this:\n\n    ssh -N -L 8888:127.0.0.1:8888 me@host\n", "this:\n\n    ssh -N -L 8888:127.0.0.1:8888 me@host\n"},
		"room to type behind it": {"Paste the address again: ", "Paste the\naddress again: "},
		"characters, not bytes":  {"ääääää öööööööö", "ääääää öööööööö"},
		"a short line's spaces":  {"a  b", "a  b"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := cli.Wrap(test.text, 15); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestWidth(t *testing.T) {
	screen, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	defer tty.Close()
	if got := cli.Width(tty); got != cli.DefaultWidth {
		t.Errorf("a terminal that does not know its width: got %d", got)
	}
	if err := pty.Setsize(screen, &pty.Winsize{Rows: 24, Cols: 61}); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, test := range map[string]struct {
		stream any
		want   int
	}{
		"terminal":                 {tty, 61},
		"what stands before one":   {struct{ *os.File }{tty}, 61},
		"file":                     {file, cli.DefaultWidth},
		"buffer":                   {&strings.Builder{}, cli.DefaultWidth},
		"what has no file in fact": {noFile{}, cli.DefaultWidth},
	} {
		t.Run(name, func(t *testing.T) {
			if got := cli.Width(test.stream); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

type noFile struct{}

func (noFile) Fd() uintptr { return ^uintptr(0) }
