package tool

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// screen is what a terminal shows. It knows the parts of ECMA-48 and DEC's VT100
// that the tool uses. It does not scroll, and has as many rows as it needs.
type screen struct {
	width          int
	rows           [][]rune
	row, column    int // if column is width, the next character goes to the next row
	savedR, savedC int
}

// shown returns what a terminal of that width shows after the output written.
func shown(width int, written string) string {
	s := &screen{width: width}
	for written != "" {
		written = written[s.step(written):]
	}
	var lines []string
	for _, row := range s.rows {
		lines = append(lines, strings.TrimRight(string(row), " "))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// step handles a character or a control sequence and returns its length.
func (s *screen) step(text string) int {
	r, size := utf8.DecodeRuneInString(text)
	switch r {
	case '\x1b':
		return s.escape(text)
	case '\r':
		s.column = 0
	case '\n':
		s.row++
	case '\b':
		s.column = max(s.column-1, 0)
	default:
		s.put(r)
	}
	return size
}

func (s *screen) escape(text string) int {
	if text[1] != '[' {
		switch text[1] {
		case 'D': // IND
			s.row++
		case '7': // DECSC
			s.savedR, s.savedC = s.row, s.column
		case '8': // DECRC
			s.row, s.column = s.savedR, s.savedC
		}
		return 2
	}
	end := 2 + strings.IndexFunc(text[2:], func(r rune) bool { return r >= '@' && r <= '~' })
	switch text[end] {
	case 'A': // CUU
		s.row = max(s.row-1, 0)
	case 'B': // CUD
		s.row++
	case 'K': // EL
		s.eraseLine()
	case 'J': // ED
		s.eraseLine()
		s.rows = s.rows[:s.row+1]
	}
	return end + 1
}

func (s *screen) eraseLine() {
	s.reach()
	s.column = min(s.column, s.width-1)
	s.rows[s.row] = s.rows[s.row][:min(s.column, len(s.rows[s.row]))]
}

func (s *screen) reach() {
	for len(s.rows) <= s.row {
		s.rows = append(s.rows, nil)
	}
}

func (s *screen) put(r rune) {
	if s.column == s.width {
		s.row, s.column = s.row+1, 0
	}
	s.reach()
	for len(s.rows[s.row]) <= s.column {
		s.rows[s.row] = append(s.rows[s.row], ' ')
	}
	s.rows[s.row][s.column] = r
	s.column++
}

func TestShown(t *testing.T) {
	for name, test := range map[string]struct{ written, want string }{
		"lines":        {"one\r\ntwo", "one\ntwo"},
		"wrapped":      {"12345678", "12345\n678"},
		"overwritten":  {"12345\rab", "ab345"},
		"colours":      {"\x1b[2mab\x1b[0m", "ab"},
		"a line below": {"ab\x1bD\x1b[A\x1b7\x1b[B\r\x1b[Kbelow\x1b8c", "abc\nbelow"},
		"erased":       {"ab\r\ncd\r\nef\x1b[A\x1b[A\r\x1b[Jx", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := shown(5, test.written); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
