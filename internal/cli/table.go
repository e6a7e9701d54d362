package cli

import (
	"strings"
	"unicode/utf8"
)

// Column says how a column of a table becomes narrower on a narrow terminal.
type Column struct {
	Title string
	// Min is the number of characters to which its cells may be shortened; 0:
	// not at all.
	Min int
	// Drop says which column is left out when shortening is not enough: the one
	// with the highest number first; 0: never.
	Drop int
}

// columnGap is between two columns.
const columnGap = 2

// Table returns rows under their titles, in lines of at most width characters
// if the columns can be made narrow enough. It shortens the widest column
// first, in the middle of its cells.
func Table(columns []Column, rows [][]string, width int) string {
	lines := [][]string{make([]string, len(columns))}
	shown := make([]int, len(columns)) // by their index
	for i, column := range columns {
		lines[0][i], shown[i] = column.Title, i
	}
	lines = append(lines, rows...)
	widths, fits := fit(columns, lines, shown, width)
	for !fits {
		fewer := withoutNext(columns, shown)
		if len(fewer) == len(shown) {
			break
		}
		shown = fewer
		widths, fits = fit(columns, lines, shown, width)
	}
	var b strings.Builder
	for _, cells := range lines {
		line := ""
		for i, column := range shown {
			cell := shorten(cells[column], widths[i])
			line += cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+columnGap)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// fit returns the widths of the columns that are shown, and whether a line of
// them fits.
func fit(columns []Column, lines [][]string, shown []int, width int) (widths []int, fits bool) {
	total := -columnGap
	for _, column := range shown {
		natural := 0
		for _, cells := range lines {
			natural = max(natural, utf8.RuneCountInString(cells[column]))
		}
		widths = append(widths, natural)
		total += natural + columnGap
	}
	for ; total > width; total-- {
		widest := -1
		for i, column := range shown {
			least := columns[column].Min
			if least > 0 && widths[i] > least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return widths, false
		}
		widths[widest]--
	}
	return widths, true
}

// withoutNext leaves out the next column that may be dropped.
func withoutNext(columns []Column, shown []int) []int {
	next := -1
	for i, column := range shown {
		if drop := columns[column].Drop; drop > 0 && (next < 0 || drop > columns[shown[next]].Drop) {
			next = i
		}
	}
	if next < 0 {
		return shown
	}
	return append(append([]int{}, shown[:next]...), shown[next+1:]...)
}

// shorten removes the middle of text.
func shorten(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	return string(runes[:width/2]) + "…" + string(runes[len(runes)-(width-1)/2:])
}
